#include "net/libcurl.h"

#include <string>

#include "base/shared_library.h"

namespace torii::net {
namespace {

struct Loaded {
  Libcurl calls;
  std::string fault;
};

Loaded load() {
  // The GnuTLS flavour: the other one's TLS is OpenSSL's.
  SharedLibrary library("libcurl-gnutls.so.4");
  Loaded loaded;
  Libcurl& calls = loaded.calls;
  library.find("curl_global_init", calls.global_init);
  library.find("curl_easy_init", calls.easy_init);
  library.find("curl_easy_cleanup", calls.easy_cleanup);
  library.find("curl_easy_reset", calls.easy_reset);
  library.find("curl_easy_setopt", calls.easy_setopt);
  library.find("curl_easy_getinfo", calls.easy_getinfo);
  library.find("curl_easy_perform", calls.easy_perform);
  library.find("curl_easy_strerror", calls.easy_strerror);
  library.find("curl_slist_append", calls.slist_append);
  library.find("curl_slist_free_all", calls.slist_free_all);
  loaded.fault = library.fault();
  if (loaded.fault.empty() && calls.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    loaded.fault = "it does not start";
  }
  return loaded;
}

}  // namespace

Result<const Libcurl*> libcurl() {
  static const Loaded loaded = load();
  if (loaded.fault.empty()) return &loaded.calls;
  return make_error(ErrorCode::kUnsupported,
                    "the network: the library libcurl-gnutls.so.4 cannot be used: {}; install the "
                    "package libcurl3-gnutls",
                    loaded.fault);
}

}  // namespace torii::net
