// A model's way into service and the day's way back: generate -> train -> publish -> gate ->
// rollback -> events -> load -> train -> publish, as people call it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/table.h"
#include "store/store.h"
#include "support/http_server.h"
#include "support/process.h"

namespace torii {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using ::testing::HasSubstr;
using testing::run_program;
using testing::TempFolder;

constexpr std::int64_t kDay = 1'767'300'000'000;  // after the last day of the generated shop

class Publish : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    expect_ok({"generate", "--users=600", "--items=400", "--interactions=16000", "--seed=5",
               "--out=shop"});
    train("good.bundle", "shop", "40");
    train("poor.bundle", "shop", "1", "train.learning_rate=1e-7");
  }
  static void TearDownTestSuite() { folder_.reset(); }

  // Without titles: no text encoder has to be loaded.
  static void train(const std::string& out, const std::string& data, const std::string& epochs,
                    const std::string& setting = "train.patience=0") {
    expect_ok({"train", "--data=" + data, "--out=" + out, "--split=random:0.7/0.1/0.2", "--set",
               "train.epochs=" + epochs, "--set", "data.items.skip=[title]", "--set",
               "model.width=24", "--set", setting});
  }
  static Finished torii(std::vector<std::string> words) {
    words.insert(words.begin(), TORII_PROGRAM);
    words.emplace_back("--json");
    return run_program(words, {.folder = folder_->path(), .environment = {{"USER", "tester"}}});
  }
  static Json document(const Finished& finished) {
    auto parsed = Json::parse(finished.out, "stdout");
    EXPECT_TRUE(parsed.ok()) << finished.out << finished.err;
    return parsed.ok() ? *parsed : Json();
  }
  static Json expect_ok(const std::vector<std::string>& words) {
    const Finished finished = torii(words);
    EXPECT_EQ(finished.exit_code, 0) << words.front() << "\n" << finished.err << finished.out;
    return document(finished);
  }
  static std::unique_ptr<store::Store> open(const std::string& uri) {
    return std::move(store::open(uri, {})).value();
  }
  static std::string uri(const std::string& name) { return "sqlite:" + (*folder_ / name); }
  static std::vector<std::string> column(const std::string& file, const char* name) {
    const auto table = data::read_table(*folder_ / file);
    EXPECT_TRUE(table.ok()) << table.error().message;
    std::vector<std::string> texts;
    const data::Column* found = table->find(name);
    for (std::size_t row = 0; found != nullptr && row < table->rows(); ++row) {
      texts.push_back(found->text_at(row));
    }
    return texts;
  }
  static store::Record event(std::string id, std::string user, std::string item, std::string type) {
    return {.kind = store::RecordKind::kEvent,
            .id = std::move(id),
            .user_id = std::move(user),
            .time_ms = kDay,
            .payload =
                Json::object().set("item_id", std::move(item)).set("type", std::move(type)).dump()};
  }

  static std::unique_ptr<TempFolder> folder_;
};
std::unique_ptr<TempFolder> Publish::folder_;

