#include "cli/store_verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "cli/store_verify_answers.h"
#include "model/bundle.h"
#include "net/http_client.h"
#include "publish/bundle_place.h"
#include "recommend/rank.h"

namespace torii::cli {
namespace {

constexpr std::size_t kBatch = 100;  // users or items of one request
constexpr std::size_t kBodyMax = std::size_t{64} << 20;
constexpr std::size_t kExamples = 10;

// Places of `count` rows out of `all`, spread evenly.
std::set<std::size_t> spread(std::uint64_t all, std::int64_t count) {
  std::set<std::size_t> places;
  const auto wanted =
      std::min<std::uint64_t>(all, static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
  for (std::uint64_t i = 0; i < wanted; ++i) places.insert(i * all / wanted);
  return places;
}

// Ids that the service was told something newer about than the publication has.
struct Changed {
  std::set<std::string> users;
  std::set<std::string> items;
};
Result<Changed> changed_since(store::Store& store, const std::string& tenant, std::uint64_t seq) {
  Changed changed;
  for (std::uint64_t after = seq;;) {
    TORII_TRY(const auto page, store.read_records(tenant, after, 20'000));
    if (page.empty()) return changed;
    for (const store::Record& record : page) {
      if (record.kind == store::RecordKind::kEvent) changed.users.insert(record.user_id);
      if (record.kind == store::RecordKind::kUser) changed.users.insert(record.id);
      if (record.kind == store::RecordKind::kItem) changed.items.insert(record.id);
    }
    after = page.back().seq;
  }
}

// The rows of a publication that are compared.
struct Sample {
  std::set<std::string> columns;         // of the users, which the model reads
  std::vector<std::string> item_ids;     // of all items, in their order
  std::vector<std::uint8_t> is_offered;  // beside them
  std::vector<store::PublishedItem> items;
  std::vector<store::PublishedUser> users;
};

template <class Rows>
std::vector<std::string> ids_of(const Rows& rows) {
  std::vector<std::string> ids;
  for (const auto& row : rows) ids.push_back(row.id);
  return ids;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::ranges::equal(a, b, [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

class ServedComparison {
 public:
  ServedComparison(Session& session, const SkewCheck& check)
      : session_(session), check_(check), client_(session.environment(), {}, session.reporter()) {
    while (url_.ends_with('/')) url_.pop_back();
    headers_ = {{"Content-Type", "application/json"}};
    if (!check.key.empty()) headers_.emplace_back("Authorization", "Bearer " + check.key);
  }

  Result<void> items(std::span<const store::PublishedItem> published) {
    TORII_TRY(const Json answer, ask("/v1/embed", embed_items_request(published)));
    TORII_TRY_VOID(check_version(answer));
    TORII_TRY(const auto vectors, vectors_of(answer, "items", "item_id", ids_of(published)));
    for (std::size_t i = 0; i < published.size(); ++i) {
      ++compared_items_;
      if (same_bits(vectors[i], published[i].embedding)) continue;
      differs("item", published[i].id, vector_difference(vectors[i], published[i].embedding));
    }
    return {};
  }

  Result<void> users(std::span<const store::PublishedUser> published, const Sample& sample) {
    TORII_TRY(const Json answer, ask("/v1/embed", embed_users_request(published, sample.columns)));
    TORII_TRY_VOID(check_version(answer));
    TORII_TRY(const auto vectors, vectors_of(answer, "users", "user_id", ids_of(published)));
    for (std::size_t i = 0; i < published.size(); ++i) {
      if (session_.reporter().cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
      ++compared_users_;
      const store::PublishedUser& user = published[i];
      if (!same_bits(vectors[i], user.embedding)) {
        differs("user", user.id, vector_difference(vectors[i], user.embedding));
      }
      TORII_TRY_VOID(list(user, sample));
    }
    return {};
  }

  [[nodiscard]] Json document(std::uint64_t version) const {
    Json examples = Json::array();
    for (const std::string& example : examples_) examples.push(example);
    Json document = Json::object();
    document.set("url", check_.url)
        .set("tenant", check_.tenant)
        .set("version", version)
        .set("users", compared_users_)
        .set("lists", compared_lists_)
        .set("items", compared_items_)
        .set("differences", differences_);
    return document.set("examples", std::move(examples));
  }
  void expect_version(std::uint64_t version) { version_ = version; }

 private:
  // What a service leaves out of a list is left out here too. A list of popular items is not
  // compared: the service answers with what is popular now.
  Result<void> list(const store::PublishedUser& user, const Sample& sample) {
    if (user.source == static_cast<std::uint8_t>(recommend::Source::kFallback)) return {};
    std::vector<std::string> expected;
    for (const std::uint32_t item : user.items) {
      if (sample.is_offered[item] != 0) expected.push_back(sample.item_ids[item]);
    }
    if (expected.empty()) return {};
    ++compared_lists_;
    TORII_TRY(const Json answer, ask("/v1/recommend", list_request(user.id, expected.size())));
    TORII_TRY_VOID(check_version(answer));
    TORII_TRY(const auto entries, list_of(answer));
    if (entries != expected) differs("user", user.id, list_difference(entries, expected));
    return {};
  }

  Result<Json> ask(const char* path, const Json& body) {
    const std::string url = url_ + path;
    TORII_TRY(const net::Response response, client_.post(url, headers_, body.dump(), kBodyMax));
    if (response.status != 200) {
      return make_error(response.status == 404 ? ErrorCode::kNotFound : ErrorCode::kIo,
                        "{}: status {}: {}{}", net::shown(url), response.status,
                        visible(std::string_view(response.body).substr(0, 300)),
                        response.status == 401 || response.status == 403
                            ? "; give a key by --key-file or TORII_API_KEY"
                            : "");
    }
    auto parsed = Json::parse(response.body, net::shown(url));
    if (!parsed.ok()) return make_error(ErrorCode::kCorrupt, "{}", parsed.error().message);
    return parsed;
  }

  Result<void> check_version(const Json& answer) const {
    const auto version = answer.int_at("model_version");
    if (version && static_cast<std::uint64_t>(*version) == version_) return {};
    return make_error(ErrorCode::kCheckFailed,
                      "{}: answers from version {}, the store's current one is {}", check_.url,
                      version.value_or(0), version_);
  }

  void differs(const char* what, const std::string& id, const std::string& how) {
    ++differences_;
    if (examples_.size() == kExamples) return;
    examples_.push_back(fmt::format("{} '{}': {}", what, visible(id), how));
    session_.print(fmt::format("{}\n", examples_.back()));
  }

  Session& session_;
  const SkewCheck& check_;
  std::string url_ = check_.url;
  net::HttpClient client_;
  net::Headers headers_;
  std::uint64_t version_ = 0;
  std::uint64_t compared_users_ = 0, compared_lists_ = 0, compared_items_ = 0;
  std::uint64_t differences_ = 0;
  std::vector<std::string> examples_;
};

Result<Sample> take_sample(store::Store& store, const store::Publication& publication,
                           const SkewCheck& check, const Changed& changed) {
  Sample sample;
  const auto item_places = spread(publication.items, check.items);
  std::size_t place = 0;
  const auto take_item = [&](store::PublishedItem item) -> Result<void> {
    const auto attributes = Json::parse(item.attributes, "attributes");
    sample.item_ids.push_back(item.id);
    sample.is_offered.push_back(!attributes.ok() || is_offered(*attributes, publication.roles));
    const bool wanted = item_places.contains(place++);
    if (wanted && !changed.items.contains(item.id)) sample.items.push_back(std::move(item));
    return {};
  };
  TORII_TRY_VOID(store.read_items(check.tenant, publication.version, take_item));
  const auto user_places = spread(publication.users, check.users);
  place = 0;
  const auto take_user = [&](store::PublishedUser user) -> Result<void> {
    const bool wanted = user_places.contains(place++);
    // A list with a changed item may have changed, too.
    const bool is_clean = std::ranges::none_of(user.items, [&](std::uint32_t item) {
      return changed.items.contains(sample.item_ids[item]);
    });
    if (wanted && is_clean && !changed.users.contains(user.id)) {
      sample.users.push_back(std::move(user));
    }
    return {};
  };
  TORII_TRY_VOID(store.read_users(check.tenant, publication.version, take_user));
  return sample;
}

// Columns of users that the published model reads.
Result<std::set<std::string>> shop_columns(const Session& session,
                                           const store::Publication& publication) {
  std::error_code ignored;
  std::filesystem::path cache = session.cache_folder();
  if (cache.empty()) cache = std::filesystem::temp_directory_path(ignored);
  std::filesystem::create_directories(cache, ignored);
  TORII_TRY(const auto folder, publish::fetch_bundle(publication.bundle_uri, publication.bundle_id,
                                                     cache, session.environment()));
  TORII_TRY(const model::Bundle bundle, model::open_bundle(folder));
  std::set<std::string> columns;
  for (const auto& column : bundle.spec.user.numeric) columns.insert(column.column);
  for (const auto& column : bundle.spec.user.categorical) columns.insert(column.column);
  for (const auto& column : bundle.spec.user.text) columns.insert(column.column);
  return columns;
}

}  // namespace

Result<Json> check_skew(Session& session, store::Store& store, const SkewCheck& check) {
  TORII_TRY(const std::uint64_t version, store.current_version(check.tenant));
  TORII_TRY(const auto publications, store.publications(check.tenant));
  const auto current = std::ranges::find(publications, version, &store::Publication::version);
  if (version == 0 || current == publications.end()) {
    return make_error(ErrorCode::kNotFound, "{}: nothing is published for '{}'", store.shown(),
                      check.tenant);
  }
  TORII_TRY(const Changed changed, changed_since(store, check.tenant, current->records_seq));
  TORII_TRY(Sample sample, take_sample(store, *current, check, changed));
  TORII_TRY(sample.columns, shop_columns(session, *current));
  ServedComparison comparison(session, check);
  comparison.expect_version(version);
  Reporter& reporter = session.reporter();
  const std::uint64_t total = sample.items.size() + sample.users.size();
  reporter.begin("compare", total, "rows");
  const auto blocks = [&](const auto& rows, const auto& compare) -> Result<void> {
    for (std::size_t at = 0; at < rows.size(); at += kBatch) {
      TORII_TRY_VOID(compare(std::span(rows).subspan(at, std::min(kBatch, rows.size() - at))));
      reporter.progress(at, "");
    }
    return {};
  };
  TORII_TRY_VOID(blocks(sample.items, [&](auto rows) { return comparison.items(rows); }));
  TORII_TRY_VOID(blocks(sample.users, [&](auto rows) { return comparison.users(rows, sample); }));
  reporter.end("");
  return comparison.document(version);
}

}  // namespace torii::cli
