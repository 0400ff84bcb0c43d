#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id_index.h"
#include "base/json.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/session.h"
#include "data/interactions.h"
#include "data/split.h"
#include "features/encoder.h"
#include "features/spec.h"
#include "text/text_encoder.h"

namespace torii::cli {

/// Seconds of each part of a call, in order, for people and for --json.
class Stopwatch {
 public:
  Stopwatch();
  /// Ends the part that began at the last call.
  void lap(std::string name);
  [[nodiscard]] Json seconds() const;  ///< all parts and "total"
  [[nodiscard]] double total() const;

 private:
  double begun_;
  double last_;
  std::vector<std::pair<std::string, double>> laps_;
};

/// Reads the data and says what was found: counts, and rows that could not be used. With a
/// `column:` split also the column it names.
[[nodiscard]] Result<data::LoadedDataset> load_data(const Session& session, const Config& config,
                                                    const data::SplitSpec* split = nullptr);

/// "dropped" and "findings" of a data set.
void set_findings(Json& document, const data::Dataset& dataset);

/// The encoder that the configuration names (downloaded if need be), with its cache on disk. A
/// model of the hub stands in `config` with its commit from then on: a bundle names what it was
/// made with.
/// Its vectors lie in `cache`, unless that is empty in the session's.
[[nodiscard]] Result<std::unique_ptr<text::TextVectors>> open_texts(
    Session& session, Config& config, const std::filesystem::path& cache = {});

/// Whether a bundle may be written there, before work is spent on it: the folder above must exist,
/// and what has that name already must be an empty folder or a bundle with nothing beside it.
[[nodiscard]] Result<void> check_bundle_place(const std::string& out);
/// The same for a file: the folder above must exist, and no folder of that name.
[[nodiscard]] Result<void> check_file_place(const std::string& out, std::string_view flag = "--out",
                                            std::string_view example = "candidates.parquet");
/// Refuses a place that is one of the tables read, or lies in a folder that is one.
[[nodiscard]] Result<void> check_not_data(const std::string& out, std::string_view flag,
                                          const data::DataOptions& data);
/// The same for a folder of tables, which is made with all folders above: new, empty, or one that
/// holds a table of `names` already. A bundle is none.
[[nodiscard]] Result<void> check_tables_place(const std::string& out,
                                              std::span<const char* const> names);

/// Users and items of a data set, encoded by a spec.
struct EncodedData {
  features::EncodedTable users;
  features::EncodedTable items;
};
[[nodiscard]] Result<EncodedData> encode_data(const Session& session, const data::Dataset& dataset,
                                              const features::Spec& spec, text::TextVectors* texts);

[[nodiscard]] bool has_text(const features::Spec& spec);

}  // namespace torii::cli
