#include "evaluate/overlap.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/hash.h"
#include "data/fingerprint.h"

namespace torii::evaluate {
namespace {

// One user, `items` items, one row each; rows from `test_from` on are test, the rest train.
struct World {
  data::Dataset dataset;
  data::Split split;
};

World make_world(std::size_t items, std::size_t test_from) {
  World world;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < items; ++i) ids.push_back(fmt::format("i{:06}", i));
  world.dataset.items = IdIndex(ids, false);
  world.dataset.users = IdIndex({"u"}, false);
  data::Interactions& rows = world.dataset.interactions;
  rows.type_names = {""};
  for (std::size_t i = 0; i < items; ++i) {
    rows.user.push_back(0);
    rows.item.push_back(static_cast<std::uint32_t>(i));
    rows.type.push_back(0);
    rows.time.push_back(static_cast<std::int64_t>(i));
    rows.positive.push_back(1);
    world.split.part.push_back(i < test_from ? data::Part::kTrain : data::Part::kTest);
  }
  world.split.train_fingerprint = fmt::format("{}-{}", items, test_from);
  return world;
}

Json provenance_of(const World& world) {
  Json json = Json::object();
  json.set("train_fingerprint", world.split.train_fingerprint);
  return json.set("split", "loo").set("seed", 42);
}

Result<std::string> check(const World& judged, const Json& provenance,
                          std::optional<std::vector<std::uint64_t>> pairs = std::nullopt) {
  const Task task = make_task(judged.dataset, judged.split, data::Part::kTest);
  std::optional<std::span<const std::uint64_t>> view;
  if (pairs) view = *pairs;
  return check_overlap(provenance, view, judged.dataset, judged.split, data::Part::kTest, task);
}

Result<std::string> check(const World& trained, const World& judged) {
  return check(judged, provenance_of(trained), training_pairs(trained.dataset, trained.split));
}

TEST(Overlap, TheSplitItWasTrainedWithIsFine) {
  const World world = make_world(100, 80);
  const auto checked = check(world, world);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(*checked, "");
}

TEST(Overlap, OneLeakedRowAmongManyIsFoundAndNamed) {
  const World trained = make_world(50000, 45001);
  const World judged = make_world(50000, 45000);
  const auto checked = check(trained, judged);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kCheckFailed);
  for (const char* part : {"1 of the 5000 judged pairs", "among the 45001", "item 'i045000'",
                           "split 'loo', seed 42"}) {
    EXPECT_NE(checked.error().message.find(part), std::string::npos) << checked.error().message;
  }
}

TEST(Overlap, NoRowTooManyIsFine) {
  const auto checked = check(make_world(50000, 44999), make_world(50000, 45000));
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ(*checked, "") << "an exact check leaves no doubt";
}

TEST(Overlap, TheSamePairAtAnotherTimeIsALeak) {
  World trained = make_world(100, 100);
  for (auto& time : trained.dataset.interactions.time) time += 3'600'000;
  EXPECT_FALSE(check(trained, make_world(100, 80)).ok());
}

TEST(Overlap, ARepeatedPairThatTheSplitHasSeenIsDroppedAndNoLeak) {
  // Item 0 is bought again in the test part.
  World world = make_world(100, 80);
  auto& rows = world.dataset.interactions;
  rows.user.push_back(0);
  rows.item.push_back(0);
  rows.type.push_back(0);
  rows.time.push_back(1000);
  rows.positive.push_back(1);
  world.split.part.push_back(data::Part::kTest);
  EXPECT_EQ(make_task(world.dataset, world.split, data::Part::kTest).relevant.dropped_seen, 1U);
  EXPECT_TRUE(check(world, world).ok());
}

TEST(Overlap, ARefitSaysWhatItIs) {
  const World all = make_world(100, 100);
  Json provenance = provenance_of(all);
  provenance.set("refit_of", "0123456789abcdef").set("refit_on", "all");
  const auto checked =
      check(make_world(100, 80), provenance, training_pairs(all.dataset, all.split));
  ASSERT_FALSE(checked.ok());
  EXPECT_NE(checked.error().message.find("refit of the bundle 0123456789ab on all rows"),
            std::string::npos)
      << checked.error().message;
}

