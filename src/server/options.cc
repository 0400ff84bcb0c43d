#include "server/options.h"

namespace torii::server {

void declare(ServeOptions& options, OptionSet& set) {
  set.text("serve.address", &options.address,
           "IPv4 or IPv6 address to listen on; one that is not loopback needs API keys.");
  set.integer("serve.port", &options.port, 0, 65535, "TCP port; 0 takes any free one.");
  set.integer("serve.threads", &options.threads, 0, 256,
              "Threads that answer requests; 0: one per processor.");
  set.integer("serve.scan_threads", &options.scan_threads, 1, 256,
              "Threads that search the whole catalogue, encode texts and read from the store.");
  set.integer("serve.connections_max", &options.connections_max, 1, 1'000'000,
              "Open connections; further ones are closed at once.");
  set.integer("serve.header_kb_max", &options.header_kb_max, 1, 64,
              "Size of a request's line and header fields.");
  set.integer("serve.body_kb_max", &options.body_kb_max, 1, 256 * 1024,
              "Size of a request's body.");
  set.number("serve.idle_s", &options.idle_s, 0.1, 86400.0,
             "Seconds that a connection may wait for its next request.");
  set.number("serve.read_s", &options.read_s, 0.1, 3600.0,
             "Seconds from the first byte of a request to its last.");
  set.number("serve.write_s", &options.write_s, 0.1, 3600.0,
             "Seconds in which a client has to take an answer.");
  set.number("serve.drain_s", &options.drain_s, 0.0, 3600.0,
             "Seconds that running requests have to finish once the server was told to stop.");
  set.number("serve.drain_delay_s", &options.drain_delay_s, 0.0, 3600.0,
             "Seconds between not being ready any more and refusing connections, for load "
             "balancers to notice.");
  set.integer("serve.gzip_from", &options.gzip_from, 256, 1 << 30,
              "Bytes from which an answer is compressed, for clients that take gzip.");
  set.integer(
      "serve.scan_queue", &options.scan_queue, 1, 1'000'000,
      "Requests that may wait for a search of the catalogue; further ones are answered 503.");
  set.integer("serve.write_queue", &options.write_queue, 1, 1'000'000,
              "Writes that may wait for the store; further ones are answered 503.");
  set.number("serve.poll_s", &options.poll_s, 0.05, 60.0,
             "Seconds between two looks into the store for what others wrote and published.");
  set.number("serve.store_timeout_s", &options.store_timeout_s, 0.1, 600.0,
             "Seconds that a statement of the store may take.");
  set.number("serve.rate_per_s", &options.rate_per_s, 0.0, 1e7,
             "Requests a second that one API key or user may send; 0: no limit.");
  set.number("serve.rate_burst", &options.rate_burst, 1.0, 1e7,
             "Requests that one API key or user may send at once before the rate counts.");
  set.integer("serve.key_requests_max", &options.key_requests_max, 0, 1'000'000,
              "Requests of one API key that may wait for a search or the store; 0: no limit.");
  set.texts("serve.origins", &options.origins,
            "Origins whose pages may call the API from a browser, such as https://shop.example; "
            "none unless named.");
  set.texts("serve.tokens", &options.tokens,
            "Keys that verify user tokens, such as default=eddsa:shop.pub or "
            "default=hs256:env:SHOP_SECRET: tenant, algorithm, file or environment variable.");
  set.flag("serve.access_log", &options.access_log,
           "One line of JSON for each request, without ids of people.");
  set.flag("serve.metrics_open", &options.metrics_open, "/metrics answers without a key.");
  set.integer("serve.approximate_from", &options.approximate_from, 0, 1'000'000'000,
              "Items above which the catalogue is searched approximately (HNSW); 0: never.");
  set.number("serve.popularity_half_life_h", &options.popularity_half_life_h, 0.01, 1e6,
             "Hours after which an event counts half in what is popular and recent.");
  set.integer("serve.events_of_vector_max", &options.events_of_vector_max, 1, 1000,
              "Newest events of a user that form the vector of a session.");
}

}  // namespace torii::server
