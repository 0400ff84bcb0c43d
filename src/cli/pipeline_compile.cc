#include <fmt/format.h>

#include <memory>

#include "base/file.h"
#include "cli/pipeline.h"
#include "cli/pipeline_target.h"

namespace torii::cli {
namespace {

struct CompileFlags {
  TargetFlags target;
  std::string out;
};

Result<void> compile_to_file(Session& session, const CompileFlags& flags) {
  TORII_TRY(const CompiledPipeline pipeline, compile_pipeline(session, flags.target));
  const std::string text = pipeline.compiled.text();
  if (flags.out.empty()) {
    session.print(text);
  } else {
    TORII_TRY_VOID(write_file_durably(flags.out, text));
    session.print(fmt::format("{}  {} tasks of {} for {}\n", flags.out,
                              pipeline.plan.tasks().size(), pipeline.plan.graph().name(),
                              flags.target.target == "kfp" ? "Kubeflow Pipelines" : "Argo"));
  }
  Json documents = Json::array();
  for (const Json& document : pipeline.compiled.documents) documents.push(document);
  Json warnings = Json::array();
  for (const std::string& warning : pipeline.compiled.warnings) warnings.push(warning);
  session.answer(Json::object()
                     .set("pipeline", pipeline.plan.graph().name())
                     .set("target", flags.target.target)
                     .set("tasks", pipeline.plan.tasks().size())
                     .set("warnings", std::move(warnings))
                     .set("documents", std::move(documents)));
  return {};
}

}  // namespace

void add_pipeline_compile(Verb& pipeline, CommonFlags& common) {
  Verb& verb = pipeline.child("compile", "Writes a pipeline in the words of a cluster.");
  auto flags = std::make_shared<CompileFlags>();
  verb.usage("torii pipeline compile NAME|FILE --target=kfp|argo [--out=FILE] [flags]");
  declare_target(verb, flags->target);
  verb.text("--out", "FILE", &flags->out, "File to write; stdout unless told.");
  declare_output(verb, common);
  verb.example("torii pipeline compile nightly --target=kfp --image=torii:0.1 --out=nightly.yaml");
  verb.example("torii pipeline compile pipeline.yaml --target=argo --as=template");
  verb.action([flags](Session& session) { return compile_to_file(session, *flags); });
}

}  // namespace torii::cli
