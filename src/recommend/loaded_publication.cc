#include "recommend/loaded_publication.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "retrieval/score.h"

namespace torii::recommend {
namespace {

constexpr std::uint64_t kReportEvery = 10'000;
constexpr std::size_t kRecallQueries = 100;

Error corrupt(const store::Publication& info, const std::string& why) {
  return make_error(ErrorCode::kCorrupt, "publication {}: {}", info.version, why);
}

std::string role_of(const Json& roles, std::string_view role, const std::string& chosen) {
  return chosen.empty() ? roles.string_at(role).value_or("") : chosen;
}

Roles find_roles(const store::Publication& info, const features::EntitySpec& spec,
                 const ShopOptions& options) {
  Roles roles{.title = role_of(info.roles, "title", options.title),
              .in_stock = role_of(info.roles, "in_stock", options.in_stock),
              .hidden = role_of(info.roles, "hidden", options.hidden),
              .brand = role_of(info.roles, "brand", ""),
              .categories = options.categories,
              .texts = {}};
  for (const auto& column : spec.text) roles.texts.push_back(column.column);
  const Json* columns = info.roles.find("categories");
  if (roles.categories.empty() && columns != nullptr && columns->is_array()) {
    for (const Json& column : columns->as_array()) {
      if (column.is_string()) roles.categories.push_back(column.as_string());
    }
  }
  return roles;
}

// What the store says of the bundle, against the bundle.
Result<void> check_parts(const store::Publication& info, const model::Bundle& bundle) {
  if (bundle.id != info.bundle_id) {
    return corrupt(info,
                   fmt::format("it was made by bundle {}, found {}", info.bundle_id, bundle.id));
  }
  if (metric_name(bundle.model.metric) != info.metric) {
    return corrupt(info, fmt::format("its metric is {}, the bundle's is {}", info.metric,
                                     metric_name(bundle.model.metric)));
  }
  const std::size_t width = bundle.model.item.shape().width;
  if (width != info.width) {
    return corrupt(
        info, fmt::format("its embeddings are {} wide, the bundle's are {}", info.width, width));
  }
  if (info.text_width != 0 && info.text_width != bundle.spec.text_width) {
    return corrupt(info, fmt::format("its text embeddings are {} wide, the bundle's are {}",
                                     info.text_width, bundle.spec.text_width));
  }
  if (info.items < (std::uint64_t{1} << 31)) return {};
  return make_error(ErrorCode::kUnsupported, "publication {}: {} items, at most {} are supported",
                    info.version, info.items, (std::uint64_t{1} << 31) - 1);
}

Result<SegmentRows> read_items(store::Store& store, std::string_view tenant,
                               const store::Publication& info, Reporter& reporter) {
  SegmentRows rows;
  rows.embeddings = Matrix(info.items, info.width);
  rows.texts = Matrix(info.items, info.text_width);
  reporter.begin("load items", info.items, "items");
  std::size_t count = 0;
  TORII_TRY_VOID(
      store.read_items(tenant, info.version, [&](const store::PublishedItem& item) -> Result<void> {
        if (count == info.items) return corrupt(info, "it has more items than it says");
        if (item.embedding.size() != info.width ||
            (!item.text_embedding.empty() && item.text_embedding.size() != info.text_width)) {
          return corrupt(info, fmt::format("item {}: embeddings of another width", count));
        }
        if (!std::isfinite(item.popularity)) {
          return corrupt(info, fmt::format("item {}: its popularity is no finite number", count));
        }
        rows.ids.push_back(item.id);
        rows.attributes.push_back(item.attributes.empty() ? "{}" : item.attributes);
        rows.popularity.push_back(item.popularity);
        std::ranges::copy(item.embedding, rows.embeddings.row(count).begin());
        std::ranges::copy(item.text_embedding, rows.texts.row(count).begin());
        if (++count % kReportEvery == 0) {
          reporter.progress(count, "");
          if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
        }
        return {};
      }));
  if (count != info.items) {
    return corrupt(info, fmt::format("it has {} items, {} are there", info.items, count));
  }
  TORII_TRY_VOID(retrieval::check_embeddings(rows.embeddings.view(), "published items"));
  for (const float value : rows.texts.flat()) {
    if (!std::isfinite(value)) return corrupt(info, "a text embedding is not finite");
  }
  reporter.end("");
  return rows;
}

Result<void> read_users(store::Store& store, std::string_view tenant,
                        const store::Publication& info, Reporter& reporter, PublishedUsers& users) {
  reporter.begin("load users", info.users, "users");
  TORII_TRY_VOID(
      store.read_users(tenant, info.version, [&](const store::PublishedUser& user) -> Result<void> {
        if (auto added = users.add(user, info.items); !added.ok()) {
          return with_context(std::move(added).error(),
                              fmt::format("publication {}", info.version));
        }
        if (users.size() % kReportEvery == 0) {
          reporter.progress(users.size(), "");
          if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
        }
        return {};
      }));
  // A user may have been erased since: fewer are as good, more are not.
  if (users.size() > info.users) {
    return corrupt(info, fmt::format("it has {} users, {} are there", info.users, users.size()));
  }
  reporter.end("");
  return users.finish();
}

}  // namespace

Result<void> PublishedUsers::add(const store::PublishedUser& user, std::size_t items) {
  const auto bad = [&](const std::string& why) {
    return make_error(ErrorCode::kCorrupt, "user {}: {}", size(), why);
  };
  if (user.embedding.size() != width_) return bad("an embedding of another width");
  if (user.items.size() != user.scores.size()) return bad("items and scores differ in number");
  if (user.source > static_cast<std::uint8_t>(Source::kFallback)) return bad("no such source");
  TORII_TRY_VOID(retrieval::check_embeddings({user.embedding.data(), 1, width_}, "published user"));
  ids_.push_back(user.id);
  attributes_.push_back(user.attributes);
  sources_.push_back(user.source);
  embeddings_.insert(embeddings_.end(), user.embedding.begin(), user.embedding.end());
  for (std::size_t i = 0; i < user.items.size(); ++i) {
    if (user.items[i] >= items || std::isnan(user.scores[i])) return bad("a list beyond the items");
    lists_.push_back({user.items[i], user.scores[i]});
  }
  list_offsets_.push_back(lists_.size());
  for (std::size_t i = 0; i < user.seen.size(); ++i) {
    const std::uint32_t item = store::item_of_seen(user.seen[i]);
    if (item >= items || (i > 0 && item <= store::item_of_seen(user.seen[i - 1]))) {
      return bad("seen items that do not ascend");
    }
  }
  seen_.insert(seen_.end(), user.seen.begin(), user.seen.end());
  seen_offsets_.push_back(seen_.size());
  return {};
}

Result<void> PublishedUsers::finish() {
  places_ = PlaceIndex(ids_);
  if (places_.repeated()) return make_error(ErrorCode::kCorrupt, "a user is there twice");
  lists_.shrink_to_fit();
  seen_.shrink_to_fit();
  embeddings_.shrink_to_fit();
  attributes_.bytes.shrink_to_fit();
  ids_.bytes.shrink_to_fit();
  return {};
}

Matrix PublishedUsers::sample(std::size_t count) const {
  std::vector<std::uint32_t> searching;
  for (std::uint32_t user = 0; user < size(); ++user) {
    const auto vector = embedding(user);
    const bool is_zero = std::ranges::all_of(vector, [](float value) { return value == 0.0F; });
    if (source(user) != Source::kFallback && !is_zero) searching.push_back(user);
  }
  const std::size_t rows = std::min(count, searching.size());
  Matrix vectors(rows, width_);
  for (std::size_t row = 0; row < rows; ++row) {
    std::ranges::copy(embedding(searching[row * searching.size() / rows]),
                      vectors.row(row).begin());
  }
  return vectors;
}

std::uint64_t PublishedUsers::bytes() const {
  return ids_.bytes.size() + attributes_.bytes.size() + embeddings_.size() * 4 + lists_.size() * 8 +
         seen_.size() * 4 + size() * (4 * 8 + 16 + 1);
}

Result<std::shared_ptr<const LoadedPublication>> load_publication(
    store::Store& store, std::string_view tenant, const store::Publication& info,
    const std::filesystem::path& bundle, const ShopOptions& options, ThreadPool& pool,
    Reporter& reporter) {
  TORII_TRY(auto opened, model::open_bundle(bundle));
  TORII_TRY_VOID(check_parts(info, opened));
  opened.item_embeddings = Matrix();
  opened.popularity = {};
  Roles roles = find_roles(info, opened.spec.item, options);
  auto loaded = std::make_shared<LoadedPublication>(info, std::move(opened), std::move(roles));
  TORII_TRY(SegmentRows items, read_items(store, tenant, info, reporter));
  TORII_TRY_VOID(read_users(store, tenant, info, reporter, loaded->users));
  // The graph is judged by those who will ask it.
  const Matrix queries = loaded->users.sample(kRecallQueries);
  TORII_TRY(loaded->items, Segment::make(std::move(items),
                                         {.metric = loaded->bundle.model.metric,
                                          .approximate_from = options.approximate_from,
                                          .queries = queries.view()},
                                         loaded->roles, pool));
  return std::shared_ptr<const LoadedPublication>(std::move(loaded));
}

}  // namespace torii::recommend
