#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace torii::server {

/// `serve:` of torii.yaml.
struct ServeOptions {
  std::string address = "127.0.0.1";
  int port = 8080;
  int threads = 0;       ///< io threads; 0: one per processor
  int scan_threads = 1;  ///< threads that search the whole catalogue
  int connections_max = 20'000;
  int header_kb_max = 16;
  int body_kb_max = 8 * 1024;
  double idle_s = 75;
  double read_s = 10;
  double write_s = 10;
  double drain_s = 10;
  double drain_delay_s = 0;
  int gzip_from = 1400;  ///< bytes
  int scan_queue = 256;
  int write_queue = 4096;
  double poll_s = 0.5;
  double store_timeout_s = 5;
  double rate_per_s = 0;  ///< of each key; 0: no limit
  double rate_burst = 100;
  int key_requests_max = 0;  ///< of one key at once; 0: no limit
  std::vector<std::string> origins;
  std::vector<std::string> tokens;  ///< "TENANT=eddsa:FILE", "TENANT=hs256:env:NAME"
  bool access_log = false;
  bool metrics_open = false;
  int approximate_from = 1'000'000;
  double popularity_half_life_h = 72;
  int events_of_vector_max = 50;
};
void declare(ServeOptions& options, OptionSet& set);

}  // namespace torii::server
