#include "fuzz/target.h"
#include "pipeline/argo.h"
#include "pipeline/draw.h"
#include "pipeline/kfp.h"
#include "pipeline/read_graph.h"

namespace torii::fuzz {

void run_pipeline(std::string_view input) {
  const auto graph = pipeline::read_graph(input, "pipeline.yaml");
  if (!graph.ok()) return;
  const auto plan = pipeline::Plan::make(*graph, {}, pipeline::Plan::Missing::kAllow);
  if (!plan.ok() || plan->tasks().size() > 100) return;
  (void)pipeline::draw_text(*graph);
  (void)pipeline::draw_svg(*graph);
  (void)pipeline::graph_json(*graph).dump();
  if (const auto made = pipeline::compile_kfp(*plan); made.ok()) (void)made->text();
  for (const auto kind : {pipeline::ArgoKind::kWorkflow, pipeline::ArgoKind::kCron}) {
    if (const auto made = pipeline::compile_argo(*plan, kind); made.ok()) (void)made->text();
  }
}

}  // namespace torii::fuzz
