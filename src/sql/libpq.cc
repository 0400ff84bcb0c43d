#include "sql/libpq.h"

#include <dlfcn.h>

#include <string>
#include <type_traits>

namespace torii::sql {
namespace {

struct Loaded {
  Libpq calls;
  std::string fault;
};

Loaded load() {
  Loaded loaded;
  int flags = RTLD_NOW | RTLD_LOCAL;
#if !defined(__SANITIZE_ADDRESS__)  // which refuses it
  flags |= RTLD_DEEPBIND;           // its own OpenSSL before any that is loaded already
#endif
  void* library = ::dlopen("libpq.so.5", flags);
  if (library == nullptr) {
    loaded.fault = ::dlerror();
    return loaded;
  }
  const auto find = [&](const char* name, auto& call) {
    call = reinterpret_cast<std::decay_t<decltype(call)>>(::dlsym(library, name));
    if (call == nullptr) loaded.fault = std::string("it has no ") + name;
  };
  Libpq& calls = loaded.calls;
  find("PQconnectdbParams", calls.PQconnectdbParams);
  find("PQfinish", calls.PQfinish);
  find("PQstatus", calls.PQstatus);
  find("PQerrorMessage", calls.PQerrorMessage);
  find("PQsocket", calls.PQsocket);
  find("PQsendPrepare", calls.PQsendPrepare);
  find("PQsendDescribePrepared", calls.PQsendDescribePrepared);
  find("PQsendQueryPrepared", calls.PQsendQueryPrepared);
  find("PQsendQueryParams", calls.PQsendQueryParams);
  find("PQsetSingleRowMode", calls.PQsetSingleRowMode);
  find("PQconsumeInput", calls.PQconsumeInput);
  find("PQisBusy", calls.PQisBusy);
  find("PQgetResult", calls.PQgetResult);
  find("PQclear", calls.PQclear);
  find("PQresultStatus", calls.PQresultStatus);
  find("PQresultErrorField", calls.PQresultErrorField);
  find("PQcmdTuples", calls.PQcmdTuples);
  find("PQnfields", calls.PQnfields);
  find("PQfname", calls.PQfname);
  find("PQftype", calls.PQftype);
  find("PQnparams", calls.PQnparams);
  find("PQntuples", calls.PQntuples);
  find("PQgetvalue", calls.PQgetvalue);
  find("PQgetlength", calls.PQgetlength);
  find("PQgetisnull", calls.PQgetisnull);
  find("PQgetCancel", calls.PQgetCancel);
  find("PQcancel", calls.PQcancel);
  find("PQfreeCancel", calls.PQfreeCancel);
  find("PQputCopyData", calls.PQputCopyData);
  find("PQputCopyEnd", calls.PQputCopyEnd);
  find("PQsetNoticeProcessor", calls.PQsetNoticeProcessor);
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