TEST_F(Publish, TheGateTheRollbackAndTheNight) {
  const std::string at = uri("shop.db");
  const auto publish = [&](const std::string& bundle, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"publish", "--bundle=" + bundle, "--data=shop",
                                      "--store=" + at};
    words.insert(words.end(), more.begin(), more.end());
    return torii(words);
  };
  // The first one: judged beside popularity.
  const Finished first = publish("good.bundle");
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const Json published = document(first);
  EXPECT_EQ(published.int_at("version"), 1);
  EXPECT_EQ(published.int_at("users"), 600);
  EXPECT_EQ(published.find("gate")->bool_at("passed"), true);
  EXPECT_EQ(published.find("roles")->dump(),
            R"({"title":"title","in_stock":"in_stock","price":"price","brand":"brand",)"
            R"("categories":["category"]})");
  EXPECT_TRUE(fs::exists(*folder_ / ("bundles/" + *published.string_at("bundle"))));

  // A worse one is refused, and nothing changes.
  const Finished refused = publish("poor.bundle");
  EXPECT_EQ(refused.exit_code, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("significantly worse than"));
  EXPECT_EQ(document(refused).find("gate")->bool_at("passed"), false);
  EXPECT_EQ(open(at)->current_version("default").value(), 1U);
  // Force is kept in the publication.
  const Finished forced = publish("poor.bundle", {"--force"});
  ASSERT_EQ(forced.exit_code, 0) << forced.err;
  EXPECT_EQ(open(at)->publications("default").value().front().gate.bool_at("forced"), true);
  EXPECT_EQ(open(at)->publications("default").value().front().gate.bool_at("passed"), false);
  const Json back = expect_ok({"store", "rollback", "--store=" + at});
  EXPECT_EQ(back.int_at("version"), 1);
  EXPECT_EQ(open(at)->current_version("default").value(), 1U);

  // The day.
  const auto store = open(at);
  const std::vector<store::Record> day = {
      event("day-1", "u1", "i7", "purchase"),
      event("day-2", "u1", "i9", "cart_remove"),
      event("day-3", "newcomer", "i7", "onboarding_select"),
      {.kind = store::RecordKind::kUser,
       .id = "newcomer",
       .user_id = {},
       .time_ms = kDay,
       .payload = R"({"attributes":{"age":33,"country":"DE"},"preferences":["Garden"]})"},
      {.kind = store::RecordKind::kItem,
       .id = "i7",
       .user_id = {},
       .time_ms = kDay,
       .payload = R"({"attributes":{"price":1.25}})"}};
  ASSERT_TRUE(store->append("default", day).ok());
  ASSERT_TRUE(store->erase_user("default", "u5", kDay).ok());

  // The night.
  const Json loaded = expect_ok({"load", "--from=" + at, "--data=shop", "--out=night"});
  EXPECT_EQ(loaded.find("records")->int_at("events"), 3);
  EXPECT_GT(loaded.int_at("removed_interactions").value_or(0), 0);
  const auto users = column("night/users.parquet", "user_id");
  EXPECT_THAT(users, ::testing::Contains("newcomer"));
  EXPECT_THAT(users, ::testing::Not(::testing::Contains("u5")));
  const auto rows = column("night/interactions.parquet", "user_id");
  EXPECT_THAT(rows, ::testing::Not(::testing::Contains("u5")));
  EXPECT_THAT(column("night/interactions.parquet", "event_id"), ::testing::Contains("day-3"));
  // Once more upon its own result: no event twice.
  const Json again = expect_ok({"load", "--from=" + at, "--data=night", "--out=night2"});
  EXPECT_EQ(again.int_at("known_events"), 3);
  EXPECT_EQ(again.int_at("interactions"), loaded.int_at("interactions"));

  train("night.bundle", "night", "40");
  expect_ok({"train", "--refit=night.bundle", "--data=night", "--out=refit.bundle"});
  const Finished unnamed =
      torii({"publish", "--bundle=refit.bundle", "--data=night", "--store=" + at});
  EXPECT_EQ(unnamed.exit_code, 2);
  EXPECT_THAT(unnamed.err, HasSubstr("--fit=BUNDLE"));
  const Json second =
      expect_ok({"publish", "--bundle=refit.bundle", "--fit=night.bundle", "--data=night",
                 "--store=" + at, "--set", "publish.user_encoder=encoders"});
  ASSERT_EQ(second.int_at("version"), 3);
  EXPECT_NE(second.string_at("bundle"), second.string_at("fit"));
  EXPECT_TRUE(fs::exists(*folder_ / "encoders/user-encoder-3"));
  const store::Publication current = open(at)->publications("default").value().front();
  EXPECT_EQ(current.created_by.substr(0, 7), "tester@");
  EXPECT_EQ(current.records_seq, store->last_seq("default").value());
  EXPECT_EQ(current.lineage.find("records")->int_at("events"), 3);
  EXPECT_EQ(current.lineage.find("bundle")->find("records")->int_at("events"), 3);
  EXPECT_EQ(current.lineage.find("bundle")->string_at("refit_of"), second.string_at("fit"));
  // What was bought is not offered, who was deleted is not there.
  EXPECT_EQ(open(at)->find_user("default", 3, "u5").value(), std::nullopt);
  const auto buyer = open(at)->find_user("default", 3, "u1").value();
  ASSERT_TRUE(buyer.has_value());
  std::string bought;
  std::uint32_t place = 0;
  ASSERT_TRUE(open(at)
                  ->read_items(
                      "default", 3,
                      [&](store::PublishedItem item) -> Result<void> {
                        if (item.id == "i7") bought = item.attributes;
                        if (item.id == "i7") {
                          EXPECT_THAT(buyer->items, ::testing::Not(::testing::Contains(place)));
                          EXPECT_THAT(buyer->seen, ::testing::Contains(place | store::kBoughtMark));
                        }
                        ++place;
                        return {};
                      })
                  .ok());
  EXPECT_THAT(bought, HasSubstr(R"("price":1.25)"));
  EXPECT_TRUE(open(at)->find_user("default", 3, "newcomer").value().has_value());

  // Cleaning up leaves what is named.
  const Json collected = expect_ok({"store", "gc", "--store=" + at, "--set", "publish.keep=1",
                                    "--set", "publish.drafts_hours=0"});
  EXPECT_EQ(collected.int_at("publications"), 2);
  EXPECT_EQ(collected.find("bundles")->as_array().size(), 2U);
  EXPECT_TRUE(fs::exists(*folder_ / ("bundles/" + *second.string_at("fit"))));
  expect_ok({"store", "verify", "--store=" + at});
  const Json shown = expect_ok({"store", "show", "--store=" + at});
  EXPECT_EQ(shown.find("tenants")->as_array()[0].int_at("current"), 3);
  // A backup brings all of it elsewhere.
  expect_ok({"store", "backup", "--store=" + at, "--out=shop.backup"});
  expect_ok({"store", "restore", "--store=" + uri("other.db"), "--from=shop.backup"});
  EXPECT_EQ(open(uri("other.db"))->current_version("default").value(), 3U);
}

