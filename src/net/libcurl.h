#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace torii::net {

/// libcurl, opened at the first request and for good. Not linked: it brings 25 libraries that
/// nobody should wait for who asks the network nothing, and among them (by way of libssh2) an
/// OpenSSL whose calls would end in the one that Arrow's Parquet library exports.
struct Libcurl {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_reset) easy_reset = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&::curl_easy_perform) easy_perform = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;
  decltype(&::curl_slist_append) slist_append = nullptr;
  decltype(&::curl_slist_free_all) slist_free_all = nullptr;
};

/// Errors: kUnsupported if the library is nowhere, saying how to install it. Threads: any.
[[nodiscard]] Result<const Libcurl*> libcurl();

}  // namespace torii::net
