#pragma once

#include "cli/flags.h"
#include "cli/session.h"

namespace torii::cli {

// Each adds one verb below `torii pipeline`: one file per verb.
void add_pipeline_show(Verb& pipeline, CommonFlags& common);
void add_pipeline_compile(Verb& pipeline, CommonFlags& common);
void add_pipeline_submit(Verb& pipeline, CommonFlags& common);

}  // namespace torii::cli
