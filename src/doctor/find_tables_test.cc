#include "doctor/find_tables.h"

#include <gtest/gtest.h>

#include "doctor/column_roles.h"
#include "support/process.h"

namespace torii::doctor {
namespace {

using testing::TempFolder;
using testing::write_text;

TEST(ColumnRoles, UsualNamesAreKnownInAnyCase) {
  const auto role = [](Role wanted, std::vector<std::string> columns) {
    const auto place = find_role(wanted, columns);
    return place ? columns[*place] : std::string("none");
  };
  EXPECT_EQ(role(Role::kUser, {"ts", "visitorid", "itemid"}), "visitorid");
  EXPECT_EQ(role(Role::kUser, {"USER_ID"}), "USER_ID");
  EXPECT_EQ(role(Role::kUser, {"household_id"}), "household_id");
  EXPECT_EQ(role(Role::kUser, {"user", "customerId"}), "customerId");
  EXPECT_EQ(role(Role::kItem, {"asin", "overall"}), "asin");
  EXPECT_EQ(role(Role::kItem, {"productId"}), "productId");
  EXPECT_EQ(role(Role::kTime, {"created_at"}), "created_at");
  EXPECT_EQ(role(Role::kType, {"event"}), "event");
  EXPECT_EQ(role(Role::kRating, {"overall"}), "overall");
  EXPECT_EQ(role(Role::kQuantity, {"Qty"}), "Qty");
  EXPECT_EQ(role(Role::kUser, {"colour", "price"}), "none");
}

TEST(ColumnRoles, MarksAndOutcomesAreKnownByName) {
  for (const char* name : {"cold", "split_loo", "fold", "is_test", "Split"}) {
    EXPECT_TRUE(marks_experiment(name)) << name;
  }
  for (const char* name : {"colour", "splitter", "folder", "title"}) {
    EXPECT_FALSE(marks_experiment(name)) << name;
  }
  for (const char* name :
       {"num_purchases", "rating_count", "avg_rating", "sales", "total_orders"}) {
    EXPECT_TRUE(names_outcome(name)) << name;
  }
  for (const char* name : {"price", "age", "weight", "review_text"}) {
    EXPECT_FALSE(names_outcome(name)) << name;
  }
  EXPECT_TRUE(names_dislike("negative_view"));
  EXPECT_FALSE(names_dislike("purchase"));
}

TEST(FindTables, KnowsForeignTablesByTheirColumns) {
  const TempFolder folder;
  write_text(folder / "events.csv",
             "timestamp,visitorid,event,itemid\n1,7,view,a\n2,7,cart,b\n3,8,view,a\n");
  write_text(folder / "catalogue.csv", "sku,name\na,One\nb,Two\nc,Three\n");
  write_text(folder / "people.csv", "id,city\n7,Rome\n8,Oslo\n");
  write_text(folder / "shops.csv", "id,city\n91,Rome\n92,Oslo\n");
  write_text(folder / "notes.txt", "nothing\n");
  const auto found = find_tables({folder.path().string()});
  ASSERT_TRUE(found.ok()) << found.error().message;
  const data::DataOptions& options = found->options;
  EXPECT_EQ(options.interactions.path, folder / "events.csv");
  EXPECT_EQ(options.interactions.user_id, "visitorid");
  EXPECT_EQ(options.interactions.item_id, "itemid");
  EXPECT_EQ(options.interactions.type, "event");
  EXPECT_EQ(options.items.path, folder / "catalogue.csv");
  EXPECT_EQ(options.items.id, "sku");
  EXPECT_EQ(options.users.path, folder / "people.csv");
  EXPECT_EQ(options.users.id, "id");
  EXPECT_EQ(found->others.size(), 1U);
}

TEST(FindTables, NumbersOfUsersAreNotTakenForNumbersOfItems) {
  const TempFolder folder;
  write_text(folder / "interactions.csv", "user_id,item_id\n1,1\n2,3\n1,2\n");
  write_text(folder / "items.csv", "item_id\n1\n2\n3\n");
  write_text(folder / "users.csv", "user_id\n1\n2\n");
  const auto found = find_tables({folder.path().string()});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->options.users.path, folder / "users.csv");
  EXPECT_EQ(found->options.items.path, folder / "items.csv");
  const TempFolder plain;
  write_text(plain / "a_products.csv", "id\n1\n2\n3\n");
  write_text(plain / "b_customers.csv", "id\n1\n2\n");
  write_text(plain / "orders.csv", "customer_id,product_id\n1,1\n2,3\n1,2\n");
  const auto named = find_tables({plain.path().string()});
  ASSERT_TRUE(named.ok()) << named.error().message;
  EXPECT_EQ(named->options.users.path, plain / "b_customers.csv");
  EXPECT_EQ(named->options.items.path, plain / "a_products.csv");
}

TEST(FindTables, TheTableThatSaysMostIsTheInteractions) {
  const TempFolder folder;
  write_text(folder / "a_pairs.csv", "user_id,item_id\n1,a\n2,b\n3,c\n");
  write_text(folder / "b_events.csv", "user_id,item_id,rating,ts\n1,a,3,5\n2,b,4,6\n");
  const auto found = find_tables({folder.path().string()});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->options.interactions.path, folder / "b_events.csv");
}

TEST(FindTables, SemicolonsAreFound) {
  const TempFolder folder;
  write_text(folder / "orders.csv", "customer_id;product_id;qty\n1;a;2\n2;b;1\n");
  const auto found = find_tables({folder / "orders.csv"});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->options.delimiter, ";");
  EXPECT_EQ(found->options.interactions.user_id, "customer_id");
  EXPECT_TRUE(found->options.users.path.empty());
}

TEST(FindTables, EventsAboutItemsDoNotDescribeThem) {
  const TempFolder folder;
  write_text(folder / "events.csv", "user_id,item_id\n1,a\n1,b\n2,a\n");
  write_text(folder / "properties.csv", "item_id,property\na,x\na,y\na,z\nb,x\nb,y\n");
  const auto found = find_tables({folder.path().string()});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_TRUE(found->options.items.path.empty());
}

TEST(FindTables, NothingThatLooksLikeInteractionsSaysWhatWasSeen) {
  const TempFolder folder;
  write_text(folder / "weather.csv", "day,degrees\n1,7\n");
  const auto found = find_tables({folder.path().string()});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(found.error().message.find("weather.csv: day, degrees"), std::string::npos);
  EXPECT_EQ(find_tables({folder / "none"}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace torii::doctor
