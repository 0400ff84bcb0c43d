#include <algorithm>
#include <map>

#include "base/printable.h"
#include "features/values.h"
#include "report/sections.h"

namespace torii::report {
namespace {

constexpr std::size_t kHistoryShown = 10;
constexpr std::size_t kMissedShown = 8;
constexpr std::size_t kTitleColumns = 58;
constexpr std::size_t kValueColumns = 30;
// A value that fewer people share may tell who somebody is.
constexpr std::size_t kSharedMin = 10;

// "age 24, gender M": short values of the columns that describe the person.
std::string description(const Input& input, std::uint32_t user) {
  std::string about;
  for (const data::Column& column : input.dataset->user_table.columns()) {
    if (column.is_null(user) || !features::value_type(column).has_value()) continue;
    const std::string value = column.text_at(user);
    if (value.empty() || columns_of(value) > kValueColumns) continue;
    if (!input.user_ids) {
      std::size_t sharing = 0;
      for (std::size_t row = 0; row < column.size() && sharing < kSharedMin; ++row) {
        sharing += !column.is_null(row) && column.text_at(row) == value ? 1U : 0U;
      }
      if (sharing < kSharedMin) continue;
    }
    about += fmt::format("{}{} {}", about.empty() ? "" : ", ", column.name, value);
  }
  return about;
}

Html item_entry(const Input& input, std::uint32_t item) {
  return data_text(item_label(input, item), kTitleColumns);
}

Html history_column(const Input& input, const std::vector<std::uint32_t>& history) {
  Html out = html("<div><h4>Had before <span>{}</span></h4>", grouped(history.size()));
  if (history.empty()) {
    out += {"<p class=\"note\">Nothing: a newcomer.</p></div>"};
    return out;
  }
  out += {"<ol class=\"items plain\">"};
  for (std::size_t i = 0; i < std::min(history.size(), kHistoryShown); ++i) {
    out += html("<li>{}</li>\n", item_entry(input, history[i]));
  }
  out += {"</ol>"};
  if (history.size() > kHistoryShown) {
    out += html("<p class=\"note\">and {} more</p>", grouped(history.size() - kHistoryShown));
  }
  out += {"</div>"};
  return out;
}

Html offers_column(const Measured& measured, const Person& person) {
  const Input& input = *measured.input;
  const auto relevant = input.task->relevant.items.of(person.row);
  const auto list = input.report->subject.lists.of(person.row);
  std::vector<std::uint32_t> missed(relevant.begin(), relevant.end());
  Html entries;
  std::size_t hits = 0;
  const std::size_t shown = std::min(measured.main.k, list.size());
  for (const auto& entry : list.first(shown)) {
    const bool hit = std::ranges::binary_search(relevant, entry.item);
    hits += hit ? 1U : 0U;
    std::erase(missed, entry.item);
    entries +=
        html("<li{}>{}{}<span class=\"score\">{}</span></li>\n", Html{hit ? " class=\"hit\"" : ""},
             hit ? Html{"<b class=\"tick\"><span aria-hidden=\"true\">✓</span><span "
                        "class=\"sr\">hit: </span></b>"}
                 : Html{},
             item_entry(input, entry.item), metric_text(entry.score));
  }
  Html out = html("<div><h4>Gets <span>{} of {} held-out {}</span></h4><ol class=\"items\">{}</ol>",
                  hits, relevant.size(), relevant.size() == 1 ? "item" : "items", entries);
  if (!missed.empty()) {
    out += html("<p class=\"note\">Chose, but not in the first {}: ", shown);
    for (std::size_t i = 0; i < std::min(missed.size(), kMissedShown); ++i) {
      out += html("{}{}", i == 0 ? "" : " · ", item_entry(input, missed[i]));
    }
    out += html("{}</p>", missed.size() > kMissedShown
                              ? fmt::format(" · and {} more", missed.size() - kMissedShown)
                              : std::string());
  }
  out += {"</div>"};
  return out;
}

}  // namespace

Html people_section(const Measured& measured) {
  const Input& input = *measured.input;
  const std::vector<Person> people = choose_people(input.report->subject, *input.task);
  const bool rated = std::ranges::any_of(input.dataset->interactions.rating,
                                         [](float rating) { return rating == rating; });
  Html out = html(
      "<p>Chosen by a rule, not by hand. ✓ marks an item that the person really chose and that the "
      "model never saw them choose; what they had before is listed {}. The number is the score "
      "that "
      "the list is ordered by.</p>\n",
      rated ? "best rated first" : "latest first");
  std::size_t number = 0;
  for (const Person& person : people) {
    ++number;
    const std::string name = input.user_ids
                                 ? fmt::format("Person {}", input.dataset->users[person.user])
                                 : fmt::format("Person {}", number);
    const std::string about = description(input, person.user);
    out += html(
        "<article class=\"person\"><h3><span class=\"role\">{}</span> {}</h3><p "
        "class=\"who\">{}{}{} "
        "{} · {}.</p><div class=\"pair\">",
        person.role, data_text(name, 60), data_text(about, 120), about.empty() ? "" : " · ",
        measured.main.name, metric_text(person.value), person.rule);
    out += history_column(input, history_of(*input.dataset, *input.task, person.user));
    out += offers_column(measured, person);
    out += {"</div></article>\n"};
  }
  out += html(
      "<p class=\"note\">{} A history can tell who somebody is to those who know them: pass this "
      "page "
      "on with care.</p>\n",
      input.user_ids
          ? "User ids are shown because they were asked for."
          : "People are numbered; their ids are not in this page, nor any value that fewer than "
            "10 people share.");
  return out;
}

}  // namespace torii::report
