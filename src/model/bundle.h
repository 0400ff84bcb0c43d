#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id_index.h"
#include "base/json.h"
#include "base/matrix.h"
#include "base/result.h"
#include "base/safetensors.h"
#include "base/thread_pool.h"
#include "features/batch.h"
#include "features/spec.h"
#include "model/two_tower.h"

namespace torii::model {

/// Longest embedding that a bundle may hold, squared: below it no score can overflow, whatever the
/// metric.
inline constexpr double kSquaredLengthMax = 1e36;

/// Everything needed to answer, sealed together: a folder with bundle.json (manifest: format
/// version, sizes and SHA-256 of each part, spec, shapes, metric, settings, provenance,
/// evaluation), towers.safetensors (tensors "user_tower.*", "item_tower.*"), items.safetensors
/// (item ids, embeddings, popularity), users.safetensors (ids of the user id embedding) and
/// training_pairs.safetensors (what an evaluation must not judge by).
/// See docs/formats/bundle.md.
struct Bundle {
  features::Spec spec;
  TwoTower model;
  IdIndex user_ids;        ///< row i of user_tower.id_embed belongs to user_ids[i]; may be empty
  IdIndex item_ids;        ///< row i of item_embeddings (and of item_tower.id_embed)
  Matrix item_embeddings;  ///< [I, D]
  std::vector<float> popularity;  ///< positive training interactions of each item, [I]
  Json settings;                  ///< configuration it was trained with
  Json provenance;                ///< torii version, time, seed, data and split fingerprints, ISA
  Json evaluation;                ///< validation metrics at training time
  std::string id;                 ///< SHA-256 of the manifest; filled by write and open
};

/// Puts a bundle together: embeds every item in evaluation mode. items has one row per item_ids, in
/// that order. The towers must fit the spec and the ids (our own mistake otherwise). settings,
/// provenance and evaluation are left for the caller to fill.
[[nodiscard]] Bundle make_bundle(features::Spec spec, TwoTower model,
                                 const features::EncodedTable& items, IdIndex user_ids,
                                 IdIndex item_ids, std::vector<float> popularity, ThreadPool& pool);

/// Row of the user id embedding of a user whom the model knows by id. An id without a training row
/// has a row of zeros: nothing was learned, so the user counts as unknown.
[[nodiscard]] std::optional<std::uint32_t> find_trained_user(const Bundle& bundle,
                                                             std::string_view id);

/// Writes durably: the folder appears whole or not at all; an old bundle of that name is replaced,
/// any other folder is refused (kInvalidArgument). Same bundle: same bytes. Fills bundle.id.
/// Error kDiverged if a parameter, embedding or popularity is not finite, or an embedding is longer
/// than kSquaredLengthMax: nothing is written.
/// training_pairs: data::training_pairs(), ascending; a part of their own that nothing but the
/// check of overlaps reads (TrainingPairs). Empty: no such part.
[[nodiscard]] Result<void> write_bundle(const std::filesystem::path& path, Bundle& bundle,
                                        std::span<const std::uint64_t> training_pairs = {});

/// Opens and verifies every part: sizes, hashes, shapes against the spec, finite numbers, ids in
/// strict order. Errors: kNotFound (no bundle there), kCorrupt (names the part), kUnsupported
/// (newer format version).
[[nodiscard]] Result<Bundle> open_bundle(const std::filesystem::path& path);

/// Hashes of the pairs of a user and an item that a bundle was trained on, mapped from its folder;
/// open_bundle() verifies that file as every other one but does not keep it.
class TrainingPairs {
 public:
  /// nullopt if the bundle has none (imported weights, format version 1). Errors: as open_bundle().
  [[nodiscard]] static Result<std::optional<TrainingPairs>> open(const std::filesystem::path& path);
  [[nodiscard]] std::span<const std::uint64_t> hashes() const { return hashes_; }  ///< ascending

 private:
  TrainingPairs(SafetensorsFile file, std::span<const std::uint64_t> hashes)
      : file_(std::move(file)), hashes_(hashes) {}

  SafetensorsFile file_;
  std::span<const std::uint64_t> hashes_;  // into file_
};

/// The manifest alone, its seal checked, for `bundle show`. The other parts are not read.
[[nodiscard]] Result<Json> read_manifest(const std::filesystem::path& path);

}  // namespace torii::model
