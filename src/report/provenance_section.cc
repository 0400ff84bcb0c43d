#include "base/printable.h"
#include "report/sections.h"

namespace torii::report {
namespace {

constexpr std::size_t kOriginColumns = 72;

Html fact(std::string_view name, std::string_view value) {
  return html("<div><dt>{}</dt><dd>{}</dd></div>\n", name, data_text(value, kOriginColumns));
}

std::string scalar_text(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_int() && value.as_int() >= 10000) {
    return grouped(static_cast<std::uint64_t>(value.as_int()));
  }
  return value.dump();
}

// "rank:old.bundle" for "rank:/some/where/old.bundle".
std::string step_name(const evaluate::Report& report, const std::string& step) {
  constexpr std::string_view kRank = "rank:";
  for (const evaluate::Outcome& rival : report.rivals) {
    if (step == fmt::format("{}{}", kRank, rival.name)) {
      return fmt::format("{}{}", kRank, rival_name(report, rival.name));
    }
  }
  return step;
}

}  // namespace

Html provenance_section(const Input& input) {
  Html out;
  if (input.settings.empty()) {
    out += {"<p>Every key of the configuration has its default value.</p>\n"};
  } else {
    HtmlTable table("Keys that have not their default value", {"key", "value", "default"});
    table.set_text_columns(3);
    for (const Setting& setting : input.settings) {
      table.add({html("<code>{}</code>", setting.key), data_text(setting.value, 80),
                 data_text(setting.default_value, 80)});
    }
    out += table.done();
  }
  if (input.bundle != nullptr) {
    out += html("<h3>The bundle</h3><dl class=\"facts\">");
    out += fact("id", input.bundle->id);
    out += fact("metric", metric_name(input.bundle->model.metric));
    if (!input.bundle->spec.text_model.empty()) {
      out += fact("text model", input.bundle->spec.text_model);
    }
    if (input.bundle->provenance.is_object()) {
      for (const auto& [key, value] : input.bundle->provenance.as_object()) {
        // The sample of row hashes is for machines.
        if (value.is_object() || value.is_array() || key == "train_sample") continue;
        out += fact(key, scalar_text(value));
      }
    }
    out += {"</dl>\n"};
  }
  out += html("<h3>This run</h3><dl class=\"facts\">");
  out += fact("judged", input.subject);
  out += fact("split", fmt::format("{}, {} part", input.split, input.part));
  out += fact("data fingerprint", input.dataset->fingerprint);
  for (const auto& [name, value] : input.run) out += fact(name, value);
  out += {"</dl>\n"};
  if (!input.seconds.empty()) {
    HtmlTable table("Seconds", {"step", "seconds"});
    for (const auto& [step, seconds] : input.seconds) {
      table.add({html("{}", step_name(*input.report, step)), html("{:.2f}", seconds)});
    }
    out += folded("Seconds of each step", table.done());
  }
  return out;
}

}  // namespace torii::report
