#include "publish/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/file.h"
#include "support/temporary_folder.h"

namespace torii::publish {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

Json object(const std::string& text) {
  return Json::parse(text, "object").value();
}

std::vector<std::string> column_texts(const data::Table& table, const char* name) {
  std::vector<std::string> texts;
  const data::Column* column = table.find(name);
  for (std::size_t row = 0; column != nullptr && row < table.rows(); ++row) {
    texts.push_back(column->is_null(row) ? "null" : column->text_at(row));
  }
  return texts;
}

class Export : public ::testing::Test {
 protected:
  [[nodiscard]] data::Table table(const char* name) const {
    auto read = data::read_table((folder_.path() / name).string());
    EXPECT_TRUE(read.ok()) << read.error().message;
    return std::move(read).value();
  }
  // A base of three users, two items and four rows, as it is read from files.
  void write_base(const std::string& users = "user_id,age,city\na,30,x\nb,40,y\nc,50,z\n",
                  const std::string& rows =
                      "user_id,item_id,timestamp,interaction_type,event_id\n"
                      "a,p,2025-01-01T00:00:00Z,view,e1\n"
                      "b,p,2025-01-02T00:00:00Z,purchase,\n"
                      "c,q,2025-01-03T00:00:00Z,view,e3\n"
                      "a,q,2025-01-04T00:00:00Z,click,\n") {
    const auto write = [&](const char* name, const std::string& text) {
      EXPECT_TRUE(write_file_durably(folder_.path() / name, text).ok());
    };
    write("users.csv", users);
    write("items.csv", "item_id,title,kinds\np,Pen,a|b\nq,Cup,c\n");
    write("interactions.csv", rows);
    names_ = data::options_for_folder(folder_.path().string()).value();
    auto loaded = data::load_dataset(names_, {"event_id"});
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    loaded_ = std::move(loaded).value();
  }
  Exported merge(const StoreRecords& records) {
    const auto merged = write_merged({.loaded = &loaded_,
                                      .has_event_ids = true,
                                      .names = names_,
                                      .user_separators = {},
                                      .item_separators = {{"kinds", "|"}}},
                                     records, folder_.path(), reporter_);
    EXPECT_TRUE(merged.ok()) << merged.error().message;
    return *merged;
  }
  static StoredEvent event(std::string id, std::string user, std::string item, std::string type,
                           const char* day) {
    return {.id = std::move(id),
            .user_id = std::move(user),
            .item_id = std::move(item),
            .type = std::move(type),
            .time_ms = 1'735'689'600'000 + (day[0] - '1') * 86'400'000LL + 1,
            .rating = kNone,
            .quantity = kNone};
  }

