#include "model/bundle.h"

#include <array>
#include <string>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "base/reporter.h"
#include "base/thread_pool.h"
#include "features/encoder.h"
#include "fuzz/scratch.h"
#include "fuzz/target.h"
#include "model/bundle_manifest.h"
#include "support/tables.h"

namespace torii::fuzz {
namespace {

constexpr std::array<const char*, 4> kFiles = {model::kManifestFile, model::kTowersFile,
                                               model::kItemsFile, model::kUsersFile};

// The parts of a small sound bundle: one user number, one item number and category, two users,
// three items.
class SoundBundle {
 public:
  SoundBundle() {
    Random random(7);
    features::Spec spec;
    spec.user.numeric = {{"age", features::ValueType::kNumber, 30.0, 2.0, true}};
    spec.item.numeric = {{"price", features::ValueType::kNumber, 2.0, 0.5, true}};
    spec.item.categorical = {{"genre", features::ValueType::kText, "|", {"a", "b"}, true}};
    const model::TowerShape user{.width = 4, .numeric = 1, .ids = 2};
    const model::TowerShape item{.width = 4, .numeric = 1, .categories = {3}, .ids = 3};
    model::TwoTower towers{model::EntityTower(user, random), model::EntityTower(item, random),
                           Metric::kCosine};
    const data::Table table({torii::testing::numbers("price", {1.0, 2.0, 3.0}),
                             torii::testing::texts("genre", {"a|b", "b", "a"})});
    Reporter silent;
    auto items = features::encode(table, spec.item, "", nullptr, silent);
    TORII_CHECK(items.ok(), "the sample encodes");
    ThreadPool pool(1);
    model::Bundle bundle =
        model::make_bundle(std::move(spec), std::move(towers), *items, IdIndex({"u1", "u2"}, true),
                           IdIndex({"10", "9", "100"}, true), {3.0F, 0.0F, 1.0F}, pool);
    const ScratchFolder folder;
    const auto path = folder.path() / "bundle";
    TORII_CHECK(model::write_bundle(path, bundle).ok(), "the sample can be written");
    for (std::size_t i = 0; i < kFiles.size(); ++i) parts[i] = *read_file(path / kFiles[i]);
  }

  std::array<std::string, kFiles.size()> parts;
};

}  // namespace

// Input: one byte that chooses a part, then that part in place of a sound bundle's. Sizes, hashes
// and the seal are made to fit, as a hostile writer would do.
void run_bundle(std::string_view input) {
  if (input.empty()) return;
  static const SoundBundle sound;
  static const ScratchFolder folder;
  const std::size_t choice = static_cast<unsigned char>(input.front()) % kFiles.size();
  input.remove_prefix(1);
  for (std::size_t i = 1; i < kFiles.size(); ++i) {
    folder.put(kFiles[i], i == choice ? input : std::string_view(sound.parts[i]));
  }
  auto manifest = Json::parse(choice == 0 ? input : std::string_view(sound.parts[0]), "manifest");
  if (!manifest.ok() || !manifest->is_object()) {
    folder.put(model::kManifestFile, input);
    TORII_CHECK(!model::open_bundle(folder.path()).ok(), "no manifest, no bundle");
    return;
  }
  std::erase_if(manifest->as_object(),
                [](const Json::Member& member) { return member.first == "manifest_sha256"; });
  if (const Json* claimed = manifest->find("parts"); choice != 0 || claimed != nullptr) {
    std::vector<model::BundlePart> measured;
    for (std::size_t i = 1; i < kFiles.size(); ++i) {
      measured.push_back(*model::measure_part(folder.path(), kFiles[i]));
    }
    manifest->set("parts", model::parts_to_json(measured));
  }
  if (manifest->as_object().empty()) return;
  folder.put(model::kManifestFile, model::seal_manifest(*manifest));
  const auto opened = model::open_bundle(folder.path());
  if (!opened.ok()) return;
  TORII_CHECK(opened->item_ids.size() == opened->item_embeddings.rows(), "one row per item");
}

}  // namespace torii::fuzz
