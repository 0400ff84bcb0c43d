#pragma once

#include "cli/flags.h"
#include "cli/session.h"

namespace torii::cli {

// Each adds one verb below `root`, with its flags, help and action: one file per verb.
void add_init(Verb& root, CommonFlags& common);
void add_doctor(Verb& root, CommonFlags& common);
void add_config(Verb& root, CommonFlags& common);
void add_train(Verb& root, CommonFlags& common);
void add_evaluate(Verb& root, CommonFlags& common);
void add_embed(Verb& root, CommonFlags& common);
void add_candidates(Verb& root, CommonFlags& common);
void add_recommend(Verb& root, CommonFlags& common);
void add_bundle(Verb& root, CommonFlags& common);
void add_gate(Verb& root, CommonFlags& common);
void add_publish(Verb& root, CommonFlags& common);
void add_encode(Verb& root, CommonFlags& common);
void add_search(Verb& root, CommonFlags& common);
void add_load(Verb& root, CommonFlags& common);
void add_store(Verb& root, CommonFlags& common);
void add_keys(Verb& root, CommonFlags& common);
void add_feast(Verb& root, CommonFlags& common);
void add_register(Verb& root, CommonFlags& common);
void add_pipeline(Verb& root, CommonFlags& common);
void add_generate(Verb& root, CommonFlags& common);
void add_demo(Verb& root, CommonFlags& common);
void add_serve(Verb& root, CommonFlags& common);
void add_version(Verb& root, CommonFlags& common);
void add_docs(Verb& root);  // hidden: writes pages of docs/ out of declarations

/// The whole command line.
[[nodiscard]] Verb make_root(CommonFlags& common);

}  // namespace torii::cli
