#include "torii/recommender.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include "api/feature_table.h"
#include "base/reporter.h"
#include "base/thread_pool.h"
#include "features/encoder.h"
#include "features/text_source.h"
#include "model/bundle.h"
#include "recommend/rank.h"

namespace torii {
namespace {

constexpr std::size_t kItemsMax = 100'000;
constexpr int kThreadsMax = 1024;

Result<void> check_k(std::size_t k) {
  if (k >= 1 && k <= kItemsMax) return {};
  return invalid("k: expected 1 to {}, found {}", kItemsMax, k);
}

}  // namespace

struct Recommender::State {
  State(model::Bundle opened, int threads)
      : bundle(std::move(opened)),
        index(bundle.item_embeddings.view(), bundle.model.metric),
        popular(recommend::by_popularity(bundle.popularity)),
        pool(threads) {}

  Result<Matrix> embed(std::string_view user_id, const std::vector<Feature>& features) {
    TORII_TRY(const data::Table row, api::feature_table(bundle.spec.user, features));
    TORII_TRY(
        const features::EncodedTable encoded,
        features::encode(row, bundle.spec.user, bundle.spec.text_identity, texts.get(), reporter));
    const auto place = model::find_trained_user(bundle, user_id);
    const std::int32_t id = place.has_value() ? static_cast<std::int32_t>(*place) : -1;
    Matrix embedding =
        model::embed(bundle.model.user, encoded, std::span<const std::int32_t>(&id, 1), pool);
    // Weights are finite and bounded, but a request may hold any number.
    double squares = 0.0;
    for (const float value : embedding.flat()) {
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    if (std::isfinite(squares) && squares <= model::kSquaredLengthMax) return embedding;
    return invalid(
        "the features of user '{}' lead to an embedding that is not finite; a number "
        "among them is too large",
        user_id);
  }

  [[nodiscard]] Recommendation answer(const retrieval::Scored& scored) const {
    return {.item_id = std::string(bundle.item_ids[scored.item]), .score = scored.score};
  }

  [[nodiscard]] Result<std::uint32_t> item(std::string_view item_id) const {
    const auto place = bundle.item_ids.find(item_id);
    if (place.has_value()) return *place;
    return make_error(ErrorCode::kNotFound, "item '{}': the bundle has no such item among its {}",
                      item_id, bundle.item_ids.size());
  }

  model::Bundle bundle;
  retrieval::ExactIndex index;
  std::vector<std::uint32_t> popular;
  std::unique_ptr<text::TextVectors> texts;            ///< guarded by turn
  Reporter reporter;                                   ///< silent; guarded by turn
  ThreadPool pool;                                     ///< guarded by turn
  std::optional<retrieval::ExactIndex> similar_index;  ///< made when first asked for; likewise
  std::mutex turn;
};

Recommender::Recommender(std::unique_ptr<State> state) : state_(std::move(state)) {}
Recommender::Recommender(Recommender&&) noexcept = default;
Recommender& Recommender::operator=(Recommender&&) noexcept = default;
Recommender::~Recommender() = default;

Result<Recommender> Recommender::open(const std::string& bundle,
                                      const RecommenderOptions& options) {
  if (options.threads < 1 || options.threads > kThreadsMax) {
    return invalid("threads: expected 1 to {}, found {}", kThreadsMax, options.threads);
  }
  TORII_TRY(auto opened, model::open_bundle(bundle));
  TORII_TRY(auto texts, features::open_text_source(opened.spec, {.model = options.text_model,
                                                                 .cache = options.cache_folder,
                                                                 .threads = options.threads}));
  auto state = std::make_unique<State>(std::move(opened), options.threads);
  state->texts = std::move(texts);
  return Recommender(std::move(state));
}

Result<Recommendations> Recommender::recommend(const RecommendRequest& request) const {
  TORII_TRY_VOID(check_k(request.k));
  const std::lock_guard lock(state_->turn);
  TORII_TRY(const Matrix embedding, state_->embed(request.user_id, request.features));
  std::vector<std::uint32_t> excluded;
  for (const std::string& item_id : request.exclude) {
    if (const auto place = state_->bundle.item_ids.find(item_id)) excluded.push_back(*place);
  }
  std::ranges::sort(excluded);
  excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
  const std::uint64_t offsets[] = {0, excluded.size()};
  const std::uint8_t known =
      model::find_trained_user(state_->bundle, request.user_id).has_value() ? 1 : 0;
  const std::uint8_t described = request.features.empty() ? 0 : 1;
  const recommend::Rankings rankings =
      recommend::rank({.index = &state_->index,
                       .popularity = state_->bundle.popularity,
                       .popular = state_->popular},
                      {.embeddings = embedding.view(),
                       .known = std::span(&known, 1),
                       .described = std::span(&described, 1),
                       .seen = {.offsets = offsets, .items = excluded},
                       .k = request.k},
                      state_->pool);
  Recommendations result;
  result.source = recommend::source_name(rankings.sources[0]);
  for (const auto& scored : rankings.lists.of(0)) result.items.push_back(state_->answer(scored));
  return result;
}

Result<std::vector<Recommendation>> Recommender::similar(std::string_view item_id,
                                                         std::size_t k) const {
  TORII_TRY_VOID(check_k(k));
  TORII_TRY(const std::uint32_t item, state_->item(item_id));
  const std::lock_guard lock(state_->turn);
  const retrieval::ExactIndex* index = &state_->index;
  if (state_->bundle.model.metric == Metric::kDot) {
    if (!state_->similar_index.has_value()) {
      state_->similar_index.emplace(state_->bundle.item_embeddings.view(), Metric::kCosine);
    }
    index = &*state_->similar_index;
  }
  const std::uint64_t offsets[] = {0, 1};
  const auto lists =
      index->search(state_->bundle.item_embeddings.view().middle_rows(item, 1), k,
                    {.offsets = offsets, .items = std::span(&item, 1)}, state_->pool);
  std::vector<Recommendation> result;
  for (const auto& scored : lists.of(0)) result.push_back(state_->answer(scored));
  return result;
}

Result<std::vector<float>> Recommender::embed_user(std::string_view user_id,
                                                   const std::vector<Feature>& features) const {
  const std::lock_guard lock(state_->turn);
  TORII_TRY(const Matrix embedding, state_->embed(user_id, features));
  return std::vector<float>(embedding.flat().begin(), embedding.flat().end());
}

Result<std::vector<float>> Recommender::embed_item(std::string_view item_id) const {
  TORII_TRY(const std::uint32_t item, state_->item(item_id));
  const auto row = state_->bundle.item_embeddings.row(item);
  return std::vector<float>(row.begin(), row.end());
}

RecommenderInfo Recommender::info() const {
  return {.bundle_id = state_->bundle.id,
          .metric = metric_name(state_->bundle.model.metric),
          .item_count = state_->bundle.item_ids.size(),
          .user_count = state_->bundle.user_ids.size(),
          .width = state_->bundle.model.user.shape().width};
}

}  // namespace torii
