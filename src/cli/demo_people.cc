#include "cli/demo_people.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/layout.h"
#include "cli/profile.h"
#include "report/people.h"

namespace torii::cli {
namespace {

constexpr std::size_t kLiked = 6;
constexpr std::size_t kOffered = 6;
constexpr std::size_t kTitleColumns = 40;

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
                        const evaluate::Task& task, const evaluate::Report& report) {
  std::string out;
  for (const report::Person& person : report::choose_people(report.subject, task)) {
    out += fmt::format("\n  {}  {}\n",
                       session.strong(fmt::format("{}: person {}", person.role,
                                                  visible(dataset.users[person.user]))),
                       visible(describe_user(dataset, person.user)));
    std::vector<std::uint32_t> liked = report::history_of(dataset, task, person.user);
    liked.resize(std::min(liked.size(), kLiked));
    const auto offered = report.subject.lists.of(person.row);
    out += person_text(session, dataset, liked, offered.first(std::min(offered.size(), kOffered)),
                       task.relevant.items.of(person.row));
  }
  return out + fmt::format("\n  {}\n", session.faint("✓ held out: the model never saw that this "
                                                     "person rated it"));
}

}  // namespace torii::cli
