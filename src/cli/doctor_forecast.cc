#include "cli/doctor_forecast.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/random.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/terminal.h"
#include "evaluate/task.h"
#include "text/embedding_cache.h"

namespace torii::cli {
namespace {

constexpr double kBatchSeconds = 0.5;
constexpr std::size_t kTextsPerSample = 32;
constexpr std::size_t kTextSamples = 3;

// Vectors from the cache; of texts that are not there, some are encoded to see how long it takes
// and the others stand in as numbers of the same size.
class RehearsedTexts final : public text::TextVectors {
 public:
  RehearsedTexts(text::TextVectors& real, const text::EmbeddingCache& cache)
      : real_(real), cache_(cache) {}

  [[nodiscard]] std::size_t width() const override { return real_.width(); }
  [[nodiscard]] const std::string& identity() const override { return real_.identity(); }

  [[nodiscard]] Result<Matrix> encode(std::span<const std::string_view> texts,
                                      Reporter& reporter) override {
    Matrix vectors(texts.size(), width());
    std::vector<std::string_view> missing;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto known = cache_.find(text::EmbeddingCache::key_of(texts[i]));
      if (known) {
        std::ranges::copy(*known, vectors.row(i).begin());
        continue;
      }
      missing.push_back(texts[i]);
      Random random(hash64(texts[i]));
      const auto scale = static_cast<float>(2.0 / std::sqrt(static_cast<double>(width())));
      for (float& value : vectors.row(i)) {
        value = scale * (static_cast<float>(random.uniform()) - 0.5F);
      }
    }
    missing_ += missing.size();
    TORII_TRY_VOID(time(std::move(missing), reporter));
    return vectors;
  }

  [[nodiscard]] std::uint64_t missing() const { return missing_; }
  /// For all missing texts, as the samples tell.
  [[nodiscard]] double seconds() const { return seconds_; }
  /// What the samples took.
  [[nodiscard]] double spent() const { return spent_; }

 private:
  // Neighbours in length go into one batch: samples from the short, the middle and the long third
  // stand for theirs.
  Result<void> time(std::vector<std::string_view> missing, Reporter& reporter) {
    if (missing.empty()) return {};
    std::ranges::sort(missing, [](auto a, auto b) { return a.size() < b.size(); });
    const double begun = steady_seconds();
    if (!opened_) {  // the first text also opens the encoder
      TORII_TRY([[maybe_unused]] const Matrix first,
                real_.encode(std::span(missing).first(1), reporter));
      opened_ = true;
      seconds_ += steady_seconds() - begun;
    }
    const std::size_t samples = missing.size() > kTextSamples * kTextsPerSample ? kTextSamples : 1;
    const double share = static_cast<double>(missing.size()) / static_cast<double>(samples);
    for (std::size_t i = 0; i < samples; ++i) {
      const std::size_t count = std::min(kTextsPerSample, missing.size());
      const std::size_t middle = missing.size() * (2 * i + 1) / (2 * samples);
      const std::size_t first =
          std::min(middle - std::min(middle, count / 2), missing.size() - count);
      const double start = steady_seconds();
      TORII_TRY([[maybe_unused]] const Matrix part,
                real_.encode(std::span(missing).subspan(first, count), reporter));
      seconds_ += share * (steady_seconds() - start) / static_cast<double>(count);
    }
    spent_ += steady_seconds() - begun;
    return {};
  }

  text::TextVectors& real_;
  const text::EmbeddingCache& cache_;
  std::uint64_t missing_ = 0;
  double seconds_ = 0.0;
  double spent_ = 0.0;
  bool opened_ = false;
};

// VmHWM of this process, bytes; 0 where the system does not tell.
std::uint64_t peak_memory() {
  const auto status = read_file("/proc/self/status", std::size_t{1} << 16);
  if (!status.ok()) return 0;
  const std::size_t at = status->find("VmHWM:");
  if (at == std::string::npos) return 0;
  const std::size_t digits = status->find_first_of("0123456789", at);
  std::uint64_t kib = 0;
  if (digits == std::string::npos) return 0;
  std::from_chars(status->data() + digits, status->data() + status->size(), kib);
  return kib * 1024;
}

std::string bytes_text(std::uint64_t bytes) {
  const double mib = static_cast<double>(bytes) / (1024.0 * 1024.0);
  return mib < 1000.0 ? fmt::format("{:.0f} MB", mib) : fmt::format("{:.1f} GB", mib / 1024.0);
}

}  // namespace

