#include "doctor/checks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "doctor/signal.h"
#include "support/process.h"

namespace torii::doctor {
namespace {

using testing::TempFolder;
using testing::write_text;

constexpr std::int64_t kNow = 1'700'000'000'000;  // 2023-11-14

// Three CSV files, loaded and examined.
struct Case {
  std::string rows, users = {}, items = {}, split = "none";
};

struct Examined {
  data::LoadedDataset loaded;
  Findings findings;
  [[nodiscard]] const Finding* find(std::string_view check) const {
    const auto found = std::ranges::find(findings, check, &Finding::check);
    return found == findings.end() ? nullptr : &*found;
  }
};

Examined examine(const Case& one) {
  const TempFolder folder;
  data::DataOptions options;
  const auto write = [&](const char* name, const std::string& text, std::string& path) {
    if (text.empty()) return;
    path = folder / name;
    write_text(path, text);
  };
  write("interactions.csv", one.rows, options.interactions.path);
  write("users.csv", one.users, options.users.path);
  write("items.csv", one.items, options.items.path);
  auto loaded = data::load_dataset(options);
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  Examined examined{std::move(loaded).value(), {}};
  const data::Dataset& dataset = examined.loaded.dataset;
  const auto plan = [](const data::Table& table) {
    return features::plan_columns(table, {}, features::InferenceRule::kDefault).value();
  };
  const auto users = plan(dataset.user_table);
  const auto items = plan(dataset.item_table);
  const auto split = data::make_split(dataset, {}, data::SplitSpec::parse(one.split).value(), 42);
  EXPECT_TRUE(split.ok());
  const Patient patient{&dataset, &options, &*split, &users, &items, kNow};
  for (const auto check :
       {check_interactions, check_times, check_ids, check_columns, check_split}) {
    std::ranges::move(check(patient), std::back_inserter(examined.findings));
  }
  return examined;
}

TEST(Doctor, ItemsThatJoinNothingAreFatal) {
  const Examined examined =
      examine({.rows = "user_id,item_id\n1,a\n1,b\n2,a\n", .items = "item_id,price\nx,3\ny,4\n"});
  const Finding* finding = examined.find("ids.no_item_joins");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::kFatal);
}

TEST(Doctor, IdsThatDifferInCaseAreSuspected) {
  const Examined examined = examine(
      {.rows = "user_id,item_id\n1,a\n1,B7\n2,a\n", .items = "item_id,price\na,3\nb7,4\nq,1\n"});
  const Finding* finding = examined.find("ids.near_items");
  ASSERT_NE(finding, nullptr);
  EXPECT_NE(finding->found.find("\"B7\" and \"b7\""), std::string::npos) << finding->found;
  EXPECT_NE(examined.find("ids.unknown_items"), nullptr);
  EXPECT_EQ(examined.find("ids.no_item_joins"), nullptr);
}

TEST(Doctor, RepeatedRowsFutureTimesAndZerosAreCounted) {
  std::string rows = "user_id,item_id,timestamp\n";
  for (int i = 0; i < 20; ++i) rows += "1,a,2023-01-01T00:00:00Z\n";
  rows += "2,b,2031-01-01\n2,c,1970-01-01\n";
  const Examined examined = examine({.rows = rows});
  ASSERT_NE(examined.find("interactions.repeated"), nullptr);
  EXPECT_TRUE(examined.find("interactions.repeated")->found.starts_with("19 of 22"));
  EXPECT_NE(examined.find("times.future"), nullptr);
  EXPECT_NE(examined.find("times.1970"), nullptr);
  EXPECT_NE(examined.find("times.days"), nullptr);
  EXPECT_NE(examined.find("times.ties"), nullptr);
}

TEST(Doctor, OneItemOneUserAndNothingPositiveAreFatal) {
  EXPECT_NE(examine({.rows = "user_id,item_id\n1,a\n2,a\n"}).find("interactions.one_item"),
            nullptr);
  EXPECT_NE(examine({.rows = "user_id,item_id\n1,a\n1,b\n"}).find("interactions.one_user"),
            nullptr);
  const Examined negative =
      examine({.rows = "user_id,item_id,interaction_type\n1,a,return\n2,b,return\n"});
  ASSERT_NE(negative.find("interactions.no_positive"), nullptr);
  EXPECT_EQ(negative.find("interactions.no_positive")->severity, Severity::kFatal);
}

// 200 items whose number of rows grows with their number; half of them are tested by.
Case counted(bool leaking) {
  Case one{.rows = "user_id,item_id\n",
           .items = "item_id,num_sold,price\n",
           .split = "random:0.8/0.1/0.1"};
  Random random(7);
  std::vector<int> counts(200, 0);
  for (int user = 0; user < 300; ++user) {
    for (int i = 0; i < 10; ++i) {
      const auto item = static_cast<std::size_t>(std::min(random.below(200), random.below(200)));
      one.rows += std::to_string(user) + "," + std::to_string(item) + "\n";
      ++counts[item];
    }
  }
  for (std::size_t item = 0; item < counts.size(); ++item) {
    one.items += std::to_string(item) + "," +
                 std::to_string(leaking ? counts[item] : static_cast<int>(random.below(500))) +
                 "," + std::to_string(random.below(1000)) + ".5\n";
  }
  return one;
}

TEST(Doctor, AColumnThatCountsTheRowsLeaks) {
  const Finding* leak = nullptr;
  const Examined leaking = examine(counted(true));
  leak = leaking.find("columns.leak");
  ASSERT_NE(leak, nullptr);
  EXPECT_EQ(leak->where, "items: column 'num_sold'");
  const Examined honest = examine(counted(false));
  EXPECT_EQ(honest.find("columns.leak"), nullptr);
  EXPECT_NE(honest.find("columns.outcome_name"), nullptr);
}

TEST(Doctor, RowsInTheOrderOfIdsAreSeen) {
  std::string rows = "user_id,item_id\n", mixed = rows;
  Random random(3);
  for (int user = 0; user < 100; ++user) {
    for (int i = 0; i < 10; ++i) {
      rows += std::to_string(user) + "," + std::to_string(10 * i + user % 10) + "\n";
      mixed += std::to_string(user) + "," + std::to_string(random.below(1000)) + "\n";
    }
  }
  EXPECT_NE(examine({.rows = rows}).find("times.id_order"), nullptr);
  EXPECT_EQ(examine({.rows = mixed}).find("times.id_order"), nullptr);
}

// Users choose within their group of items with the given chance, else anything.
Finding signal_of(double loyalty, int users) {
  std::string rows = "user_id,item_id\n";
  Random random(11);
  for (int user = 0; user < users; ++user) {
    for (int i = 0; i < 12; ++i) {
      const bool own = random.uniform() < loyalty;
      const auto item =
          own ? static_cast<std::uint64_t>(user % 5) * 20 + random.below(20) : random.below(100);
      rows += std::to_string(user) + "," + std::to_string(item) + "\n";
    }
  }
  const Examined examined = examine({.rows = rows});
  const data::Dataset& dataset = examined.loaded.dataset;
  const auto split =
      data::make_split(dataset, {}, data::SplitSpec::parse("random:0.8/0.1/0.1").value(), 42);
  ThreadPool pool(2);
  const features::EntityPlan plan;
  const auto signal =
      measure_signal({.dataset = &dataset, .split = &*split, .item_plan = &plan, .seed = 42}, pool);
  EXPECT_TRUE(signal.has_value());
  return judge_signal(*signal);
}

TEST(Signal, IsFoundWherePreferencesAre) {
  const Finding finding = signal_of(0.8, 600);
  EXPECT_EQ(finding.check, "signal.found") << finding.found;
  EXPECT_EQ(finding.severity, Severity::kNote);
}

TEST(Signal, ChanceIsFatal) {
  const Finding finding = signal_of(0.0, 1500);
  EXPECT_EQ(finding.check, "signal.none") << finding.found;
  EXPECT_EQ(finding.severity, Severity::kFatal);
}

TEST(Signal, TooLittleDataIsNoVerdict) {
  const Finding finding = signal_of(0.0, 30);
  EXPECT_EQ(finding.check, "signal.unclear") << finding.found;
  EXPECT_EQ(finding.severity, Severity::kWarning);
}

}  // namespace
}  // namespace torii::doctor
