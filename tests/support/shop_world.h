#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "features/json_rows.h"
#include "recommend/loaded_publication.h"
#include "recommend/rank.h"
#include "retrieval/naive_search.h"
#include "support/fake_texts.h"

// A small shop for tests of the online half: items with every kind of attribute, users of every
// source, towers with random weights, lists as a batch run would publish them.
namespace torii::recommend::testing {

inline Json json_of(const std::string& text) {
  auto json = Json::parse(text, "test");
  EXPECT_TRUE(json.ok()) << text;
  return *json;
}

struct WorldOptions {
  std::uint64_t seed = 1;
  std::size_t items = 40;
  std::size_t users = 12;
  std::size_t k = 8;  ///< of published lists
  Metric metric = Metric::kDot;
  bool ids = true;  ///< learned id embeddings
  std::uint64_t version = 1;
  std::uint64_t records_seq = 0;
  bool marks_bought = true;  ///< of what users have, some is bought
  std::size_t approximate_from = 0;
};

class ShopWorld {
 public:
  static constexpr std::size_t kWidth = 8;
  static constexpr std::size_t kTextWidth = 4;

  explicit ShopWorld(const WorldOptions& world_options) : options(world_options) { make(); }

  WorldOptions options;
  std::shared_ptr<torii::testing::FakeTexts> texts =
      std::make_shared<torii::testing::FakeTexts>(kTextWidth);
  std::vector<std::string> item_ids, user_ids;
  std::vector<Json> items, users;  ///< attributes
  std::vector<store::PublishedItem> published_items;
  std::vector<store::PublishedUser> published_users;
  std::shared_ptr<LoadedPublication> publication;

  static features::Spec make_spec() {
    features::Spec spec;
    spec.user.numeric.push_back({.column = "age", .mean = 40.0, .stddev = 20.0});
    spec.user.categorical.push_back({.column = "likes",
                                     .type = features::ValueType::kTextList,
                                     .vocabulary = {"Art", "Books", "Tea"}});
    spec.item.numeric.push_back({.column = "price", .mean = 10.0, .stddev = 5.0});
    spec.item.categorical.push_back({.column = "genres",
                                     .type = features::ValueType::kTextList,
                                     .vocabulary = {"Art", "Books", "Tea"}});
    spec.item.text.push_back({"title"});
    spec.text_identity = "fake";
    spec.text_width = kTextWidth;
    return spec;
  }

  static Json random_item(Random& random) {
    constexpr const char* kGenres[] = {"Art", "Books", "Tea", "Toys"};
    constexpr const char* kBrands[] = {"North", "South", "East"};
    Json item = Json::object();
    item.set("title", fmt::format("thing {}", random.below(12)));
    Json genres = Json::array();
    for (const char* genre : kGenres) {
      if (random.below(3) == 0) genres.push(genre);
    }
    if (!genres.as_array().empty()) item.set("genres", genres);
    if (random.below(5) != 0) item.set("price", static_cast<double>(random.below(8)) * 2.5);
    if (random.below(4) != 0) item.set("brand", kBrands[random.below(3)]);
    if (random.below(3) == 0) item.set("in_stock", random.below(4) != 0);
    if (random.below(6) == 0) item.set("hidden", random.below(2) == 0);
    item.set("made", fmt::format("202{}-01-01", random.below(6)));
    return item;
  }
  static Json random_user(Random& random) {
    Json user = Json::object();
    if (random.below(4) != 0) user.set("age", static_cast<std::int64_t>(18 + random.below(60)));
    if (random.below(3) != 0) {
      user.set("likes", Json::array().push(random.below(2) == 0 ? "Tea" : "Art"));
    }
    return user;
  }

  /// The tower's vector of one row, as the service must make it.
  std::vector<float> embed(const features::EntitySpec& spec, const model::EntityTower& tower,
                           const Json& attributes, std::int32_t place) {
    const Json* row = &attributes;
    features::JsonRowsOptions json_options;
    json_options.others = features::JsonRowsOptions::Others::kIgnore;
    json_options.misfits = features::JsonRowsOptions::Misfits::kIgnore;
    const auto table = features::json_rows(spec, std::span(&row, 1), json_options);
    EXPECT_TRUE(table.ok());
    Reporter reporter;
    const auto encoded = features::encode(*table, spec, "fake", texts.get(), reporter);
    EXPECT_TRUE(encoded.ok());
    ThreadPool pool(1);
    const auto ids = tower.shape().ids == 0 ? std::span<const std::int32_t>()
                                            : std::span<const std::int32_t>(&place, 1);
    const Matrix vector = model::embed(tower, *encoded, ids, pool);
    return {vector.flat().begin(), vector.flat().end()};
  }
  std::vector<float> embed_item(const Json& attributes, const std::string& id) {
    const auto& bundle = publication->bundle;
    const auto place = bundle.item_ids.find(id);
    return embed(bundle.spec.item, bundle.model.item, attributes,
                 place ? static_cast<std::int32_t>(*place) : -1);
  }
  std::int32_t user_place(std::string_view id) const {
    const auto place = model::find_trained_user(publication->bundle, id);
    return place ? static_cast<std::int32_t>(*place) : -1;
  }
  std::vector<float> embed_user(const Json& attributes, const std::string& id) {
    return embed(publication->bundle.spec.user, publication->bundle.model.user, attributes,
                 user_place(id));
  }
  static bool described(const Json& user) {
    return user.find("age") != nullptr || user.find("likes") != nullptr;
  }