Json Forecast::to_json() const {
  Json train = Json::object();
  train.set("load", load_seconds)
      .set("encode", encode_seconds)
      .set("texts", text_seconds)
      .set("epoch", training.seconds_per_epoch)
      .set("validation", training.seconds_per_validation)
      .set("epochs_min", training.epochs_min)
      .set("epochs_max", training.epochs_max)
      .set("total_min", train_seconds(training.epochs_min))
      .set("total_max", train_seconds(training.epochs_max));
  return Json::object()
      .set("train_seconds", std::move(train))
      .set("candidates_seconds", candidates_seconds)
      .set("rows", training.rows)
      .set("texts", texts)
      .set("memory_bytes", memory_bytes);
}

std::string Forecast::text() const {
  const double before = load_seconds + encode_seconds + text_seconds;
  std::string out = fmt::format("  train       {} before the first epoch", duration(before));
  if (texts > 0) {
    out += fmt::format(" ({} of it for {} texts, once)", duration(text_seconds), grouped(texts));
  }
  out += fmt::format(", then {} each;\n              ", duration(training.seconds(1)));
  if (training.epochs_min < training.epochs_max) {
    out += fmt::format("{} if it stops after {} epochs, {} for all {}",
                       duration(train_seconds(training.epochs_min)), training.epochs_min,
                       duration(train_seconds(training.epochs_max)), training.epochs_max);
  } else {
    out += fmt::format("{} for {} epochs", duration(train_seconds(training.epochs_max)),
                       training.epochs_max);
  }
  return out + fmt::format("\n  candidates  {}\n  memory      {} at most\n",
                           duration(load_seconds + encode_seconds + candidates_seconds),
                           bytes_text(memory_bytes));
}

Result<Forecast> make_forecast(Session& session, Config& config, const data::Dataset& dataset,
                               const data::Split& split, const Plans& plans, double load_seconds) {
  Forecast forecast;
  forecast.load_seconds = load_seconds;
  TORII_TRY(ThreadPool * pool, session.pool());
  session.reporter().begin("forecast", 0, "steps");
  const double begun = steady_seconds();
  TORII_TRY(features::Spec spec, learn_spec(dataset, plans, config.learn));
  std::unique_ptr<text::TextVectors> texts;
  std::unique_ptr<RehearsedTexts> rehearsed;
  std::optional<text::EmbeddingCache> cache;
  if (has_text(plans)) {
    TORII_TRY(texts, open_texts(session, config));
    set_text(spec, *texts, config);
    TORII_TRY(cache, text::EmbeddingCache::open(session.cache_folder(), texts->identity(),
                                                texts->width()));
    rehearsed = std::make_unique<RehearsedTexts>(*texts, *cache);
  }
  TORII_TRY(const EncodedData encoded, encode_data(session, dataset, spec, rehearsed.get()));
  forecast.encode_seconds = steady_seconds() - begun;
  if (rehearsed) {
    forecast.encode_seconds -= rehearsed->spent();
    forecast.texts = rehearsed->missing();
    forecast.text_seconds = rehearsed->seconds();
  }
  TORII_TRY(forecast.training, train::rehearse({.dataset = &dataset,
                                                .split = &split,
                                                .spec = &spec,
                                                .users = &encoded.users,
                                                .items = &encoded.items},
                                               config.model, config.train, kBatchSeconds, *pool));
  forecast.memory_bytes = peak_memory();
  // A validation embeds everybody and ranks for the judged users; candidates rank for everybody.
  if (split.valid_rows > 0) {
    const auto task = evaluate::make_task(dataset, split, data::Part::kValid);
    const auto judged =
        static_cast<double>(std::min<std::size_t>(task.relevant.users.size(), 10'000));
    forecast.candidates_seconds =
        forecast.training.seconds_per_validation *
        std::max(1.0, static_cast<double>(dataset.users.size()) / std::max(judged, 1.0));
  }
  session.reporter().end("");
  return forecast;
}

}  // namespace torii::cli