TEST_F(Publish, ListsOfShardsMakeTheSamePublication) {
  const std::string at = uri("shards.db");
  for (const char* shard : {"1", "2"}) {
    expect_ok({"candidates", "--bundle=good.bundle", "--data=shop", "--k=64",
               fmt::format("--shard={}/2", shard), fmt::format("--out=part{}.parquet", shard)});
  }
  for (const char* tenant : {"a", "b"}) {
    std::vector<std::string> words = {
        "publish", "--bundle=good.bundle", "--data=shop", "--store=" + at,
        "--set",   "publish.gate=off",     "--tenant",    tenant};
    if (*tenant == 'b')
      words.insert(words.end(), {"--candidates=part1.parquet", "--candidates=part2.parquet"});
    expect_ok(words);
  }
  const auto store = open(at);
  EXPECT_EQ(store->publications("a").value().front().checksum,
            store->publications("b").value().front().checksum);
}

// A server that answers out of the publication, as one without skew does; `lies` about one user.
class Answers {
 public:
  Answers(store::Store& store, bool lies) : lies_(lies) {
    EXPECT_TRUE(store
                    .read_items("default", 1,
                                [&](store::PublishedItem item) -> Result<void> {
                                  items_.push_back(std::move(item));
                                  return {};
                                })
                    .ok());
    EXPECT_TRUE(store
                    .read_users("default", 1,
                                [&](store::PublishedUser user) -> Result<void> {
                                  users_[user.id] = std::move(user);
                                  return {};
                                })
                    .ok());
  }
  [[nodiscard]] testing::HttpAnswer operator()(const testing::HttpRequest& request) const {
    if (request.header("authorization") != "Bearer torii_x_y") return {.status = 401};
    const Json asked = Json::parse(request.body, "request").value();
    const Json answer = request.target == "/v1/embed" ? vectors(asked) : list(asked);
    return {.status = 200, .body = answer.dump()};
  }

 private:
  static Json numbers(const std::vector<float>& vector) {
    Json list = Json::array();
    for (const float value : vector) list.push(static_cast<double>(value));
    return list;
  }
  [[nodiscard]] Json vectors(const Json& asked) const {
    Json users = Json::array();
    Json items = Json::array();
    if (const Json* list = asked.find("users")) {
      for (const Json& entry : list->as_array()) {
        EXPECT_TRUE(entry.find("features") != nullptr && entry.find("features")->find("age"));
        std::vector<float> vector = users_.at(*entry.string_at("user_id")).embedding;
        if (lies_ && entry.string_at("user_id") == "u1") vector[3] += 1e-6F;
        users.push(Json::object()
                       .set("user_id", *entry.string_at("user_id"))
                       .set("vector", numbers(vector)));
      }
    }
    if (const Json* list = asked.find("items")) {
      for (const Json& id : list->as_array()) {
        const auto item = std::ranges::find(items_, id.as_string(), &store::PublishedItem::id);
        items.push(Json::object().set("item_id", id).set("vector", numbers(item->embedding)));
      }
    }
    return Json::object().set("model_version", 1).set("users", users).set("items", items);
  }
  [[nodiscard]] Json list(const Json& asked) const {
    Json items = Json::array();
    const auto k = static_cast<std::size_t>(*asked.int_at("k"));
    for (const std::uint32_t place : users_.at(*asked.string_at("user_id")).items) {
      const store::PublishedItem& item = items_[place];
      if (item.attributes.find(R"("in_stock":false)") != std::string::npos) continue;
      if (items.as_array().size() < k) items.push(Json::object().set("item_id", item.id));
    }
    return Json::object().set("model_version", 1).set("items", items);
  }

