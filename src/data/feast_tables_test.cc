#include "data/feast_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "data/interactions.h"
#include "data/test_files.h"

namespace torii::data {
namespace {

using feast::ValueType;

Column texts(const std::string& name, const std::vector<std::string>& values) {
  StringArray array;
  for (const std::string& value : values) array.push_back(value);
  Column column;
  column.name = name;
  column.values = std::move(array);
  return column;
}
Column numbers(const std::string& name, std::vector<double> values) {
  Column column;
  column.name = name;
  column.type = ColumnType::kFloat64;
  column.values = std::move(values);
  return column;
}
Column times(const std::string& name, std::vector<std::int64_t> values) {
  Column column;
  column.name = name;
  column.type = ColumnType::kTimestamp;
  column.values = std::move(values);
  return column;
}

class FeastTables : public testing::FilesTest {
 protected:
  FeastTables() {
    repo_.config.project = "shop";
    repo_.config.folder = folder();
    repo_.config.file = "feature_store.yaml";
    repo_.config.offline = Json::object().set("type", "dask");
  }

  // A view over a file in the folder, and a service of it of the same name.
  feast::FeatureView& add_view(const std::string& name, std::vector<feast::Field> keys,
                               std::vector<feast::Field> features, std::vector<Column> columns) {
    const std::string file = name + ".parquet";
    EXPECT_TRUE(write_parquet(path(file), Table(std::move(columns))).ok());
    feast::FeatureView view;
    view.name = name;
    view.keys = std::move(keys);
    view.features = std::move(features);
    view.batch.kind = feast::Source::Kind::kFile;
    view.batch.uri = file;
    view.batch.timestamp_field = "at";
    auto& views = repo_.registry.views;  // ordered by name
    const auto place = std::ranges::upper_bound(views, name, {}, &feast::FeatureView::name);
    return *views.insert(place, std::move(view));
  }
  void add_service(const std::string& name, const std::vector<std::string>& views) {
    feast::FeatureService service;
    service.name = name;
    for (const std::string& view : views) {
      feast::Projection projection;
      projection.view = view;
      for (const feast::Field& feature : repo_.registry.view(view)->features) {
        projection.features.push_back(feature.name);
      }
      service.projections.push_back(std::move(projection));
    }
    auto& services = repo_.registry.services;
    services.insert(std::ranges::upper_bound(services, name, {}, &feast::FeatureService::name),
                    std::move(service));
  }
  static std::vector<std::string> column(const Table& table, const std::string& name) {
    std::vector<std::string> values;
    const Column* found = table.find(name);
    EXPECT_NE(found, nullptr) << name;
    for (std::size_t row = 0; found != nullptr && row < table.rows(); ++row) {
      values.push_back(found->is_null(row) ? "-" : found->text_at(row));
    }
    return values;
  }

