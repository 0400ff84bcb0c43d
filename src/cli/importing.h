#pragma once

#include "cli/flags.h"
#include "cli/session.h"

namespace torii::cli {

/// `torii bundle import`: a bundle out of trained weights and the data that they were trained on.
void add_import(Verb& parent, CommonFlags& common);

}  // namespace torii::cli
