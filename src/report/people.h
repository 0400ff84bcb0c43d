#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/interactions.h"
#include "evaluate/evaluate.h"
#include "evaluate/task.h"

// Sample people, chosen by a rule and not by hand, so that nobody picks the ones that look best.
namespace torii::report {

/// The metric that people are ordered by and verdicts are made of: ndcg@10 if 10 was judged, else
/// ndcg at the largest k. Its k is how many places of a list are shown.
struct MainMetric {
  std::string name;       ///< "ndcg@10"
  std::size_t place = 0;  ///< among PerUser.names
  std::size_t k = 10;
};
[[nodiscard]] MainMetric main_metric(const evaluate::PerUser& per_user);

struct Person {
  std::string role;        ///< "typical"
  std::string rule;        ///< "the middle of all 943 people by NDCG@10"
  std::uint32_t row = 0;   ///< among task.relevant.users
  std::uint32_t user = 0;  ///< dense
  double value = 0.0;      ///< of the main metric
};

/// People by the main metric of the subject, each once:
///   best             first by (value, held-out items, smaller user)
///   typical          the middle of that order
///   typical hit      the middle of those with a hit, if the typical person has none
///   worst            the lowest value, among equals the most held-out items, then the smaller user
///   new              the middle of those with nothing seen before, if there are any
/// In that order. At least one if anybody was judged.
[[nodiscard]] std::vector<Person> choose_people(const evaluate::Outcome& subject,
                                                const evaluate::Task& task);

/// Positive items that the user had before the judged part, each once: best rated first where there
/// are ratings, else (and among equal ones) the latest first.
[[nodiscard]] std::vector<std::uint32_t> history_of(const data::Dataset& dataset,
                                                    const evaluate::Task& task, std::uint32_t user);

}  // namespace torii::report
