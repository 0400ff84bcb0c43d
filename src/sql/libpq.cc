#include "sql/libpq.h"

#include <string>

#include "base/shared_library.h"

namespace torii::sql {
namespace {

struct Loaded {
  Libpq calls;
  std::string fault;
};

Loaded load() {
  SharedLibrary library("libpq.so.5");
  Loaded loaded;
  Libpq& calls = loaded.calls;
  library.find("PQconnectdbParams", calls.PQconnectdbParams);
  library.find("PQfinish", calls.PQfinish);
  library.find("PQstatus", calls.PQstatus);
  library.find("PQerrorMessage", calls.PQerrorMessage);
  library.find("PQsocket", calls.PQsocket);
  library.find("PQsendPrepare", calls.PQsendPrepare);
  library.find("PQsendDescribePrepared", calls.PQsendDescribePrepared);
  library.find("PQsendQueryPrepared", calls.PQsendQueryPrepared);
  library.find("PQsendQueryParams", calls.PQsendQueryParams);
  library.find("PQsetSingleRowMode", calls.PQsetSingleRowMode);
  library.find("PQconsumeInput", calls.PQconsumeInput);
  library.find("PQisBusy", calls.PQisBusy);
  library.find("PQgetResult", calls.PQgetResult);
  library.find("PQclear", calls.PQclear);
  library.find("PQresultStatus", calls.PQresultStatus);
  library.find("PQresultErrorField", calls.PQresultErrorField);
  library.find("PQcmdTuples", calls.PQcmdTuples);
  library.find("PQnfields", calls.PQnfields);
  library.find("PQfname", calls.PQfname);
  library.find("PQftype", calls.PQftype);
  library.find("PQnparams", calls.PQnparams);
  library.find("PQntuples", calls.PQntuples);
  library.find("PQgetvalue", calls.PQgetvalue);
  library.find("PQgetlength", calls.PQgetlength);
  library.find("PQgetisnull", calls.PQgetisnull);
  library.find("PQgetCancel", calls.PQgetCancel);
  library.find("PQcancel", calls.PQcancel);
  library.find("PQfreeCancel", calls.PQfreeCancel);
  library.find("PQputCopyData", calls.PQputCopyData);
  library.find("PQputCopyEnd", calls.PQputCopyEnd);
  library.find("PQsetNoticeProcessor", calls.PQsetNoticeProcessor);
  loaded.fault = library.fault();
  return loaded;
}

}  // namespace

Result<const Libpq*> libpq() {
  static const Loaded loaded = load();
  if (loaded.fault.empty()) return &loaded.calls;
  return make_error(ErrorCode::kUnsupported,
                    "PostgreSQL: the library libpq.so.5 cannot be used: {}; install the package "
                    "libpq5",
                    loaded.fault);
}

}  // namespace torii::sql
