#include "cli/demo_people.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cli/layout.h"
#include "cli/profile.h"
#include "retrieval/exact_index.h"

namespace torii::cli {
namespace {

constexpr std::size_t kLiked = 6;
constexpr std::size_t kOffered = 6;
constexpr std::size_t kTitleColumns = 40;
// People with short, different histories, so that the films tell something about them.
constexpr const char* kPeople[] = {"74", "206", "440"};

// The films a person rated best in the training rows, best first, later ones before earlier.
std::vector<std::uint32_t> liked_by(const data::Dataset& dataset, const data::Split& split,
                                    std::uint32_t user) {
  const data::Interactions& rows = dataset.interactions;
  std::vector<std::size_t> mine;
  for (std::size_t i = rows.size(); i > 0; --i) {
    const std::size_t row = i - 1;
    if (rows.user[row] == user && split.part[row] == data::Part::kTrain &&
        !std::isnan(rows.rating[row])) {
      mine.push_back(row);
    }
  }
  std::stable_sort(mine.begin(), mine.end(),
                   [&](std::size_t a, std::size_t b) { return rows.rating[a] > rows.rating[b]; });
  mine.resize(std::min(mine.size(), kLiked));
  std::vector<std::uint32_t> items;
  for (const std::size_t row : mine) items.push_back(rows.item[row]);
  return items;
}

// "Comedy Drama".
std::string genres_of(const data::Dataset& dataset, std::uint32_t item) {
  const data::Column* column = dataset.item_table.find("genres");
  if (column == nullptr || column->type != data::ColumnType::kStringList) return "";
  const data::StringLists& lists = column->string_lists();
  std::string text;
  for (std::uint64_t i = lists.offsets[item]; i < lists.offsets[item + 1]; ++i) {
    text += text.empty() ? "" : " ";
    text += lists.values[i];
  }
  return text;
}

std::string title_and_genre(const Session& session, const data::Dataset& dataset,
                            std::uint32_t item, std::size_t columns) {
  const std::string title = cut(visible(title_of(dataset, item)), columns);
  const std::size_t used = columns_of(title);
  const std::string genre = visible(genres_of(dataset, item));
  if (genre.empty() || used + 8 > columns) return title + std::string(columns - used, ' ');
  const std::string rest = cut(genre, columns - used - 3);
  return title + session.faint(" · " + rest) +
         std::string(columns - used - 3 - columns_of(rest), ' ');
}

// Two columns: liked to the left, offered to the right.
std::string person_text(const Session& session, const data::Dataset& dataset,
                        const std::vector<std::uint32_t>& liked,
                        std::span<const retrieval::Scored> offered,
                        std::span<const std::uint32_t> held_out) {
  std::string out = fmt::format("  {:<46}  {}\n", session.faint("liked"), session.faint("gets"));
  for (std::size_t i = 0; i < std::max(liked.size(), offered.size()); ++i) {
    out += "  " + (i < liked.size() ? title_and_genre(session, dataset, liked[i], kTitleColumns + 4)
                                    : std::string(kTitleColumns + 4, ' '));
    if (i < offered.size()) {
      const bool watched = std::binary_search(held_out.begin(), held_out.end(), offered[i].item);
      out += fmt::format("  {} {}", watched ? session.strong("✓") : " ",
                         title_and_genre(session, dataset, offered[i].item, kTitleColumns + 4));
    }
    while (out.ends_with(' ')) out.pop_back();
    out += "\n";
  }
  return out;
}

}  // namespace

std::string people_text(const Session& session, const data::Dataset& dataset,
                        const data::Split& split, const evaluate::Task& task,
                        const Embedded& embedded, Metric metric, ThreadPool& pool) {
  const retrieval::ExactIndex index(embedded.items.embeddings.view(), metric);
  std::string out;
  for (const char* id : kPeople) {
    const auto user = dataset.users.find(id);
    if (!user) continue;
    const auto seen = task.seen.of(*user);
    const std::uint64_t offsets[2] = {0, seen.size()};
    const retrieval::TopLists lists =
        index.search(embedded.users.embeddings.view().middle_rows(*user, 1), kOffered,
                     {.offsets = offsets, .items = seen}, pool);
    const auto place =
        std::lower_bound(task.relevant.users.begin(), task.relevant.users.end(), *user);
    std::span<const std::uint32_t> held_out;
    if (place != task.relevant.users.end() && *place == *user) {
      held_out =
          task.relevant.items.of(static_cast<std::uint32_t>(place - task.relevant.users.begin()));
    }
    out += fmt::format("\n  {}  {}\n", session.strong(fmt::format("person {}", id)),
                       visible(describe_user(dataset, *user)));
    out += person_text(session, dataset, liked_by(dataset, split, *user), lists.of(0), held_out);
  }
  return out + fmt::format("\n  {}\n", session.faint("✓ held out: the model never saw that this "
                                                     "person rated it"));
}

}  // namespace torii::cli
