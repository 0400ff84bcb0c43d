#include <algorithm>

#include "base/printable.h"
#include "report/sections.h"

namespace torii::report {
namespace {

Html fact(std::string_view name, const Html& value) {
  return html("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string date_of(std::int64_t ms) {
  data::Column column;
  column.type = data::ColumnType::kTimestamp;
  column.values = std::vector<std::int64_t>{ms};
  return column.text_at(0).substr(0, 10);
}

std::string time_span(const data::Interactions& rows) {
  std::int64_t first = INT64_MAX, last = INT64_MIN;
  for (const std::int64_t time : rows.time) {
    if (time == data::Interactions::kNoTime) continue;
    first = std::min(first, time);
    last = std::max(last, time);
  }
  return first > last ? "no times in the data" : date_of(first) + " to " + date_of(last);
}

std::uint64_t median_history(const evaluate::Task& task, std::size_t users) {
  std::vector<std::uint64_t> sizes;
  for (std::uint32_t user = 0; user < users; ++user) {
    if (const auto n = task.seen.of(user).size(); n > 0) sizes.push_back(n);
  }
  if (sizes.empty()) return 0;
  std::ranges::nth_element(sizes, sizes.begin() + static_cast<long>(sizes.size() / 2));
  return sizes[sizes.size() / 2];
}

Html column_table(const char* side, const features::EntitySpec& spec) {
  HtmlTable table(fmt::format("Columns of the {} that the model reads", side),
                  {"column", "read as", "what was learned"});
  table.set_text_columns(3);
  for (const auto& column : spec.numeric) {
    table.add({data_text(column.column, 40), html("number"),
               html("mean {:.4g}, deviation {:.4g}", column.mean, column.stddev)});
  }
  for (const auto& column : spec.categorical) {
    table.add({data_text(column.column, 40), html("category"),
               html("{}", count_text(column.vocabulary.size(), "value", "values"))});
  }
  for (const auto& column : spec.text) {
    table.add({data_text(column.column, 40), html("text"), html("sentence encoder")});
  }
  if (table.empty())
    return html("<p class=\"note\">The model reads no column of the {}.</p>", side);
  return table.done();
}

}  // namespace

Html data_section(const Input& input) {
  const data::Dataset& dataset = *input.dataset;
  const std::size_t rows = dataset.interactions.size();
  const auto positive = static_cast<std::size_t>(
      std::ranges::count_if(dataset.interactions.positive, [](std::uint8_t p) { return p != 0; }));
  Html out{"<dl class=\"facts\">"};
  out += fact("users", html("{}", grouped(dataset.users.size())));
  out += fact("items", html("{}", grouped(dataset.items.size())));
  out += fact("interactions", html("{} ({} of them positive)", grouped(rows), grouped(positive)));
  out += fact("time", html("{}", time_span(dataset.interactions)));
  if (input.parts != nullptr) {
    out += fact("split", html("{}: {} train, {} validation, {} test rows", input.split,
                              grouped(input.parts->train_rows), grouped(input.parts->valid_rows),
                              grouped(input.parts->test_rows)));
  }
  out += fact("history of a person",
              html("{} at the median",
                   count_text(median_history(*input.task, dataset.users.size()), "item", "items")));
  if (input.report->dropped_seen > 0) {
    out += fact("left out of the judgement",
                html("{} that the person had before",
                     count_text(input.report->dropped_seen, "pair", "pairs")));
  }
  out += {"</dl>\n"};
  if (dataset.dropped.empty() && dataset.findings.empty()) {
    out += {"<p>Nothing had to be left out, and nothing odd was found.</p>\n"};
  } else {
    HtmlTable table("What was left out or found odd", {"finding", "", "count"});
    table.set_text_columns(2);
    for (const auto& [reason, count] : dataset.dropped) {
      table.add({data_text(reason, 200), html("<b class=\"badge\">left out</b>"),
                 html("{}", grouped(count))});
    }
    for (const auto& [finding, count] : dataset.findings) {
      table.add({data_text(finding, 200), html("noted"), html("{}", grouped(count))});
    }
    out += table.done();
  }
  if (input.bundle != nullptr) {
    out += folded("How the columns are read",
                  html("{}{}", column_table("users", input.bundle->spec.user),
                       column_table("items", input.bundle->spec.item)));
  }
  return out;
}

}  // namespace torii::report
