#include "cli/overlap.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace torii::cli {
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
    world.split.part.push_back(i < test_from ? data::Part::kTrain : data::Part::kTest);
  }
  world.split.train_fingerprint = fmt::format("{}-{}", items, test_from);
  return world;
}

Json provenance_of(const World& world) {
  Json json = Json::object();
  json.set("train_fingerprint", world.split.train_fingerprint)
      .set("train_sample", sketch_text(sketch_training_rows(world.dataset, world.split)));
  return json;
}

TEST(Overlap, TheSplitItWasTrainedWithIsFine) {
  const World world = make_world(100, 80);
  const auto checked =
      check_overlap(provenance_of(world), world.dataset, world.split, data::Part::kTest);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(*checked, "");
}

TEST(Overlap, OneLeakedRowAmongFewIsFound) {
  const World trained = make_world(100, 81);
  const World judged = make_world(100, 80);
  const auto checked =
      check_overlap(provenance_of(trained), judged.dataset, judged.split, data::Part::kTest);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, ErrorCode::kCheckFailed);
}

TEST(Overlap, AWholeLeakAmongManyIsFoundByTheSample) {
  const World trained = make_world(50000, 50000);
  EXPECT_EQ(sketch_training_rows(trained.dataset, trained.split).size(), kSketchRows);
  const World judged = make_world(50000, 45000);
  EXPECT_FALSE(
      check_overlap(provenance_of(trained), judged.dataset, judged.split, data::Part::kTest).ok());
}

TEST(Overlap, ASampleThatFindsNothingSaysHowSureItIs) {
  World trained = make_world(50000, 40000);
  const World judged = make_world(50000, 45000);
  Json provenance = provenance_of(trained);
  provenance.set("train_rows", 40000);
  const auto checked = check_overlap(provenance, judged.dataset, judged.split, data::Part::kTest);
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  // 1 - (1 - 4096 / 40000)^1000 rounds to 1; of ten million rows it is .336.
  EXPECT_NE(checked->find("a sample of 4,096 of its 40,000 training rows"), checked->npos);
  provenance.set("train_rows", 10'000'000);
  const auto many = check_overlap(provenance, judged.dataset, judged.split, data::Part::kTest);
  ASSERT_TRUE(many.ok());
  EXPECT_NE(many->find("10,000,000 training rows: 1,000 leaked rows"), many->npos) << *many;
  EXPECT_NE(many->find("probability of 0.336"), many->npos) << *many;
  // All rows are in the sketch: nothing is left open.
  const World few = make_world(kSketchRows, kSketchRows);
  const World others = make_world(kSketchRows + 10, kSketchRows);
  Json whole = provenance_of(few);
  whole.set("train_rows", kSketchRows).set("train_fingerprint", "other");
  const auto exact = check_overlap(whole, others.dataset, others.split, data::Part::kTest);
  ASSERT_TRUE(exact.ok());
  EXPECT_EQ(*exact, "");
}

TEST(Overlap, FewerTrainingRowsThanTheSplitAllowsAreFine) {
  const World trained = make_world(100, 50);
  World judged = make_world(100, 80);
  EXPECT_TRUE(
      check_overlap(provenance_of(trained), judged.dataset, judged.split, data::Part::kTest).ok());
}

TEST(Overlap, ABundleThatDoesNotTellGetsAWarning) {
  const World world = make_world(10, 8);
  const auto checked = check_overlap(Json::object(), world.dataset, world.split, data::Part::kTest);
  ASSERT_TRUE(checked.ok());
  EXPECT_NE(*checked, "");
}

TEST(Overlap, AMalformedSampleIsCorrupt) {
  const World world = make_world(10, 8);
  for (const char* sample : {"12", "zzzzzzzzzzzzzzzz", "00000000000000020000000000000001"}) {
    Json json = Json::object();
    json.set("train_sample", sample);
    const auto checked = check_overlap(json, world.dataset, world.split, data::Part::kTest);
    ASSERT_FALSE(checked.ok()) << sample;
    EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace torii::cli
