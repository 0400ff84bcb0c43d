#include "report/report.h"

#include "base/check.h"
#include "report/html.h"
#include "report/sections.h"
#include "report/style.h"

namespace torii::report {
namespace {

struct Section {
  const char* id;
  const char* title;
  Html body;
};

// Two pillars joined by one beam.
constexpr std::string_view kGate =
    "<svg class=\"gate\" viewBox=\"0 0 24 22\" aria-hidden=\"true\"><path d=\"M1 2.5c7 1.6 15 1.6 "
    "22 "
    "0v3.2c-7 1.2-15 1.2-22 0zM3.5 9.2h17v2.4h-17zM5.6 6.5h2.7l-.5 15.5H5zM15.7 6.5h2.7L19 "
    "22h-2.8zM11 6.5h2v3h-2z\"/></svg>";

Html head(const Input& input) {
  return html(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; base-uri 'none'; form-action 'none'\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
      "<meta name=\"generator\" content=\"torii\"/>\n<title>Evaluation of {}</title>\n"
      "<style>\n{}</style></head>\n",
      input.subject, Html{style_sheet()});
}

}  // namespace

std::string render(const Input& input, ThreadPool& pool) {
  TORII_CHECK(input.report != nullptr && input.task != nullptr && input.dataset != nullptr,
              "a report has a judgement and its data");
  const Measured measured = measure(input);
  const std::vector<Section> sections = {
      {"metrics",
       input.report->rivals.empty() ? "Beside simple methods" : "Beside simple methods and rivals",
       metrics_section(measured)},
      {"groups", "For whom it works", slices_section(measured)},
      {"popularity", "What it shows", popularity_section(measured)},
      {"map", "How it sees the items", map_section(input, pool)},
      {"people", "Sample people", people_section(measured)},
      {"learning", "How it learned", learning_section(input)},
      {"data", "The data", data_section(input)},
      {"provenance", "Configuration and origin", provenance_section(input)},
  };
  Html page = head(input);
  page += html(
      "<body><a class=\"skip\" href=\"#summary\">To the result</a>\n<header><p class=\"brand\">{} "
      "torii "
      "<span>evaluation report</span></p></header>\n<div class=\"page\"><nav "
      "aria-label=\"Contents\"><ul>"
      "<li><a href=\"#summary\">Result</a></li>",
      Html{std::string(kGate)});
  for (const Section& section : sections) {
    page += html("<li><a href=\"#{}\">{}</a></li>", section.id, section.title);
  }
  page += html(
      "</ul></nav>\n<main>\n<section id=\"summary\"><h1><bdi>{}</bdi></h1><p class=\"under\">{}, "
      "{} part"
      "{}{}</p>\n{}</section>\n",
      input.subject, input.split, input.part, input.date.empty() ? "" : " · ", input.date,
      summary_section(measured));
  for (const Section& section : sections) {
    page += html("<section id=\"{}\"><h2>{}</h2>\n{}</section>\n", section.id, section.title,
                 section.body);
  }
  page += html(
      "</main></div>\n<footer><p>Made by torii. One file: it loads nothing, runs no script, sends "
      "nothing.</p></footer>\n</body></html>\n");
  return page.code;
}

}  // namespace torii::report
