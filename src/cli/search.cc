#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/layout.h"
#include "cli/lineage.h"
#include "cli/loading.h"
#include "cli/serving.h"
#include "cli/verbs.h"
#include "publish/bundle_place.h"
#include "recommend/filter.h"
#include "recommend/online.h"
#include "store/store.h"

// `torii search`: what the service answers to a text, from the store alone.
namespace torii::cli {
namespace {

constexpr std::size_t kRecords = 10'000;  // read at once

struct SearchFlags {
  std::string text;
  std::string store;
  std::string tenant = std::string(store::kDefaultTenant);
  std::string filter;
  std::int64_t k = 10;
};

Result<store::Publication> current_publication(store::Store& store, const std::string& tenant) {
  TORII_TRY(const std::uint64_t version, store.current_version(tenant));
  TORII_TRY(auto publications, store.publications(tenant));
  for (store::Publication& publication : publications) {
    if (version != 0 && publication.version == version) return std::move(publication);
  }
  return make_error(ErrorCode::kNotFound, "{}: nothing is published for the tenant '{}' yet",
                    store.shown(), tenant);
}

// The shop as a server that starts now would have it.
Result<void> fill_shop(Session& session, store::Store& store, const SearchFlags& flags,
                       const recommend::ShopOptions& options, recommend::Shop& shop) {
  TORII_TRY(const store::Publication info, current_publication(store, flags.tenant));
  TORII_TRY(const std::filesystem::path bundle,
            publish::fetch_bundle(info.bundle_uri, info.bundle_id, bundle_cache(session),
                                  session.environment()));
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(auto publication, recommend::load_publication(store, flags.tenant, info, bundle,
                                                          options, *pool, session.reporter()));
  TORII_TRY_VOID(shop.adopt(std::move(publication)));
  for (std::uint64_t after = 0;;) {
    TORII_TRY(const auto records, store.read_records(flags.tenant, after, kRecords));
    if (records.empty()) return {};
    shop.apply(records);
    after = records.back().seq;
  }
}

std::string title_at(const recommend::ItemsEdition& edition, std::uint32_t item,
                     const std::string& key) {
  if (key.empty()) return {};
  const auto attributes = Json::parse(edition.attributes_json(item), "attributes");
  return attributes.ok() ? attributes->string_at(key).value_or("") : std::string();
}

Result<void> run(Session& session, const SearchFlags& flags) {
  if (flags.store.empty()) return invalid("search: --store=URI is missing, such as sqlite:shop.db");
  if (flags.text.empty()) return invalid("search: what is searched for is missing");
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  TORII_TRY(const std::size_t k, check_k(flags.k));
  recommend::Filter filter;
  if (!flags.filter.empty()) {
    TORII_TRY(const Json json, Json::parse(flags.filter, "--filter"));
    TORII_TRY(filter, recommend::parse_filter(json));
  }
  Stopwatch watch;
  TORII_TRY(auto config, load_config(session, {.needs_data = false}));
  TORII_TRY(const auto store, store::open(flags.store, session.environment()));
  std::shared_ptr<text::TextVectors> texts;
  recommend::Shop shop(shop_options(*config),
                       {.now_ms = now_ms, .open_texts = [&](const model::Bundle& bundle) {
                          auto opened = texts_of_bundle(session, bundle);
                          if (opened.ok()) return std::move(opened).value();
                          session.reporter().warn(fmt::format("search goes by words alone: {}",
                                                              opened.error().message));
                          return std::shared_ptr<text::TextVectors>();
                        }});
  TORII_TRY_VOID(fill_shop(session, *store, flags, shop_options(*config), shop));
  const auto workspace = shop.make_workspace();
  TORII_TRY(const recommend::ShopAnswer answer,
            shop.search(flags.text, {.k = k, .filter = flags.filter.empty() ? nullptr : &filter},
                        *workspace));

  const Json roles = shop.publication().roles;
  const std::string key = roles.string_at("title").value_or("");
  TextTable table({"", "item", "title", "score"});
  table.set_left_columns(3);
  Json items = Json::array();
  int rank = 0;
  for (const retrieval::Scored& entry : answer.items) {
    const std::string id(answer.edition->id(entry.item));
    const std::string title = title_at(*answer.edition, entry.item, key);
    table.add({fmt::format("{}", ++rank), visible(id), cut(visible(title), 60),
               fmt::format("{:.4f}", entry.score)});
    items.push(Json::object()
                   .set("rank", rank)
                   .set("item_id", id)
                   .set("title", title.empty() ? Json() : Json(title))
                   .set("score", static_cast<double>(entry.score)));
  }
  session.print(answer.items.empty() ? "nothing is found\n" : table.text());
  session.answer(Json::object()
                     .set("text", flags.text)
                     .set("store", store->shown())
                     .set("version", answer.model_version)
                     .set("items", std::move(items))
                     .set("seconds", Json::object().set("total", watch.total())));
  return {};
}

}  // namespace

void add_search(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("search", "Finds items by words and by what they mean, as the API does.");
  auto flags = std::make_shared<SearchFlags>();
  verb.usage("torii search --store=URI TEXT [flags]");
  verb.positional("TEXT", &flags->text, "What is searched for; several words in quotes.");
  verb.text("--store", "URI", &flags->store,
            "Where `torii publish` put the model: sqlite:FILE, postgres://... or redis://...");
  verb.text("--filter", "JSON", &flags->filter,
            "Conditions on attributes, as in the API: '{\"must\": [{\"key\": \"brand\", \"match\": "
            "\"A\"}]}'.");
  verb.integer("--k", "N", &flags->k, "Number of items; 10 unless told.");
  verb.text("--tenant", "NAME", &flags->tenant, "Whose shop it is; 'default' unless told.");
  declare_common(verb, common);
  verb.example("torii search --store=sqlite:shop.db \"star wars\"");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli
