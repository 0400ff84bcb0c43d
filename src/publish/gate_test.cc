#include "publish/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "data/fingerprint.h"
#include "data/split.h"
#include "evaluate/task.h"

namespace torii::publish {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kItems = 60;

// A ranker that puts item (user * 7 + shift) % kItems first for each user, then the rest.
class Shifted final : public evaluate::Ranker {
 public:
  explicit Shifted(std::uint32_t shift) : shift_(shift) {}
  [[nodiscard]] std::string name() const override { return "shifted"; }
  [[nodiscard]] retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                         const data::UserItems& seen, std::size_t k,
                                         std::span<const std::uint32_t>,
                                         ThreadPool&) const override {
    retrieval::TopLists lists;
    lists.k = k;
    lists.entries.resize(users.size() * k);
    for (std::size_t row = 0; row < users.size(); ++row) {
      std::uint32_t count = 0;
      const auto had = seen.of(users[row]);
      for (std::uint32_t i = 0; i < kItems && count < k; ++i) {
        const std::uint32_t item = (users[row] * 7 + shift_ + i) % kItems;
        if (std::ranges::binary_search(had, item)) continue;
        lists.entries[row * k + count] = {item, static_cast<float>(kItems - i)};
        ++count;
      }
      lists.counts.push_back(count);
    }
    return lists;
  }

 private:
  std::uint32_t shift_;
};

// `users` people who had one item and will want item user * 7 % kItems.
struct GateWorld {
  data::Dataset dataset;
  data::Split split;
  evaluate::Task task;
  ThreadPool pool{1};

  explicit GateWorld(std::uint32_t users) {
    std::vector<std::string> user_ids;
    std::vector<std::string> item_ids;
    for (std::uint32_t u = 0; u < users; ++u) user_ids.push_back(std::to_string(u));
    for (std::uint32_t i = 0; i < kItems; ++i) item_ids.push_back(std::to_string(i));
    dataset.users = IdIndex(user_ids, true);
    dataset.items = IdIndex(item_ids, true);
    for (std::uint32_t u = 0; u < users; ++u) {
      add(u, (u * 7 + 30) % kItems, data::Part::kTrain);
      add(u, (u * 7) % kItems, data::Part::kTest);
    }
    task = evaluate::make_task(dataset, split, data::Part::kTest);
  }
  void add(std::uint32_t user, std::uint32_t item, data::Part part) {
    dataset.interactions.user.push_back(user);
    dataset.interactions.item.push_back(item);
    dataset.interactions.positive.push_back(1);
    split.part.push_back(part);
  }
  [[nodiscard]] GateInput input(const evaluate::Ranker& fit, const evaluate::Ranker* current) {
    return {.task = &task,
            .dataset = &dataset,
            .fit = &fit,
            .current = current,
            .current_pairs = {},
            .seed = 1};
  }
};

TEST(Gate, PassesWhatIsBetterAndWhatIsAsGood) {
  GateWorld world(80);
  const Shifted good(0);
  const Shifted worse(55);
  const GateJudgement better = judge(world.input(good, &worse), world.pool);
  EXPECT_TRUE(better.passed());
  ASSERT_EQ(better.comparisons.size(), 2U);
  EXPECT_EQ(better.comparisons[1].difference->verdict, evaluate::Verdict::kBetter);
  EXPECT_TRUE(judge(world.input(good, &good), world.pool).passed());
  EXPECT_TRUE(judge(world.input(good, nullptr), world.pool).passed());
}

TEST(Gate, ObjectsToWhatIsWorseThanTheCurrentModelOrThanPopularity) {
  GateWorld world(80);
  const Shifted good(0);
  const Shifted worse(55);   // the wanted item comes sixth
  const Shifted useless(1);  // last
  const GateJudgement judgement = judge(world.input(worse, &good), world.pool);
  ASSERT_EQ(judgement.objections.size(), 1U);
  EXPECT_THAT(judgement.objections[0], HasSubstr("significantly worse than the current model"));
  EXPECT_EQ(to_json(judgement).bool_at("passed"), false);
  EXPECT_THAT(to_text(judgement), HasSubstr("worse"));
  const GateJudgement last = judge(world.input(useless, nullptr), world.pool);
  ASSERT_EQ(last.objections.size(), 1U);
  EXPECT_THAT(last.objections[0], HasSubstr("significantly worse than popularity"));
}

TEST(Gate, CanWantAClearLeadOverPopularity) {
  GateWorld world(80);
  const Shifted good(0);
  GateInput input = world.input(good, nullptr);
  input.must_beat_popularity = true;
  EXPECT_TRUE(judge(input, world.pool).passed());

  const auto as_popularity =
      evaluate::make_popularity(world.dataset.interactions, world.task.fit_rows, kItems);
  input.fit = as_popularity.get();
  const GateJudgement same = judge(input, world.pool);
  ASSERT_EQ(same.objections.size(), 1U);
  EXPECT_THAT(same.objections[0], HasSubstr("not clearly better than popularity"));
  input.must_beat_popularity = false;
  EXPECT_TRUE(judge(input, world.pool).passed());

  GateWorld few(10);
  input = few.input(good, nullptr);
  input.must_beat_popularity = true;
  EXPECT_THAT(judge(input, few.pool).objections[0], HasSubstr("too few"));
}

TEST(Gate, PairsThatTheCurrentFitHasLearnedAreLeftOut) {
  GateWorld world(80);
  const Shifted good(0);
  const Shifted worse(55);
  // The current one has been trained on the test rows of the first 40 users.
  const data::PairHashes hashes(world.dataset);
  std::vector<std::uint64_t> known;
  for (std::uint32_t u = 0; u < 40; ++u) known.push_back(hashes.of(u, u * 7 % kItems));
  std::ranges::sort(known);
  GateInput input = world.input(worse, &good);
  input.current_pairs = known;
  const GateJudgement judgement = judge(input, world.pool);
  EXPECT_EQ(judgement.comparisons[0].users, 80U);
  EXPECT_EQ(judgement.comparisons[1].users, 40U);
  EXPECT_EQ(judgement.comparisons[1].pairs_left_out, 40U);
  EXPECT_FALSE(judgement.passed());
}

TEST(Gate, TooFewUsersAreSaidAndNotRefused) {
  GateWorld world(80);
  const Shifted good(0);
  const Shifted worse(55);
  const data::PairHashes hashes(world.dataset);
  std::vector<std::uint64_t> known;
  for (std::uint32_t u = 0; u < 75; ++u) known.push_back(hashes.of(u, u * 7 % kItems));
  std::ranges::sort(known);
  GateInput input = world.input(worse, &good);
  input.current_pairs = known;
  const GateJudgement judgement = judge(input, world.pool);
  EXPECT_TRUE(judgement.passed());
  EXPECT_EQ(judgement.comparisons[1].users, 5U);
  EXPECT_FALSE(judgement.comparisons[1].has_verdict());
  EXPECT_THAT(to_text(judgement), HasSubstr("too few users to say"));
  EXPECT_THAT(to_json(judgement).dump(), HasSubstr(R"("verdict":"too few users")"));
}

}  // namespace
}  // namespace torii::publish