  feast::Repo repo_;
  const feast::Field user_{"user_id", ValueType::kString};
  const feast::Field item_{"item_id", ValueType::kString};
};

TEST_F(FeastTables, TheNewestRowOfAnEntityCountsUpToAMoment) {
  auto& view = add_view("users", {user_}, {{"age", ValueType::kDouble}},
                        {texts("user_id", {"b", "a", "a", "a", "c"}),
                         numbers("age", {1, 2, 3, 4, 5}), times("at", {10, 30, 20, 90, 91})});
  view.batch.created_timestamp_field = "";
  add_service("users", {"users"});
  const auto read = read_feast_entities(repo_, "users", 50, {});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->key, "user_id");
  EXPECT_EQ(column(read->table, "user_id"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(column(read->table, "age"), (std::vector<std::string>{"2", "1"}));
  EXPECT_EQ(read->older, 1U);
  EXPECT_EQ(read->later, 2U);
}

TEST_F(FeastTables, OfEqualTimesTheLaterCreatedRowCounts) {
  auto& view = add_view("users", {user_}, {{"age", ValueType::kDouble}},
                        {texts("user_id", {"a", "a", "a"}), numbers("age", {1, 2, 3}),
                         times("at", {10, 10, 10}), times("made", {5, 9, 7})});
  view.batch.created_timestamp_field = "made";
  add_service("users", {"users"});
  const auto read = read_feast_entities(repo_, "users", 50, {});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(column(read->table, "age"), (std::vector<std::string>{"2"}));
}

TEST_F(FeastTables, SeveralViewsOfAnEntityAreJoined) {
  add_view("a", {user_}, {{"age", ValueType::kDouble}, {"name", ValueType::kString}},
           {texts("user_id", {"x", "y"}), numbers("age", {1, 2}), texts("name", {"X", "Y"}),
            times("at", {1, 1})});
  add_view("b", {user_}, {{"name", ValueType::kString}},
           {texts("user_id", {"y", "z"}), texts("name", {"yy", "zz"}), times("at", {1, 1})});
  add_service("users", {"a", "b"});
  const auto read = read_feast_entities(repo_, "users", 50, {});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(column(read->table, "user_id"), (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(column(read->table, "age"), (std::vector<std::string>{"1", "2", "-"}));
  EXPECT_EQ(column(read->table, "a__name"), (std::vector<std::string>{"X", "Y", "-"}));
  EXPECT_EQ(column(read->table, "b__name"), (std::vector<std::string>{"-", "yy", "zz"}));
}

TEST_F(FeastTables, EveryEventIsKeptAndMappedFieldsTakeTheirNames) {
  auto& view = add_view("events", {user_, item_}, {{"rating", ValueType::kDouble}},
                        {texts("uid", {"a", "a", "a"}), texts("item_id", {"i", "i", "j"}),
                         numbers("stars", {1, 2, 3}), times("at", {7, 7, 8})});
  view.batch.fields = {{"uid", "user_id"}, {"stars", "rating"}};
  add_service("events", {"events"});
  const auto read = read_feast_events(repo_, "events", {"user_id", "item_id", "timestamp"}, {});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->rows(), 3U);
  EXPECT_EQ(column(*read, "user_id"), (std::vector<std::string>{"a", "a", "a"}));
  EXPECT_EQ(column(*read, "rating"), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(read->find("timestamp")->ints()[2], 8);
  const auto wrong = read_feast_events(repo_, "events", {"customer", "item_id", "timestamp"}, {});
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("'customer'"), std::string::npos);
}

// Both ends of the window count, the newest row wins; no event is lost or doubled.
TEST_F(FeastTables, PointInTimeJoin) {
  auto& users = add_view("users", {user_}, {{"age", ValueType::kDouble}},
                         {texts("user_id", {"a", "a", "a", "b"}), numbers("age", {1, 2, 3, 9}),
                          times("at", {1000, 5000, 5000, 1000}), times("made", {0, 2, 1, 0})});
  users.ttl_s = 2;
  users.batch.created_timestamp_field = "made";
  add_view("events", {user_, item_}, {{"kind", ValueType::kString}},
           {texts("user_id", {"a", "a", "a", "a", "a", "b", "c", "a"}),
            texts("item_id", {"i", "i", "i", "i", "i", "i", "i", "i"}),
            texts("kind", {"0", "1", "2", "3", "4", "5", "6", "7"}),
            times("at", {999, 1000, 3000, 3001, 5000, 3001, 1000, 3000})});
  add_service("all", {"events", "users"});
  const auto joined = join_feast_service(repo_, "all", {});
  ASSERT_TRUE(joined.ok()) << joined.error().message;
  EXPECT_EQ(column(*joined, "kind"),
            (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"}));
  EXPECT_EQ(column(*joined, "age"),
            (std::vector<std::string>{"-", "1", "1", "-", "2", "-", "-", "1"}));
}

TEST_F(FeastTables, WrongTypesAndMissingColumnsNameViewAndColumn) {
  add_view("users", {user_}, {{"age", ValueType::kDouble}},
           {texts("user_id", {"a"}), texts("age", {"old"}), times("at", {1})});
  add_view("items", {item_}, {{"price", ValueType::kDouble}},
           {texts("item_id", {"a"}), times("at", {1})});
  add_service("items", {"items"});
  add_service("users", {"users"});
  const auto typed = read_feast_entities(repo_, "users", 50, {});
  ASSERT_FALSE(typed.ok());
  EXPECT_NE(typed.error().message.find("'users'"), std::string::npos) << typed.error().message;
  EXPECT_NE(typed.error().message.find("expected Float64, found text"), std::string::npos)
      << typed.error().message;
  const auto missing = read_feast_entities(repo_, "items", 50, {});
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("no column 'price'"), std::string::npos)
      << missing.error().message;
}

TEST_F(FeastTables, NewUsersAndAStreamAreAppended) {
  ASSERT_TRUE(write_parquet(path("users.parquet"),
                            Table({texts("user_id", {"a", "b"}), texts("city", {"x", "y"})}))
                  .ok());
  ASSERT_TRUE(write_parquet(path("new.parquet"),
                            Table({texts("user_id", {"b", "c"}), texts("city", {"z", "w"})}))
                  .ok());
  ASSERT_TRUE(write_parquet(path("interactions.parquet"),
                            Table({texts("user_id", {"a"}), texts("item_id", {"i"})}))
                  .ok());
  ASSERT_TRUE(write_parquet(path("stream.parquet"),
                            Table({texts("user_id", {"c", "a"}), texts("item_id", {"j", "i"}),
                                   texts("interaction_type", {"p", "q"})}))
                  .ok());
  DataOptions options;
  options.users.path = path("users.parquet");
  options.interactions.path = path("interactions.parquet");
  options.new_users.path = path("new.parquet");
  options.stream.path = path("stream.parquet");
  const auto loaded = load_dataset(options);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->dataset.users.size(), 3U);
  EXPECT_EQ(column(loaded->dataset.user_table, "city"), (std::vector<std::string>{"x", "z", "w"}));
  EXPECT_EQ(loaded->dataset.interactions.size(), 3U);
  EXPECT_EQ(loaded->dataset.interactions.type_names, (std::vector<std::string>{"", "p", "q"}));
}

}  // namespace
}  // namespace torii::data