TEST(TrainingPairs, AreAscendingDistinctAndOfTrainRowsOnly) {
  World world = make_world(100, 60);
  for (int twice = 0; twice < 2; ++twice) {
    world.dataset.interactions.user.push_back(0);
    world.dataset.interactions.item.push_back(7);
    world.split.part.push_back(data::Part::kTrain);
  }
  const auto pairs = training_pairs(world.dataset, world.split);
  EXPECT_EQ(pairs.size(), 60U);
  EXPECT_TRUE(std::ranges::is_sorted(pairs));
  // The hash knows ids, not places: the same pair in a larger catalogue.
  const World larger = make_world(500, 60);
  EXPECT_EQ(training_pairs(larger.dataset, larger.split), pairs);
}

// ---- bundles of format version 1

constexpr std::size_t kSketchRows = 4096;

// The sample of the training rows as version 1 wrote it.
std::string sketch_of(const World& world) {
  const auto& rows = world.dataset.interactions;
  std::vector<std::uint64_t> hashes;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (world.split.part[row] != data::Part::kTrain) continue;
    std::string text(world.dataset.users[rows.user[row]]);
    text += '\0';
    text += world.dataset.items[rows.item[row]];
    text += '\0';
    text += '\0';
    text += fmt::format("{}", rows.time[row]);
    hashes.push_back(hash64(text));
  }
  std::ranges::sort(hashes);
  hashes.resize(std::min(hashes.size(), kSketchRows));
  std::string sketch;
  for (const std::uint64_t hash : hashes) sketch += fmt::format("{:016x}", hash);
  return sketch;
}

Json old_provenance(const World& world) {
  return provenance_of(world).set("train_sample", sketch_of(world));
}

TEST(OldOverlap, OneLeakedRowAmongFewIsFound) {
  const auto checked = check(make_world(100, 80), old_provenance(make_world(100, 81)));
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kCheckFailed);
}

TEST(OldOverlap, AWholeLeakAmongManyIsFoundByTheSample) {
  EXPECT_FALSE(check(make_world(50000, 45000), old_provenance(make_world(50000, 50000))).ok());
}

TEST(OldOverlap, TheSameTrainingRowsSettleIt) {
  const World world = make_world(50000, 45000);
  const auto checked = check(world, old_provenance(world).set("train_rows", 45000));
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(*checked, "");
}

TEST(OldOverlap, ASampleThatFindsNothingSaysHowSureItIs) {
  const World judged = make_world(50000, 45000);
  Json provenance = old_provenance(make_world(50000, 40000));
  provenance.set("train_rows", 40000);
  const auto checked = check(judged, provenance);
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  // 1 - (1 - 4096 / 40000)^1000 rounds to 1; of ten million rows it is .336.
  EXPECT_NE(checked->find("a sample of 4096 of its 40000 training rows"), checked->npos);
  const auto many = check(judged, provenance.set("train_rows", 10'000'000));
  ASSERT_TRUE(many.ok());
  EXPECT_NE(many->find("10000000 training rows: 1000 leaked rows"), many->npos) << *many;
  EXPECT_NE(many->find("probability of 0.336"), many->npos) << *many;
  // All rows are in the sketch: nothing is left open.
  Json whole = old_provenance(make_world(kSketchRows, kSketchRows));
  whole.set("train_rows", kSketchRows).set("train_fingerprint", "other");
  const auto exact = check(make_world(kSketchRows + 10, kSketchRows), whole);
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(*exact, "");
}

TEST(Overlap, ABundleThatDoesNotTellGetsAWarning) {
  const World world = make_world(10, 8);
  const auto checked = check(world, Json::object());
  ASSERT_TRUE(checked.ok());
  EXPECT_NE(*checked, "");
}

TEST(OldOverlap, AMalformedSampleIsCorrupt) {
  const World world = make_world(10, 8);
  for (const char* sample : {"12", "zzzzzzzzzzzzzzzz", "00000000000000020000000000000001"}) {
    Json json = Json::object();
    json.set("train_sample", sample);
    const auto checked = check(world, json);
    ASSERT_FALSE(checked.ok()) << sample;
    EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace torii::evaluate
