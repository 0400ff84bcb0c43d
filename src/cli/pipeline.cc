#include "cli/pipeline.h"

#include "cli/pipeline_run.h"
#include "cli/verbs.h"

namespace torii::cli {

void add_pipeline(Verb& root, CommonFlags& common) {
  Verb& verb = root.child(
      "pipeline", "Draws, runs, compiles and submits graphs of steps: the night's work in one.");
  verb.usage("torii pipeline VERB NAME|FILE [flags]");
  add_pipeline_show(verb, common);
  add_pipeline_run(verb, common);
  add_pipeline_history(verb, common);
  add_pipeline_lineage(verb, common);
  add_pipeline_diff(verb, common);
  add_pipeline_schedule(verb, common);
  add_pipeline_compile(verb, common);
  add_pipeline_submit(verb, common);
}

}  // namespace torii::cli
