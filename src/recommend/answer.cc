#include "recommend/answer.h"

#include <algorithm>

namespace torii::recommend {
namespace {

constexpr std::size_t kAnswerItemsMax = 10000;

// The items that a user has, ascending.
std::vector<std::uint32_t> seen_by(const data::Interactions& interactions, std::uint32_t user) {
  std::vector<std::uint32_t> seen;
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (interactions.user[row] == user) seen.push_back(interactions.item[row]);
  }
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  return seen;
}

std::string reason_of(const Answer& answer, std::size_t seen) {
  if (!answer.user) return "this id is not in the data: the most popular items";
  const char* why = "known to the model";
  if (answer.source == Source::kCold) why = "not in the training: judged by features alone";
  if (answer.source == Source::kFallback) {
    why = "neither in the training nor described by features: the most popular items";
  }
  if (seen == 0) return fmt::format("{}; nothing seen yet", why);
  return fmt::format("{}; {} {} seen before", why, seen, seen == 1 ? "item" : "items");
}

}  // namespace

Result<Answer> answer_user(const model::Bundle& bundle, const data::Dataset& dataset,
                           std::string_view user, std::size_t k, text::TextVectors* texts,
                           ThreadPool& pool, Reporter& reporter) {
  if (k < 1 || k > kAnswerItemsMax)
    return invalid("--k: expected 1 to {}, found {}", kAnswerItemsMax, k);
  TORII_TRY(const auto items, embed_items(bundle, dataset, texts, pool, reporter));
  Answer answer;
  answer.user = dataset.users.find(user);
  EmbeddedUsers asked{
      .embeddings = Matrix(1, items.embeddings.cols()), .known = {0}, .described = {0}};
  std::vector<std::uint32_t> seen;
  if (answer.user) {
    TORII_TRY(asked,
              embed_users(bundle, dataset, std::span(&*answer.user, 1), texts, pool, reporter));
    seen = seen_by(dataset.interactions, *answer.user);
  }
  const retrieval::ExactIndex index(items.embeddings.view(), bundle.model.metric);
  const auto popularity = popularity_of(dataset);
  const auto popular = by_popularity(popularity);
  const std::uint64_t offsets[2] = {0, seen.size()};
  const auto rankings = rank({.index = &index, .popularity = popularity, .popular = popular},
                             {.embeddings = asked.embeddings.view(),
                              .known = asked.known,
                              .described = asked.described,
                              .seen = {.offsets = offsets, .items = seen},
                              .k = k},
                             pool);
  const auto list = rankings.lists.of(0);
  answer.items.assign(list.begin(), list.end());
  answer.source = rankings.sources[0];
  answer.reason = reason_of(answer, seen.size());
  return answer;
}

}  // namespace torii::recommend