  torii::testing::TemporaryFolder folder_;
  Reporter reporter_;
  data::DataOptions names_;
  data::LoadedDataset loaded_;
};

TEST_F(Export, RecordsAloneBecomeFourTables) {
  StoreRecords records;
  records.users = {{"u1", object(R"({"age": 30, "preferences": ["Books"]})")},
                   {"u2", object(R"({"age": 31.5})")}};
  records.items = {{"i1", object(R"({"title": "Cup", "tags": ["a", "b"]})")}};
  records.deleted_users = {{"u9", 1000}};
  records.events = {event("e1", "u1", "i1", "onboarding_select", "1")};
  records.events.front().rating = 4.0F;
  const auto exported = write_export(records, folder_.path(), reporter_);
  ASSERT_TRUE(exported.ok()) << exported.error().message;
  EXPECT_EQ(exported->events, 1U);
  const data::Table users = table("users.parquet");
  EXPECT_THAT(column_texts(users, "user_id"), ElementsAre("u1", "u2"));
  EXPECT_THAT(column_texts(users, "age"), ElementsAre("30", "31.5"));
  EXPECT_EQ(users.find("preferences")->type, data::ColumnType::kStringList);
  EXPECT_TRUE(users.find("preferences")->is_null(1));
  EXPECT_THAT(column_texts(table("items.parquet"), "title"), ElementsAre("Cup"));
  const data::Table rows = table("interactions.parquet");
  EXPECT_THAT(column_texts(rows, "interaction_type"), ElementsAre("onboarding_select"));
  EXPECT_THAT(column_texts(rows, "event_id"), ElementsAre("e1"));
  EXPECT_THAT(column_texts(rows, "rating"), ElementsAre("4"));
  EXPECT_THAT(column_texts(rows, "quantity"), ElementsAre("null"));
  EXPECT_THAT(column_texts(table("deletions.parquet"), "id"), ElementsAre("u9"));
}

TEST_F(Export, NothingAtAllStillMakesTables) {
  ASSERT_TRUE(write_export({}, folder_.path(), reporter_).ok());
  for (const char* name : kExportedTables) EXPECT_EQ(table(name).rows(), 0U);
}

TEST_F(Export, MergeAddsTheDaysEventsOnceAndInOrder) {
  write_base();
  StoreRecords records;
  records.events = {event("e3", "c", "q", "view", "3"), event("e9", "d", "r", "purchase", "3"),
                    event("e10", "a", "r", "view", "5")};
  const Exported merged = merge(records);
  EXPECT_EQ(merged.events, 2U);
  EXPECT_EQ(merged.known_events, 1U);
  EXPECT_EQ(merged.interactions, 6U);
  const data::Table rows = table("interactions.parquet");
  EXPECT_THAT(column_texts(rows, "user_id"), ElementsAre("a", "b", "c", "d", "a", "a"));
  EXPECT_THAT(column_texts(rows, "event_id"), ElementsAre("e1", "null", "e3", "e9", "null", "e10"));
  // It is an ordinary data set, with the new user and item in it.
  for (const char* name : {"users.csv", "items.csv", "interactions.csv"}) {
    std::filesystem::remove(folder_.path() / name);
  }
  const auto loaded = data::load_dataset(*data::options_for_folder(folder_.path().string()));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(loaded->dataset.users.find("d").has_value());
  EXPECT_TRUE(loaded->dataset.items.find("r").has_value());
}

TEST_F(Export, TheNewestStateOfUsersAndItemsWins) {
  write_base();
  StoreRecords records;
  records.users = {{"a", object(R"({"age": 31})")},
                   {"d", object(R"({"age": 20, "city": null, "member": true})")}};
  records.items = {{"q", object(R"({"kinds": ["c", "d"]})")}};
  merge(records);
  const data::Table users = table("users.parquet");
  EXPECT_THAT(column_texts(users, "user_id"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(column_texts(users, "age"), ElementsAre("31", "40", "50", "20"));
  EXPECT_THAT(column_texts(users, "city"), ElementsAre("x", "y", "z", "null"));
  EXPECT_EQ(users.find("member")->null_count(), 3U);
  EXPECT_THAT(column_texts(table("items.parquet"), "kinds"), ElementsAre("a|b", "c|d"));
}

TEST_F(Export, DeletedUsersGoFromEverySourceDeletedItemsFromTheCatalogueOnly) {
  write_base();
  StoreRecords records;
  records.deleted_users = {{"a", 1}};
  records.deleted_items = {{"q", 1}};
  const Exported merged = merge(records);
  EXPECT_EQ(merged.removed_users, 1U);
  EXPECT_EQ(merged.removed_rows, 2U);
  EXPECT_EQ(merged.removed_items, 1U);
  EXPECT_THAT(column_texts(table("users.parquet"), "user_id"), ElementsAre("b", "c"));
  EXPECT_THAT(column_texts(table("items.parquet"), "item_id"), ElementsAre("p"));
  const data::Table rows = table("interactions.parquet");
  EXPECT_THAT(column_texts(rows, "user_id"), ElementsAre("b", "c"));
  EXPECT_THAT(column_texts(rows, "item_id"), ElementsAre("p", "q"));
  EXPECT_THAT(column_texts(table("deletions.parquet"), "kind"),
              UnorderedElementsAre("user", "item"));
}

TEST_F(Export, OfAUserWhoIsBackOnlyWhatCameAfterTheDeletionCounts) {
  write_base();
  StoreRecords records;
  constexpr std::int64_t kDay = 86'400'000, kFirst = 1'735'689'600'000;
  records.returned_users = {{"a", kFirst + kDay}};  // the second of January
  records.users = {{"a", object(R"({"age": 31})")}};
  records.events = {event("n1", "a", "p", "view", "6")};
  const Exported merged = merge(records);
  EXPECT_EQ(merged.removed_users, 1U);
  EXPECT_EQ(merged.removed_rows, 1U);
  const data::Table users = table("users.parquet");
  EXPECT_THAT(column_texts(users, "user_id"), ElementsAre("b", "c", "a"));
  EXPECT_THAT(column_texts(users, "city"), ElementsAre("y", "z", "null"));
  EXPECT_THAT(column_texts(users, "age"), ElementsAre("40", "50", "31"));
  const data::Table rows = table("interactions.parquet");
  EXPECT_THAT(column_texts(rows, "user_id"), ElementsAre("b", "c", "a", "a"));
  EXPECT_THAT(column_texts(rows, "event_id"), ElementsAre("null", "e3", "null", "n1"));
  EXPECT_THAT(column_texts(table("deletions.parquet"), "id"), ElementsAre());
}

TEST_F(Export, ARowWithoutATimeIsOfBeforeADeletion) {
  write_base("user_id,age\na,30\n", "user_id,item_id,event_id\na,p,e1\nb,q,e2\n");
  StoreRecords records;
  records.returned_users = {{"a", 1}};
  EXPECT_EQ(merge(records).removed_rows, 1U);
}

TEST_F(Export, AnEventAfterADeletionIsARowAlsoWhereTheBaseHasIt) {
  // The night before wrote e1; its user has no record, only a tombstone, and went on with events.
  write_base();
  StoreRecords records;
  records.deleted_users = {{"a", 1}};
  records.events = {event("e1", "a", "p", "view", "1")};
  const Exported merged = merge(records);
  EXPECT_EQ(merged.known_events, 0U);
  EXPECT_THAT(column_texts(table("interactions.parquet"), "event_id"),
              ElementsAre("e1", "null", "e3"));
}

TEST(StoreRecordsTest, TheDeletionOfAUserWhoIsBackHoldsForEverythingBefore) {
  torii::testing::TemporaryFolder folder;
  const auto opened = store::open("sqlite:" + (folder.path() / "s.db").string(), {});
  ASSERT_TRUE(opened.ok());
  store::Store& store = **opened;
  const auto event = [](const char* id, std::int64_t time_ms) {
    return store::Record{.kind = store::RecordKind::kEvent,
                         .id = id,
                         .user_id = "u",
                         .time_ms = time_ms,
                         .payload = R"({"item_id": "i", "type": "view"})"};
  };
  const store::Record user{
      .kind = store::RecordKind::kUser, .id = "u", .user_id = {}, .payload = "{}"};
  ASSERT_TRUE(store.append("default", std::vector{event("a", 10), user}).ok());
  ASSERT_TRUE(store.erase_user("default", "u", 50).ok());
  ASSERT_TRUE(store.append("default", std::vector{user, event("late", 40), event("new", 60)}).ok());
  Reporter reporter;
  const auto records = read_store_records(store, "default", reporter);
  ASSERT_TRUE(records.ok());
  EXPECT_TRUE(records->deleted_users.empty());
  EXPECT_EQ(records->returned_users.at("u"), 50);
  EXPECT_TRUE(records->users.contains("u"));
  ASSERT_EQ(records->events.size(), 1U);
  EXPECT_EQ(records->events.front().id, "new");
}

TEST_F(Export, NumbersStayNumbersUntilATextComes) {
  const std::string rows = "user_id,item_id,event_id\n1,7,x\n2,8,y\n";
  write_base("user_id,age\n1,30\n2,40\n", rows);
  StoreRecords records;
  records.events = {event("z", "3", "9", "view", "1")};
  merge(records);
  EXPECT_EQ(table("interactions.parquet").find("user_id")->type, data::ColumnType::kInt64);
  EXPECT_EQ(table("users.parquet").find("user_id")->type, data::ColumnType::kInt64);
  records.users = {{"guest", object("{}")}};
  merge(records);
  EXPECT_EQ(table("interactions.parquet").find("user_id")->type, data::ColumnType::kString);
  EXPECT_EQ(table("users.parquet").find("user_id")->type, data::ColumnType::kString);
}

TEST_F(Export, ValuesOfAnotherTypeAreCounted) {
  write_base();
  StoreRecords records;
  records.users = {{"a", object(R"({"age": "unknown"})")}};
  const Exported merged = merge(records);
  EXPECT_EQ(merged.lost.at("users.age"), 1U);
  EXPECT_THAT(column_texts(table("users.parquet"), "age"), ElementsAre("null", "40", "50"));
}

}  // namespace
}  // namespace torii::publish
