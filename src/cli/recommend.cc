#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/metric.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/profile.h"
#include "cli/scoring.h"
#include "cli/verbs.h"
#include "recommend/answer.h"

namespace torii::cli {
namespace {

struct RecommendFlags {
  std::string bundle;
  std::string data;
  std::string user;
  std::int64_t k = 10;
};

Json items_json(const data::Dataset& dataset, const recommend::Answer& answer) {
  Json items = Json::array();
  int rank = 0;
  for (const retrieval::Scored& entry : answer.items) {
    Json item = Json::object();
    const std::string title = title_of(dataset, entry.item);
    item.set("rank", ++rank)
        .set("item_id", dataset.items[entry.item])
        .set("title", title.empty() ? Json() : Json(title))
        .set("score", static_cast<double>(entry.score));
    items.push(std::move(item));
  }
  return items;
}

std::string answer_text(const Session& session, const data::Dataset& dataset,
                        const std::string& user, const recommend::Answer& answer) {
  std::string out = session.strong(fmt::format("user {}", visible(user)));
  out += fmt::format("  {}\n", session.faint(visible(answer.reason)));
  if (answer.user) {
    const std::string about = describe_user(dataset, *answer.user);
    if (!about.empty()) out += "  " + cut(visible(about), kTextColumns - 2) + "\n";
  }
  out += "\n";
  TextTable table({"", "item", "title", "score"});
  table.set_left_columns(3);
  int rank = 0;
  for (const retrieval::Scored& entry : answer.items) {
    table.add({fmt::format("{}", ++rank), visible(dataset.items[entry.item]),
               cut(visible(title_of(dataset, entry.item)), 60),
               fmt::format("{:.4f}", entry.score)});
  }
  return out +
         (answer.items.empty() ? "  nothing is left that the user has not seen\n" : table.text());
}

Result<void> run(Session& session, const RecommendFlags& flags) {
  if (flags.bundle.empty()) return invalid("recommend: --bundle=BUNDLE is missing");
  if (!session.given("--user")) return invalid("recommend: --user=ID is missing");
  TORII_TRY(const std::size_t k, check_k(flags.k));
  Stopwatch watch;
  TORII_TRY(const OpenBundle opened, open_for_data(session, flags.bundle, flags.data));
  TORII_TRY(const data::LoadedDataset loaded, load_for_bundle(session, opened));
  const data::Dataset& dataset = loaded.dataset;
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(const recommend::Answer answer,
            recommend::answer_user(opened.bundle, dataset, flags.user, k, opened.texts.get(), *pool,
                                   session.reporter()));
  session.print(answer_text(session, dataset, flags.user, answer));
  Json document = Json::object();
  document.set("user", flags.user)
      .set("known", answer.user.has_value())
      .set("source", recommend::source_name(answer.source))
      .set("reason", answer.reason)
      .set("bundle", opened.bundle.id)
      .set("metric", metric_name(opened.bundle.model.metric))
      .set("items", items_json(dataset, answer));
  set_findings(document, dataset);
  session.answer(document.set("seconds", Json::object().set("total", watch.total())));
  return {};
}

}  // namespace

void add_recommend(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("recommend", "Shows what one user should see, with titles and scores.");
  auto flags = std::make_shared<RecommendFlags>();
  verb.usage("torii recommend --bundle=BUNDLE --data=DIR | --config=FILE --user=ID [flags]");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The trained model.");
  verb.text("--data", "DIR", &flags->data, "Folder with the tables, as for `torii train`.");
  verb.text("--user", "ID", &flags->user,
            "The user; one that the data does not know gets what is popular, and the reason.");
  verb.integer("--k", "N", &flags->k, "Number of items; 10 unless told.");
  declare_common(verb, common);
  verb.example("torii recommend --bundle=shop.bundle --data=shop --user=42");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli
