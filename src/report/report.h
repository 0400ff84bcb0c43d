#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/evaluate.h"
#include "evaluate/task.h"
#include "model/bundle.h"

namespace torii::report {

/// A key of the configuration that has not its default value.
struct Setting {
  std::string key;
  std::string value;
  std::string default_value;
};

/// What a report is made of. All borrowed; must outlive the call.
struct Input {
  std::string subject;        ///< for people: "ml-100k.bundle", "popularity"
  std::string date;           ///< "2026-11-22", or empty: the report has no clock of its own
  std::string split;          ///< "random:0.8/0.1/0.1"
  std::string part = "test";  ///< "test" or "valid"
  const evaluate::Report* report = nullptr;
  const evaluate::Task* task = nullptr;
  const data::Dataset* dataset = nullptr;
  const data::Split* parts = nullptr;
  const model::Bundle* bundle = nullptr;  ///< null: a baseline is judged
  ConstFloatView item_embeddings = {};    ///< [I, D], dense items; without a bundle empty
  /// Title of a dense item, or empty.
  std::function<std::string(std::uint32_t)> title_of;
  std::vector<Setting> settings;
  /// Facts of this run, in order: "torii" -> "0.1.0", "threads" -> "2".
  std::vector<std::pair<std::string, std::string>> run;
  std::vector<std::pair<std::string, double>> seconds;
  /// Show the ids of the sample people and all that the data says of them. Otherwise they are
  /// numbered, and values that fewer than 10 people share are left out.
  bool user_ids = false;
};

/// The report as one HTML page that loads nothing, runs no script and can be read without either.
/// Same input: same bytes, for any thread count. Size: about 50 kB, 0.2 kB for each item of the map
/// (at most 2,000) and a few for the sample people. Time: a second or two, of it most for the map.
[[nodiscard]] std::string render(const Input& input, ThreadPool& pool);

}  // namespace torii::report
