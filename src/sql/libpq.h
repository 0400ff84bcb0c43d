#pragma once

#include <postgresql/libpq-fe.h>

#include "base/result.h"

namespace torii::sql {

/// libpq, opened at the first use and for good. Not linked: it brings 25 libraries that nobody
/// should wait for who reads files, and among them an OpenSSL whose calls would end in the one that
/// Arrow's Parquet library exports.
struct Libpq {
  decltype(&::PQconnectdbParams) PQconnectdbParams = nullptr;
  decltype(&::PQfinish) PQfinish = nullptr;
  decltype(&::PQstatus) PQstatus = nullptr;
  decltype(&::PQerrorMessage) PQerrorMessage = nullptr;
  decltype(&::PQsocket) PQsocket = nullptr;
  decltype(&::PQsendPrepare) PQsendPrepare = nullptr;
  decltype(&::PQsendDescribePrepared) PQsendDescribePrepared = nullptr;
  decltype(&::PQsendQueryPrepared) PQsendQueryPrepared = nullptr;
  decltype(&::PQsendQueryParams) PQsendQueryParams = nullptr;
  decltype(&::PQsetSingleRowMode) PQsetSingleRowMode = nullptr;
  decltype(&::PQconsumeInput) PQconsumeInput = nullptr;
  decltype(&::PQisBusy) PQisBusy = nullptr;
  decltype(&::PQgetResult) PQgetResult = nullptr;
  decltype(&::PQclear) PQclear = nullptr;
  decltype(&::PQresultStatus) PQresultStatus = nullptr;
  decltype(&::PQresultErrorField) PQresultErrorField = nullptr;
  decltype(&::PQcmdTuples) PQcmdTuples = nullptr;
  decltype(&::PQnfields) PQnfields = nullptr;
  decltype(&::PQfname) PQfname = nullptr;
  decltype(&::PQftype) PQftype = nullptr;
  decltype(&::PQnparams) PQnparams = nullptr;
  decltype(&::PQntuples) PQntuples = nullptr;
  decltype(&::PQgetvalue) PQgetvalue = nullptr;
  decltype(&::PQgetlength) PQgetlength = nullptr;
  decltype(&::PQgetisnull) PQgetisnull = nullptr;
  decltype(&::PQgetCancel) PQgetCancel = nullptr;
  decltype(&::PQcancel) PQcancel = nullptr;
  decltype(&::PQfreeCancel) PQfreeCancel = nullptr;
  decltype(&::PQputCopyData) PQputCopyData = nullptr;
  decltype(&::PQputCopyEnd) PQputCopyEnd = nullptr;
  decltype(&::PQsetNoticeProcessor) PQsetNoticeProcessor = nullptr;
};

/// Errors: kUnsupported if the library is nowhere, saying how to install it. Threads: any.
[[nodiscard]] Result<const Libpq*> libpq();

}  // namespace torii::sql
