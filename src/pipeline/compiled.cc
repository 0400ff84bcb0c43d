#include "pipeline/compiled.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/yaml_text.h"

namespace torii::pipeline {

std::string Compiled::text() const {
  std::string text = "# Written by `torii pipeline compile`: change the pipeline, not this file.\n";
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (i > 0) text += "---\n";
    text += yaml_text(documents[i]);
  }
  return text;
}

std::vector<const Parameter*> open_parameters(const Graph& graph) {
  std::vector<const Parameter*> open;
  for (const Parameter& parameter : graph.data().parameters) {
    if (!graph.shapes(parameter)) open.push_back(&parameter);
  }
  return open;
}

const std::string& image_of(const Graph& graph, const Step& step) {
  return step.settings.image.empty() ? graph.data().cluster.image : step.settings.image;
}

std::string location_of(const std::string& location, const std::string& run, const Step& step,
                        const std::string& shard, const std::string& output) {
  return fmt::format("{}/{}/{}{}{}/{}", location, run, step.name, shard.empty() ? "" : "/", shard,
                     output);
}

bool writes_locations(const Step& step) {
  return std::ranges::any_of(step.artifacts, [](const ArtifactOutput& output) {
    return output.sharing == Sharing::kLocation;
  });
}

void check_for_cluster(const Graph& graph, const char* target, Faults& faults) {
  std::vector<std::string> without_image;
  const auto check = [&](const Step& step) {
    if (image_of(graph, step).empty()) without_image.push_back(step.name);
    if (writes_locations(step) && !graph.data().location) {
      faults.add(step.line,
                 fmt::format("step '{}' shares an artifact by location, and the pipeline "
                             "has none; add `location: s3://BUCKET/FOLDER`",
                             step.name));
    }
    for (const Word& word : step.command) {
      for (const Segment& segment : word.segments) {
        if (segment.kind != Segment::Kind::kText || segment.text.find("{{") == std::string::npos) {
          continue;
        }
        faults.add(word.line, fmt::format("step '{}': '{}' holds {{{{, which {} would read as its "
                                          "own; keep it in a file or pass it as a parameter",
                                          step.name, word.text, target));
      }
    }
  };
  for (const Step& step : graph.steps()) check(step);
  if (graph.data().exit) check(*graph.data().exit);
  if (without_image.empty()) return;
  faults.add(graph.step(without_image.front()) == nullptr ? graph.data().line
                                                          : graph.step(without_image.front())->line,
             fmt::format("no image for {}; name one for all by `cluster: {{image: ...}}` or "
                         "--image=IMAGE, or one in each step",
                         fmt::join(without_image, ", ")));
}

}  // namespace torii::pipeline
