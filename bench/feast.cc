// What publishing into a Feast online store costs: time and memory for so many users.
//
//   bench_feast REPO_JSON USERS ITEMS K [WIDTH]
//
// REPO_JSON is the online_store of a feature_store.yaml as JSON; the tables of the project "bench"
// (views as torii has them by default) are there. Prints one line of JSON.
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"
#include "store/feast_store.h"

namespace {

using namespace torii;

feast::FeatureView view_of(std::string name, const std::string& key, std::string feature,
                           feast::ValueType type) {
  feast::FeatureView view;
  view.name = std::move(name);
  view.keys = {{key, feast::ValueType::kString, 0}};
  view.features = {{std::move(feature), type, 0}};
  view.online = true;
  return view;
}

feast::Repo repo_of(Json online) {
  feast::Repo repo;
  repo.config.project = "bench";
  repo.config.folder = ".";
  repo.config.file = "feature_store.yaml";
  repo.config.online = std::move(online);
  using feast::ValueType;
  repo.registry.views = {
      view_of("item_embedding", "item_id", "embedding", ValueType::kFloatList),
      view_of("item_textual_features_embed", "item_id", "about_product_embedding",
              ValueType::kFloatList),
      view_of("user_embedding", "user_id", "embedding", ValueType::kFloatList),
      view_of("user_items", "user_id", "top_k_item_ids", ValueType::kStringList)};
  return repo;
}

struct Shape {
  std::size_t users = 0, items = 0, k = 0, width = 64;
};

class Rows {
 public:
  explicit Rows(const Shape& shape) : shape_(shape) {}

  Result<void> fill(store::Draft& draft) {
    for (std::size_t begin = 0; begin < shape_.items; begin += kBlock) {
      std::vector<store::PublishedItem> block;
      for (std::size_t i = begin; i < std::min(begin + kBlock, shape_.items); ++i) {
        store::PublishedItem item;
        item.id = fmt::format("B{:09}", i);
        item.attributes = "{}";
        item.embedding = vector(shape_.width);
        item.text_embedding = vector(shape_.width);
        block.push_back(std::move(item));
      }
      TORII_TRY_VOID(draft.add_items(block));
    }
    for (std::size_t begin = 0; begin < shape_.users; begin += kBlock) {
      std::vector<store::PublishedUser> block;
      for (std::size_t i = begin; i < std::min(begin + kBlock, shape_.users); ++i) {
        store::PublishedUser user;
        user.id = fmt::format("GLX8NI18RMIDLFNS5{:09}", i);
        user.attributes = "{}";
        user.embedding = vector(shape_.width);
        for (std::size_t k = 0; k < std::min(shape_.k, shape_.items); ++k) {
          user.items.push_back(static_cast<std::uint32_t>((i * 31 + k * 7) % shape_.items));
          user.scores.push_back(1.0F);
        }
        block.push_back(std::move(user));
      }
      TORII_TRY_VOID(draft.add_users(block));
    }
    return {};
  }

 private:
  static constexpr std::size_t kBlock = 2048;
  std::vector<float> vector(std::size_t width) {
    std::vector<float> numbers(width);
    for (float& number : numbers) number = normal_(random_);
    return numbers;
  }
  Shape shape_;
  std::mt19937 random_{7};
  std::normal_distribution<float> normal_;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Result<void> run(const Shape& shape, const std::string& online) {
  TORII_TRY(Json store_map, Json::parse(online, "online_store"));
  TORII_TRY(const auto store,
            store::open_feast(repo_of(std::move(store_map)), {}, {}, {.timeout_s = 600}));
  auto begin = std::chrono::steady_clock::now();
  TORII_TRY(const auto draft, store->begin_publication(store::kDefaultTenant));
  TORII_TRY_VOID(Rows(shape).fill(*draft));
  const double spooled_s = seconds_since(begin);
  store::Publication info;
  info.metric = "dot";
  info.width = shape.width;
  info.text_width = shape.width;
  info.created_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  begin = std::chrono::steady_clock::now();
  TORII_TRY(const std::uint64_t version, draft->commit(info));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{{\"users\": {}, \"items\": {}, \"k\": {}, \"version\": {}, \"spool_s\": {:.3f}, "
      "\"commit_s\": {:.3f}, \"cpu_s\": {:.2f}, \"rss_mb\": {:.1f}}}\n",
      shape.users, shape.items, shape.k, version, spooled_s, seconds_since(begin),
      static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
          static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
      static_cast<double>(usage.ru_maxrss) / 1024);
  return {};
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) {
    fmt::print(stderr, "bench_feast REPO_JSON USERS ITEMS K [WIDTH]\n");
    return 2;
  }
  Shape shape;
  shape.users = std::strtoull(words[2], nullptr, 10);
  shape.items = std::strtoull(words[3], nullptr, 10);
  shape.k = std::strtoull(words[4], nullptr, 10);
  if (count > 5) shape.width = std::strtoull(words[5], nullptr, 10);
  const auto done = run(shape, words[1]);
  if (done.ok()) return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}
