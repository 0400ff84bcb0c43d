#include "cli/pipeline_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "cli/config.h"
#include "pipeline/builtin.h"
#include "pipeline/read_graph.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPipelineBytesMax = std::size_t{4} << 20;

bool is_told(const PipelineFlags& flags, std::string_view name) {
  return std::ranges::any_of(flags.params, [&](const std::string& param) {
    return param.size() > name.size() && param.starts_with(name) && param[name.size()] == '=';
  });
}

}  // namespace

void declare_pipeline(Verb& verb, PipelineFlags& flags, PipelineUse use) {
  verb.positional("NAME|FILE", &flags.name,
                  "A built-in pipeline (nightly, article), or a YAML file: a pipeline, or a "
                  "torii.yaml with the section `pipeline:`.");
  verb.text("--data", "DIR", &flags.data, "The parameter `data`: folder with the tables.");
  verb.texts("--param", "NAME=VALUE", &flags.params,
             "Value of one of the pipeline's parameters; a list is written a,b,c. Repeatable.");
  if (use == PipelineUse::kHere) return;
  verb.text("--image", "IMAGE", &flags.image, "Container image of the steps that name none.");
  verb.text("--config-map", "NAME", &flags.config_map,
            "For built-in pipelines: the config map whose key torii.yaml the steps read; "
            "torii-config if --config is given.");
  verb.text("--s3-secret", "NAME", &flags.secrets,
            "For built-in pipelines: the secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "and, where they are needed, AWS_ENDPOINT_URL, AWS_REGION, AWS_SESSION_TOKEN and, for "
            "the store, PGPASSWORD.");
}

Result<OpenedPipeline> open_pipeline(const Session& session, const PipelineFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  if (flags.name.empty()) {
    return invalid("name a pipeline: {}, or a YAML file",
                   fmt::join(pipeline::builtin_names(), ", "));
  }
  const auto& names = pipeline::builtin_names();
  const std::string& config = session.common().config;
  if (std::ranges::find(names, flags.name) != names.end()) {
    pipeline::BuiltinOptions options;
    options.image = flags.image;
    options.config_map = flags.config_map;
    options.secrets = flags.secrets;
    options.data = !flags.data.empty() || is_told(flags, "data") || config.empty();
    options.registry = is_told(flags, "registry");
    if (!config.empty()) options.config = fs::absolute(config).lexically_normal().string();
    for (const std::string& assignment : session.common().sets) {
      const bool sealed = is_sealed(assignment.substr(0, assignment.find('=')));
      (sealed ? options.model_sets : options.sets).push_back(assignment);
    }
    TORII_TRY(pipeline::Graph graph, pipeline::builtin_pipeline(flags.name, options));
    return OpenedPipeline{std::move(graph), pipeline::builtin_document(flags.name, options)};
  }
  if (!session.common().sets.empty()) {
    return invalid(
        "--set is for built-in pipelines, whose steps get it; {} says itself what its steps are "
        "given",
        flags.name);
  }
  auto text = read_file(flags.name, kPipelineBytesMax);
  if (!text.ok()) {
    const bool is_name = flags.name.find_first_of("./") == std::string::npos;
    if (is_name && text.error().code == ErrorCode::kNotFound) {
      return make_error(ErrorCode::kNotFound,
                        "there is no pipeline and no file '{}'; built in are: {}", flags.name,
                        fmt::join(names, ", "));
    }
    return std::move(text).error();
  }
  TORII_TRY(pipeline::GraphData data, pipeline::read_graph_data(*text, flags.name));
  if (!flags.image.empty()) data.cluster.image = flags.image;
  TORII_TRY(pipeline::Graph graph, pipeline::Graph::make(std::move(data)));
  return OpenedPipeline{std::move(graph), *std::move(text)};
}

Result<pipeline::Given> given_of(const pipeline::Graph& graph, const PipelineFlags& flags) {
  pipeline::Given given;
  for (const std::string& param : flags.params) {
    const std::size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0) {
      return invalid("--param={}: expected NAME=VALUE", param);
    }
    given.emplace_back(param.substr(0, equals), param.substr(equals + 1));
  }
  if (!flags.data.empty()) {
    if (graph.parameter("data") == nullptr) {
      return invalid("--data={}: the pipeline '{}' has no parameter `data`", flags.data,
                     graph.name());
    }
    given.emplace_back("data", flags.data);
  }
  return given;
}

}  // namespace torii::cli
