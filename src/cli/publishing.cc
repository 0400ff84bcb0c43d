#include "cli/publishing.h"

#include <utility>

#include "base/printable.h"
#include "data/feast_repo.h"

namespace torii::cli {

Result<PublishedStore> open_published(Session& session, const std::string& uri,
                                      const publish::PublishOptions& options,
                                      const std::filesystem::path& scratch) {
  store::OpenOptions how;
  how.cancelled = [&session] { return session.reporter().cancelled(); };
  how.scratch = scratch.string();
  how.reporter = &session.reporter();
  PublishedStore opened;
  if (!store::is_feast(uri)) {
    TORII_TRY(opened.store, store::open(uri, session.environment(), how));
    return opened;
  }
  TORII_TRY(feast::Repo repo,
            data::read_feast_repo(store::feast_place(uri), session.environment()));
  TORII_TRY(auto feast,
            store::open_feast(std::move(repo), options.feast, session.environment(), how));
  opened.feast = feast.get();
  opened.store = std::move(feast);
  return opened;
}

std::string views_text(const PublishedStore& opened) {
  std::string text;
  if (opened.feast == nullptr) return text;
  for (const store::FeastOutcome::View& view : opened.feast->outcome().views) {
    text += fmt::format("  {}: {} rows", view.name, grouped(view.written));
    if (view.left_out != 0) text += fmt::format(", {} had none", grouped(view.left_out));
    if (view.future != 0) {
      text += fmt::format(", {} of a time to come replaced (such as '{}')", grouped(view.future),
                          view.future_example);
    }
    if (view.kept != 0) {
      text +=
          fmt::format(", {} newer ones kept (such as '{}')", grouped(view.kept), view.kept_example);
    }
    text += '\n';
  }
  return text;
}

void set_views(Json& document, const PublishedStore& opened) {
  if (opened.feast == nullptr) return;
  Json views = Json::object();
  for (const store::FeastOutcome::View& view : opened.feast->outcome().views) {
    Json one = Json::object();
    one.set("written", view.written)
        .set("left_out", view.left_out)
        .set("future_replaced", view.future)
        .set("newer_kept", view.kept);
    if (view.future != 0) one.set("future_example", view.future_example);
    if (view.kept != 0) one.set("newer_example", view.kept_example);
    views.set(view.name, std::move(one));
  }
  document.set("views", std::move(views));
}

std::optional<Error> find_kept(const PublishedStore& opened) {
  if (opened.feast == nullptr) return std::nullopt;
  std::string views;
  for (const store::FeastOutcome::View& view : opened.feast->outcome().views) {
    if (view.kept == 0) continue;
    views += fmt::format("{}{} of {} (such as '{}')", views.empty() ? "" : ", ", grouped(view.kept),
                         view.name, view.kept_example);
  }
  if (views.empty()) return std::nullopt;
  return make_error(ErrorCode::kCheckFailed,
                    "publish: rows that are newer than this publication were kept, all others were "
                    "written: {}; if another job writes these views, let only one do it, then "
                    "publish again",
                    views);
}

}  // namespace torii::cli
