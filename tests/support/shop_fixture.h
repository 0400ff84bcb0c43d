#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/shop_world.h"

/// A Shop over a small world, and the records that reach it.
namespace torii::recommend::testing {

inline store::Record event(std::uint64_t seq, const std::string& user, const std::string& item,
                           const std::string& type, std::int64_t time_ms = 1000) {
  store::Record record;
  record.seq = seq;
  record.id = fmt::format("e{}", seq);
  record.user_id = user;
  record.time_ms = time_ms;
  record.payload = Json::object().set("item_id", item).set("type", type).dump();
  return record;
}

inline store::Record state_of(store::RecordKind kind, std::uint64_t seq, const std::string& id,
                              const std::string& payload) {
  store::Record record;
  record.kind = kind;
  record.seq = seq;
  record.id = id;
  record.payload = payload;
  return record;
}

class ShopTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(shop.adopt(world.publication).ok()); }

  ShopAnswer ask(const ShopRequest& request) {
    ShopAnswer answer;
    const auto done = shop.recommend(request, *workspace, answer);
    EXPECT_TRUE(done.ok()) << done.error().message;
    return answer;
  }
  static std::vector<std::string> ids(const ShopAnswer& answer) {
    std::vector<std::string> result;
    for (const auto& entry : answer.items) result.emplace_back(answer.edition->id(entry.item));
    return result;
  }
  void apply(const store::Record& record) { shop.apply(std::span(&record, 1)); }
  // The first user of a source, with a list.
  std::string user_of(Source source) {
    for (std::size_t u = 0; u < world.user_ids.size(); ++u) {
      if (world.published_users[u].source == static_cast<std::uint8_t>(source)) {
        return world.user_ids[u];
      }
    }
    ADD_FAILURE() << "no such user";
    return {};
  }

  ShopWorld world{{.seed = 5, .items = 60, .users = 30, .k = 20}};
  std::int64_t now_ms = 10'000;
  Shop shop{{},
            {.now_ms = [this] { return now_ms; },
             .open_texts = [this](const model::Bundle&) { return world.texts; }}};
  std::unique_ptr<Shop::Workspace, void (*)(Shop::Workspace*)> workspace = shop.make_workspace();
};

}  // namespace torii::recommend::testing
