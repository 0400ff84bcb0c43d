#pragma once

#include <postgresql/libpq-fe.h>

#include "base/result.h"

namespace torii::sql {

// The calls of libpq that are used.
#define TORII_LIBPQ_CALLS(CALL)                                                                    \
  CALL(PQconnectdbParams)                                                                          \
  CALL(PQfinish)                                                                                   \
  CALL(PQstatus)                                                                                   \
  CALL(PQerrorMessage)                                                                             \
  CALL(PQsocket)                                                                                   \
  CALL(PQsendPrepare) CALL(PQsendDescribePrepared) CALL(PQsendQueryPrepared)                       \
      CALL(PQsendQueryParams) CALL(PQsetSingleRowMode) CALL(PQconsumeInput) CALL(PQisBusy)         \
          CALL(PQgetResult) CALL(PQclear) CALL(PQresultStatus) CALL(PQresultErrorMessage)          \
              CALL(PQresultErrorField) CALL(PQcmdTuples) CALL(PQnfields) CALL(PQfname)             \
                  CALL(PQftype) CALL(PQnparams) CALL(PQntuples) CALL(PQgetvalue) CALL(PQgetlength) \
                      CALL(PQgetisnull) CALL(PQgetCancel) CALL(PQcancel) CALL(PQfreeCancel)        \
                          CALL(PQputCopyData) CALL(PQputCopyEnd) CALL(PQunescapeBytea)             \
                              CALL(PQfreemem) CALL(PQsetNoticeProcessor)

/// libpq, opened at the first use and for good. Not linked: it brings 25 libraries that nobody
/// should wait for who reads files, and among them an OpenSSL whose calls would end in the one that
/// Arrow's Parquet library exports.
struct Libpq {
#define TORII_LIBPQ_MEMBER(name) decltype(&::name) name = nullptr;
  TORII_LIBPQ_CALLS(TORII_LIBPQ_MEMBER)
#undef TORII_LIBPQ_MEMBER
};

/// Errors: kUnsupported if the library is nowhere, saying how to install it. Threads: any.
[[nodiscard]] Result<const Libpq*> libpq();

}  // namespace torii::sql
