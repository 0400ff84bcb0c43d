#include "store/feast_store.h"

#include <set>
#include <utility>

#include "store/feast_draft.h"
#include "store/feast_unsupported.h"
#include "store/feast_writer.h"

namespace torii::store {
namespace {

constexpr std::string_view kFeastScheme = "feast:";

class FeastRepository final : public FeastUnsupported {
 public:
  FeastRepository(std::unique_ptr<feast::Repo> repo, std::vector<FeastTarget> targets,
                  std::unique_ptr<FeastWriter> writer, OpenOptions options)
      : repo_(std::move(repo)),
        targets_(std::move(targets)),
        options_(std::move(options)),
        writer_(std::move(writer)) {}

  [[nodiscard]] std::string shown() const override {
    return fmt::format("feast:{} ({})", repo_->config.project, writer_->shown());
  }
  [[nodiscard]] const FeastOutcome& outcome() const override { return outcome_; }

  [[nodiscard]] Result<std::unique_ptr<Draft>> begin_publication(std::string_view tenant) override {
    TORII_TRY_VOID(check_only_tenant(tenant));
    return make_feast_draft(*writer_, targets_, options_, outcome_);
  }
  [[nodiscard]] Result<std::vector<Publication>> publications(std::string_view tenant) override {
    TORII_TRY_VOID(check_only_tenant(tenant));
    return writer_->publications();
  }
  [[nodiscard]] Result<std::uint64_t> current_version(std::string_view tenant) override {
    TORII_TRY(const auto all, publications(tenant));
    return all.empty() ? 0 : all.front().version;
  }

 private:
  [[nodiscard]] Result<void> check_only_tenant(std::string_view tenant) const {
    TORII_TRY_VOID(check_tenant(tenant));
    if (tenant == kDefaultTenant) return {};
    return make_error(ErrorCode::kUnsupported,
                      "{}: tenant '{}': a Feast project is one shop; name another repository for "
                      "another one, and leave --tenant out",
                      shown(), tenant);
  }

  std::unique_ptr<feast::Repo> repo_;
  std::vector<FeastTarget> targets_;
  OpenOptions options_;
  std::unique_ptr<FeastWriter> writer_;
  FeastOutcome outcome_;
};

Result<std::vector<FeastTarget>> targets_of(const feast::Repo& repo, const FeastViews& views) {
  struct Wanted {
    FeastContent content;
    const std::string* name;
    const char* entity;
    const char* feature;
  };
  const Wanted all[] = {
      {FeastContent::kItemEmbedding, &views.item_embedding, "item", "embedding"},
      {FeastContent::kUserEmbedding, &views.user_embedding, "user", "embedding"},
      {FeastContent::kItemText, &views.item_text, "item", "about_product_embedding"},
      {FeastContent::kUserItems, &views.user_items, "user", "top_k_item_ids"}};
  std::vector<FeastTarget> targets;
  std::set<std::string> names;
  for (const Wanted& wanted : all) {
    if (wanted.name->empty()) continue;
    const auto type = wanted.content == FeastContent::kUserItems ? feast::WrittenType::kTexts
                                                                 : feast::WrittenType::kVector;
    TORII_TRY(auto found,
              feast::find_written_view(repo, *wanted.name, type, wanted.entity, wanted.feature));
    if (!names.insert(found.view).second) {
      return invalid("publish.feast: '{}' is named for two things", found.view);
    }
    targets.push_back({wanted.content, std::move(found), repo.registry.view(*wanted.name)});
  }
  if (targets.empty()) return invalid("publish.feast: no feature view is named: nothing to write");
  return targets;
}

Result<std::unique_ptr<FeastWriter>> writer_of(FeastWriterInput input) {
  const std::string type = input.repo->config.online_type();
  if (!input.push.empty() || type == "remote") return make_feast_push_writer(std::move(input));
  if (type == "sqlite") return make_feast_sqlite_writer(std::move(input));
  if (type == "postgres") return make_feast_postgres_writer(std::move(input));
  if (type == "redis") return make_feast_redis_writer(std::move(input));
  return make_error(ErrorCode::kUnsupported,
                    "{}: online_store: torii writes sqlite, postgres and redis, not '{}'; set "
                    "publish.feast.push to the URL of a Feast feature server, which writes it",
                    input.repo->config.file, type);
}

}  // namespace

std::uint64_t FeastOutcome::kept() const {
  std::uint64_t sum = 0;
  for (const View& view : views) sum += view.kept;
  return sum;
}

Result<std::unique_ptr<FeastStore>> open_feast(feast::Repo given, const FeastViews& views,
                                               const Environment& environment,
                                               const OpenOptions& options) {
  auto repo = std::make_unique<feast::Repo>(std::move(given));
  TORII_TRY(auto targets, targets_of(*repo, views));
  TORII_TRY(auto writer, writer_of({.repo = repo.get(),
                                    .targets = targets,
                                    .push = views.push,
                                    .environment = environment,
                                    .options = options}));
  TORII_TRY_VOID(writer->check());
  return std::unique_ptr<FeastStore>(std::make_unique<FeastRepository>(
      std::move(repo), std::move(targets), std::move(writer), options));
}

bool is_feast(std::string_view uri) {
  return uri.starts_with(kFeastScheme);
}
std::string feast_place(std::string_view uri) {
  return std::string(uri.substr(kFeastScheme.size()));
}

}  // namespace torii::store
