#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/reporter.h"
#include "base/thread_pool.h"
#include "data/interactions.h"
#include "model/bundle.h"
#include "recommend/text_embedding.h"
#include "store/store.h"
#include "support/fake_texts.h"
#include "support/tables.h"

// A small shop with an untrained bundle, and a draft that keeps what it is given: for the tests of
// this module.
namespace torii::publish {

inline IdIndex ids_of(const std::string& prefix, std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(fmt::format("{}{}", prefix, i));
  return {ids, prefix.empty()};
}

/// 12 users with an age and interests, 20 items with a title, kinds ("a|b") and a price. Ids are
/// "u0".. and "i0".., or numbers.
inline data::Dataset small_shop(bool numbers = false) {
  using namespace torii::testing;  // NOLINT: columns by hand
  data::Dataset dataset;
  dataset.users = ids_of(numbers ? "" : "u", 12);
  dataset.items = ids_of(numbers ? "" : "i", 20);
  std::vector<double> ages;
  std::vector<std::vector<std::string>> interests;
  std::vector<std::string> titles;
  std::vector<std::string> kinds;
  std::vector<double> prices;
  for (int i = 0; i < 12; ++i) ages.push_back(20.0 + i);
  for (int i = 0; i < 12; ++i) interests.push_back({"x", fmt::format("y{}", i % 3)});
  for (int i = 0; i < 20; ++i) {
    titles.push_back(i == 5 ? kNull : fmt::format("Title {}", i * 7));
    kinds.push_back(fmt::format("a| k{}", i % 4));
    prices.push_back(1.5 * i);
  }
  dataset.user_table =
      data::Table({torii::testing::numbers("age", ages), text_lists("interests", interests)}, "u");
  dataset.item_table = data::Table(
      {texts("title", titles), texts("kinds", kinds), torii::testing::numbers("price", prices)},
      "i");
  const std::pair<std::uint32_t, std::uint32_t> rows[] = {{0, 3}, {0, 3}, {0, 5}, {1, 3}, {7, 3},
                                                          {7, 4}, {2, 4}, {3, 4}, {4, 4}, {11, 19}};
  for (const auto& [user, item] : rows) {
    dataset.interactions.user.push_back(user);
    dataset.interactions.item.push_back(item);
    dataset.interactions.positive.push_back(1);
  }
  return dataset;
}

struct PublishWorld {
  data::Dataset dataset;
  torii::testing::FakeTexts texts{8};
  Reporter reporter;
  ThreadPool pool{2};
  model::Bundle bundle;

  explicit PublishWorld(bool numbers = false)
      : dataset(small_shop(numbers)), bundle(make_bundle(dataset, texts, pool, reporter)) {}

  static model::Bundle make_bundle(const data::Dataset& dataset, torii::testing::FakeTexts& texts,
                                   ThreadPool& pool, Reporter& reporter) {
    features::Spec spec;
    spec.user.numeric.push_back({.column = "age", .mean = 25.0, .stddev = 4.0});
    spec.item.text.push_back({"title"});
    spec.text_identity = "fake";
    spec.text_width = 8;
    Random random(11);
    model::TowerShape user;
    model::TowerShape item;
    user.width = item.width = 16;
    user.batch_norm = item.batch_norm = false;
    user.numeric = 1;
    user.ids = dataset.users.size();
    item.text_columns = 1;
    item.text_width = 8;
    item.ids = dataset.items.size();
    model::TwoTower towers{model::EntityTower(user, random), model::EntityTower(item, random),
                           Metric::kDot};
    auto encoded =
        features::encode(dataset.item_table, spec.item, spec.text_identity, &texts, reporter);
    return model::make_bundle(std::move(spec), std::move(towers), *encoded, dataset.users,
                              dataset.items, std::vector<float>(dataset.items.size(), 1.0F), pool);
  }
};

/// Keeps all rows; refuses more than `users_max` of them.
class KeptDraft final : public store::Draft {
 public:
  std::vector<store::PublishedItem> items;
  std::vector<store::PublishedUser> users;
  std::size_t users_max = SIZE_MAX;

  Result<void> add_items(std::span<const store::PublishedItem> more) override {
    items.insert(items.end(), more.begin(), more.end());
    return {};
  }
  Result<void> add_users(std::span<const store::PublishedUser> more) override {
    users.insert(users.end(), more.begin(), more.end());
    if (users.size() > users_max) return make_error(ErrorCode::kResourceExhausted, "disk full");
    return {};
  }
  Result<std::uint64_t> commit(const store::Publication&) override { return 1; }
  Result<void> commit_as(const store::Publication&) override { return {}; }
};

}  // namespace torii::publish