  bool lies_;
  std::vector<store::PublishedItem> items_;
  std::map<std::string, store::PublishedUser> users_;
};

TEST_F(Publish, SkewBetweenServerAndBatchIsFound) {
  const std::string at = uri("skew.db");
  expect_ok({"publish", "--bundle=good.bundle", "--data=shop", "--store=" + at, "--set",
             "publish.gate=off"});
  const auto store = open(at);
  const auto verify = [&](const Answers& answers) {
    const testing::HttpServer server(answers);
    std::vector<std::string> words = {
        TORII_PROGRAM, "store", "verify", "--store=" + at, "--url=" + server.url("/"),
        "--users=150", "--json"};
    return run_program(
        words, {.folder = folder_->path(), .environment = {{"TORII_API_KEY", "torii_x_y"}}});
  };
  const Finished same = verify(Answers(*store, false));
  EXPECT_EQ(same.exit_code, 0) << same.err << same.out;
  EXPECT_EQ(document(same).int_at("users"), 150);
  EXPECT_EQ(document(same).int_at("items"), 400);
  EXPECT_GT(document(same).int_at("lists").value_or(0), 140);
  const Finished skewed = verify(Answers(*store, true));
  EXPECT_EQ(skewed.exit_code, 3);
  EXPECT_EQ(document(skewed).int_at("differences"), 1);
  EXPECT_THAT(skewed.out, HasSubstr("user 'u1': place 3 of the vector"));
}

TEST_F(Publish, ABundleThatCannotBeJudgedNeedsForce) {
  expect_ok({"train", "--data=shop", "--split=none", "--out=all.bundle", "--set", "train.epochs=1",
             "--set", "data.items.skip=[title]"});
  const std::vector<std::string> words = {"publish", "--bundle=all.bundle", "--data=shop",
                                          "--store=" + uri("all.db")};
  const Finished refused = torii(words);
  EXPECT_EQ(refused.exit_code, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("trained on all rows"));
  auto forced = words;
  forced.emplace_back("--force");
  const Json published = expect_ok(forced);
  EXPECT_THAT(published.find("gate")->string_at("error").value_or(""),
              HasSubstr("trained on all rows"));
}

TEST_F(Publish, KeysAreShownOnceAndKeptAsHashes) {
  const std::string at = uri("keys.db");
  const Json made = expect_ok(
      {"keys", "create", "--store=" + at, "--name=storefront", "--scopes=read,write", "--days=30"});
  const std::string key = made.string_at("key").value_or("");
  const std::string id = made.string_at("id").value_or("");
  EXPECT_EQ(key.find("torii_" + id + "_"), 0U);
  EXPECT_EQ(key.size(), 6 + id.size() + 1 + 64);
  const Finished listed = torii({"keys", "list", "--store=" + at});
  EXPECT_THAT(listed.out, HasSubstr(id));
  EXPECT_THAT(listed.out, ::testing::Not(HasSubstr(key.substr(key.size() - 64))));
  const Json rotated = expect_ok({"keys", "rotate", "--store=" + at, "--id=" + id, "--overlap=1"});
  EXPECT_NE(rotated.string_at("id"), id);
  EXPECT_EQ(rotated.find("old")->string_at("state"), "valid");
  const Json revoked = expect_ok({"keys", "revoke", "--store=" + at, "--id=" + id});
  EXPECT_EQ(revoked.string_at("state"), "revoked");
  const auto keys = open(at)->keys();
  ASSERT_TRUE(keys.ok());
  for (const store::ApiKey& kept : *keys) {
    EXPECT_EQ(kept.hash.size(), 64U);
    EXPECT_EQ(kept.scopes, store::kRead | store::kWrite);
    EXPECT_EQ(kept.revoked_ms != 0, kept.id == id);
  }
  EXPECT_EQ(torii({"keys", "revoke", "--store=" + at, "--id=nobody"}).exit_code, 2);
  EXPECT_EQ(torii({"keys", "create", "--store=" + at, "--name=x", "--scopes=all"}).exit_code, 2);
}

}  // namespace
}  // namespace torii
