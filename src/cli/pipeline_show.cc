#include <fmt/format.h>

#include <memory>

#include "base/file.h"
#include "cli/layout.h"
#include "cli/pipeline.h"
#include "cli/pipeline_source.h"
#include "pipeline/draw.h"

namespace torii::cli {
namespace {

struct ShowPipelineFlags {
  PipelineFlags pipeline;
  std::string svg;
};

std::string parameters_text(const pipeline::Graph& graph) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const pipeline::Parameter& parameter : graph.data().parameters) {
    std::string help =
        parameter.help.empty() ? std::string(pipeline::name_of(parameter.type)) : parameter.help;
    if (parameter.default_value) {
      help += fmt::format(" {} unless told.", pipeline::value_text(*parameter.default_value));
    }
    rows.emplace_back(parameter.name, help);
  }
  return rows.empty() ? "" : "\nParameters:\n" + two_columns(rows);
}

Result<void> show_pipeline(Session& session, const ShowPipelineFlags& flags) {
  TORII_TRY(const OpenedPipeline opened, open_pipeline(session, flags.pipeline));
  const pipeline::Graph& graph = opened.graph;
  TORII_TRY([[maybe_unused]] const auto given, given_of(graph, flags.pipeline));
  if (!flags.svg.empty()) {
    TORII_TRY_VOID(write_file_durably(flags.svg, pipeline::draw_svg(graph)));
  }
  const pipeline::GraphData& data = graph.data();
  std::string text = session.strong(data.name);
  if (!data.description.empty()) text += "  " + data.description;
  text += "\n\n" + pipeline::draw_text(graph);
  if (data.exit) text += fmt::format("\nAt the end, whatever happened: {}\n", data.exit->name);
  if (data.schedule) {
    text += fmt::format("\nRuns by itself: {} ({})\n", data.schedule->cron, data.schedule->zone);
  }
  text += parameters_text(graph);
  if (!flags.svg.empty()) text += fmt::format("\n{}  the graph as a picture\n", flags.svg);
  session.print(text);
  session.answer(pipeline::graph_json(graph));
  return {};
}

}  // namespace

void add_pipeline_show(Verb& pipeline, CommonFlags& common) {
  Verb& verb = pipeline.child("show", "Draws the graph of a pipeline and lists its parameters.");
  auto flags = std::make_shared<ShowPipelineFlags>();
  verb.usage("torii pipeline show NAME|FILE [flags]");
  declare_pipeline(verb, flags->pipeline, PipelineUse::kHere);
  verb.text("--svg", "FILE", &flags->svg, "Also writes the graph as a picture.");
  declare_output(verb, common);
  verb.example("torii pipeline show nightly");
  verb.example("torii pipeline show pipeline.yaml --svg=pipeline.svg");
  verb.action([flags](Session& session) { return show_pipeline(session, *flags); });
}

}  // namespace torii::cli
