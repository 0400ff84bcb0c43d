// Loads a server of the loopback over HTTP and prints what came of it as one line of JSON.
//   bench_open_loop --port=P --requests=FILE [--rate=R] [--even] [--connections=64] [--seconds=5]
//                   [--warm-up=0] [--timeout=5] [--seed=1] [--header="Name: value"]...
// FILE holds one request a line: METHOD PATH, and a tab and a JSON body where there is one. With
// --rate requests arrive at that many a second as a Poisson process (--even: evenly spaced) and are
// timed from their arrival; without it each connection asks as fast as it is answered.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/file.h"
#include "http_load.h"

namespace torii::bench {
namespace {

template <class Number>
bool parse(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

struct Arguments {
  LoadOptions load;
  std::string file, headers;
};

bool read_argument(std::string_view argument, Arguments& to) {
  if (argument == "--even") {
    to.load.poisson = false;
    return true;
  }
  const std::size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = argument.substr(0, equals), value = argument.substr(equals + 1);
  if (name == "--port") return parse(value, to.load.port);
  if (name == "--rate") return parse(value, to.load.rate);
  if (name == "--connections") return parse(value, to.load.connections);
  if (name == "--seconds") return parse(value, to.load.seconds);
  if (name == "--warm-up") return parse(value, to.load.warm_up_s);
  if (name == "--timeout") return parse(value, to.load.timeout_s);
  if (name == "--seed") return parse(value, to.load.seed);
  if (name == "--requests")
    to.file = value;
  else if (name == "--header")
    to.headers += fmt::format("{}\r\n", value);
  else
    return false;
  return true;
}

Result<std::string> run(Arguments& arguments) {
  TORII_TRY(const std::string text, read_file(arguments.file, std::size_t{1} << 30));
  TORII_TRY(arguments.load.requests, parse_requests(text, arguments.headers));
  TORII_TRY(LoadResult result, run_load(arguments.load));
  return result.json();
}

}  // namespace
}  // namespace torii::bench

int main(int count, char** words) {
  torii::bench::Arguments arguments;
  for (int i = 1; i < count; ++i) {
    if (!torii::bench::read_argument(words[i], arguments)) {
      fmt::print(stderr, "bench_open_loop: cannot read '{}'; see the head of bench/open_loop.cc\n",
                 words[i]);
      return 2;
    }
  }
  const auto result = torii::bench::run(arguments);
  if (!result.ok()) {
    fmt::print(stderr, "bench_open_loop: {}\n", result.error().message);
    return 1;
  }
  fmt::print("{}\n", result.value());
  return 0;
}
