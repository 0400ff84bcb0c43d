#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "feast/online_layout.h"
#include "feast/service.h"
#include "sql/connection.h"
#include "store/feast_store.h"
#include "support/shared_dir.h"
#include "support/store_conformance.h"

/// A Feast repository with the four views that torii publishes into, as `feast apply` leaves it.
namespace torii::store::feast_world {

inline constexpr std::int64_t kCreatedMs = 1'795'350'896'789;  // 2026-11-22 12:34:56.789 UTC
inline constexpr std::int64_t kNowMs = kCreatedMs + 5'000;

inline feast::FeatureView view_of(std::string name, const std::string& key, std::string feature,
                                  feast::ValueType type) {
  feast::FeatureView view;
  view.name = std::move(name);
  view.keys = {{key, feast::ValueType::kString}};
  view.features = {{std::move(feature), type}};
  view.batch.kind = feast::Source::Kind::kFile;
  view.batch.timestamp_field = "event_timestamp";
  view.stream.kind = feast::Source::Kind::kPush;
  view.stream.name = view.name + "_push_source";
  view.online = true;
  return view;
}

inline feast::Repo repo_of(const std::filesystem::path& folder, Json online) {
  feast::Repo repo;
  repo.config.project = "feast_rec_sys";
  repo.config.folder = folder;
  repo.config.file = (folder / "feature_store.yaml").string();
  repo.config.online = std::move(online);
  repo.registry.project = repo.config.project;
  using feast::ValueType;
  repo.registry.views = {
      view_of("item_embedding", "item_id", "embedding", ValueType::kFloatList),
      view_of("item_textual_features_embed", "item_id", "about_product_embedding",
              ValueType::kFloatList),
      view_of("user_embedding", "user_id", "embedding", ValueType::kFloatList),
      view_of("user_items", "user_id", "top_k_item_ids", ValueType::kStringList)};
  return repo;
}

inline const std::vector<std::string>& view_names() {
  static const std::vector<std::string> names = {"item_embedding", "user_embedding", "user_items",
                                                 "item_textual_features_embed"};
  return names;
}

inline OpenOptions at(std::int64_t now_ms = kNowMs) {
  OpenOptions options;
  options.clock = [now_ms] { return now_ms; };
  return options;
}

inline Publication info_at(std::int64_t created_ms = kCreatedMs) {
  Publication info = conformance::info_of();
  info.created_ms = created_ms;
  return info;
}

inline std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

/// What a view's table holds, by (key in hexadecimal, feature): the other columns as they are
/// printed; bytes in hexadecimal, NULL as "NULL".
using Rows = std::map<std::pair<std::string, std::string>, std::map<std::string, std::string>>;

inline Rows rows_in(sql::Connection& connection, const std::string& quoted) {
  Rows rows;
  const auto statement = connection.prepare("SELECT * FROM " + quoted);
  EXPECT_TRUE(statement.ok()) << statement.error().message;
  if (!statement.ok()) return rows;
  EXPECT_TRUE((*statement)->start().ok());
  for (;;) {
    const auto more = (*statement)->step();
    EXPECT_TRUE(more.ok());
    if (!more.ok() || !*more) return rows;
    std::map<std::string, std::string> row;
    const auto& columns = (*statement)->columns();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const sql::Type type = (*statement)->type(i);
      const std::string text((*statement)->text(i));
      row[columns[i].name] = type == sql::Type::kNull    ? "NULL"
                             : type == sql::Type::kBytes ? hex_of(text)
                                                         : text;
    }
    const std::pair key(row["entity_key"], row["feature_name"]);
    row.erase("entity_key");
    row.erase("feature_name");
    rows[key] = std::move(row);
  }
}

/// What Feast 0.67 was told, and what it wrote (shared folder).
class Golden {
 public:
  [[nodiscard]] bool load() {
    const auto folder = torii::testing::shared_dir();
    if (!folder) return false;
    folder_ = *folder / "feast";
    const auto text = read_file(folder_ / "golden.json");
    if (!text.ok()) return false;
    auto parsed = Json::parse(*text, "golden.json");
    EXPECT_TRUE(parsed.ok());
    json_ = std::move(parsed).value();
    return true;
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const Json& rows(const std::string& store) const {
    return *json_.find("rows")->find(store);
  }

  /// Publishes what Feast was told, as a model would.
  Result<std::uint64_t> publish(Store& store) const {
    std::map<std::string, PublishedItem> items;
    std::map<std::string, PublishedUser> users;
    for (const Json& row : input("item_embedding")) {
      PublishedItem& item = items[*row.string_at("item_id")];
      item.embedding = floats(*row.find("embedding"));
    }
    for (const Json& row : input("item_textual_features_embed")) {
      items[*row.string_at("item_id")].text_embedding =
          floats(*row.find("about_product_embedding"));
    }
    std::map<std::string, std::uint32_t> places;
    std::vector<PublishedItem> item_rows;
    for (auto& [id, item] : items) {
      item.id = id;
      item.attributes = "{}";
      places[id] = static_cast<std::uint32_t>(item_rows.size());
      item_rows.push_back(item);
    }
    for (const Json& row : input("user_embedding")) {
      users[*row.string_at("user_id")].embedding = floats(*row.find("embedding"));
    }
    for (const Json& row : input("user_items")) {
      PublishedUser& user = users[*row.string_at("user_id")];
      for (const Json& id : row.find("top_k_item_ids")->as_array()) {
        user.items.push_back(places.at(id.as_string()));
        user.scores.push_back(1.0F);
      }
    }
    std::vector<PublishedUser> user_rows;
    for (auto& [id, user] : users) {
      user.id = id;
      user.attributes = "{}";
      user_rows.push_back(user);
    }
    TORII_TRY(const auto draft, store.begin_publication(kDefaultTenant));
    TORII_TRY_VOID(draft->add_items(item_rows));
    TORII_TRY_VOID(draft->add_users(user_rows));
    Publication info = info_at();
    info.width = 64;
    info.text_width = 8;
    return draft->commit(info);
  }

 private:
  [[nodiscard]] const Json::Array& input(const std::string& view) const {
    return json_.find("rows_input")->find(view)->as_array();
  }
  [[nodiscard]] static std::vector<float> floats(const Json& list) {
    std::vector<float> numbers;
    for (const Json& number : list.as_array()) {
      numbers.push_back(static_cast<float>(number.as_double()));
    }
    return numbers;
  }

  std::filesystem::path folder_;
  Json json_;
};

}  // namespace torii::store::feast_world