 private:
  void make() {
    Random random(options.seed);
    for (std::size_t i = 0; i < options.items; ++i) {
      item_ids.push_back(fmt::format("i{:03}", i));
      items.push_back(random_item(random));
    }
    for (std::size_t u = 0; u < options.users; ++u) {
      user_ids.push_back(fmt::format("u{:03}", u));
      users.push_back(random_user(random));
    }
    store::Publication info;
    info.version = options.version;
    info.records_seq = options.records_seq;
    info.metric = metric_name(options.metric);
    info.width = kWidth;
    info.text_width = kTextWidth;
    info.items = options.items;
    info.users = options.users;
    info.k = options.k;
    info.created_ms = 1000;
    info.marks_bought = options.marks_bought;
    info.roles = json_of(R"({"title": "title", "categories": ["genres"], "in_stock": "in_stock",
                            "hidden": "hidden", "price": "price", "brand": "brand"})");
    publication = std::make_shared<LoadedPublication>(info, make_bundle(random),
                                                      Roles{.title = "title",
                                                            .in_stock = "in_stock",
                                                            .hidden = "hidden",
                                                            .brand = "brand",
                                                            .categories = {"genres"},
                                                            .texts = {"title"}});
    add_items(random);
    add_users(random);
  }

  model::Bundle make_bundle(Random& random) {
    model::TowerShape user, item;
    user.width = item.width = kWidth;
    user.batch_norm = item.batch_norm = false;
    user.numeric = item.numeric = 1;
    user.categories = item.categories = {4};
    item.text_columns = 1;
    item.text_width = kTextWidth;
    // The last items and a third of the users are new to the model.
    const std::size_t known_items = options.items - options.items / 8;
    const std::size_t known_users = options.users - options.users / 3;
    if (options.ids) {
      user.ids = known_users;
      item.ids = known_items;
    }
    model::TwoTower towers{model::EntityTower(user, random), model::EntityTower(item, random),
                           options.metric};
    const auto first = [](const std::vector<std::string>& ids, std::size_t count) {
      return IdIndex({ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count)}, false);
    };
    model::Bundle bundle{.spec = make_spec(),
                         .model = std::move(towers),
                         .user_ids = first(user_ids, options.ids ? known_users : 0),
                         .item_ids = first(item_ids, known_items),
                         .item_embeddings = {},
                         .popularity = {},
                         .settings = {},
                         .provenance = {},
                         .evaluation = {},
                         .id = "fake"};
    return bundle;
  }

  void add_items(Random& random) {
    SegmentRows rows;
    rows.embeddings = Matrix(options.items, kWidth);
    rows.texts = Matrix(options.items, kTextWidth);
    for (std::size_t i = 0; i < options.items; ++i) {
      store::PublishedItem item;
      item.id = item_ids[i];
      item.attributes = items[i].dump();
      item.embedding = embed_item(items[i], item_ids[i]);
      item.popularity = static_cast<float>(random.below(6));
      Reporter silent;
      const std::string title = items[i].string_at("title").value_or("");
      const std::string_view view = title;
      const auto vector = texts->encode(std::span(&view, 1), silent);
      item.text_embedding.assign(vector->flat().begin(), vector->flat().end());
      rows.ids.push_back(item.id);
      rows.attributes.push_back(item.attributes);
      rows.popularity.push_back(item.popularity);
      std::ranges::copy(item.embedding, rows.embeddings.row(i).begin());
      std::ranges::copy(item.text_embedding, rows.texts.row(i).begin());
      published_items.push_back(std::move(item));
    }
    ThreadPool pool(1);
    Matrix queries(options.approximate_from == 0 ? 0 : options.users, kWidth);
    for (std::size_t u = 0; u < queries.rows(); ++u) {
      std::ranges::copy(embed_user(users[u], user_ids[u]), queries.row(u).begin());
    }
    auto segment = Segment::make(std::move(rows),
                                 {.metric = options.metric,
                                  .approximate_from = options.approximate_from,
                                  .queries = queries.view()},
                                 publication->roles, pool);
    EXPECT_TRUE(segment.ok());
    publication->items = *segment;
  }

  void add_users(Random& random) {
    std::vector<float> popularity(publication->items->popularity().begin(),
                                  publication->items->popularity().end());
    const auto popular = by_popularity(popularity);
    ThreadPool pool(1);
    Random marks(options.seed + 7);
    for (std::size_t u = 0; u < options.users; ++u) {
      store::PublishedUser user;
      user.id = user_ids[u];
      user.attributes = users[u].dump();
      user.embedding = embed_user(users[u], user.id);
      for (std::uint32_t i = 0; i < options.items; ++i) {
        if (random.below(6) == 0) user.seen.push_back(i);
      }
      const std::uint8_t described_user = described(users[u]) ? 1 : 0;
      const std::uint8_t known =
          options.ids ? (user_place(user.id) >= 0 ? std::uint8_t{1} : std::uint8_t{0})
                      : described_user;
      const std::vector<std::uint32_t> seen = user.seen;
      const std::uint64_t offsets[] = {0, seen.size()};
      const auto rankings = rank(
          {.index = &publication->items->index(), .popularity = popularity, .popular = popular},
          {.embeddings = {user.embedding.data(), 1, kWidth},
           .known = std::span(&known, 1),
           .described = std::span(&described_user, 1),
           .seen = {offsets, seen},
           .k = options.k},
          pool);
      for (std::uint32_t& entry : user.seen) {
        if (options.marks_bought && marks.below(3) == 0) entry |= store::kBoughtMark;
      }
      user.source = static_cast<std::uint8_t>(rankings.sources[0]);
      for (const auto& entry : rankings.lists.of(0)) {
        user.items.push_back(entry.item);
        user.scores.push_back(entry.score);
      }
      EXPECT_TRUE(publication->users.add(user, options.items).ok());
      published_users.push_back(std::move(user));
    }
    EXPECT_TRUE(publication->users.finish().ok());
  }
};

}  // namespace torii::recommend::testing
