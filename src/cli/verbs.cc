#include "cli/verbs.h"

namespace torii::cli {

Verb make_root(CommonFlags& common) {
  Verb root("torii",
            "torii trains a two-tower recommender on users, items and what people did, proves that "
            "it beats simple baselines, and writes the best items for every user.");
  root.usage("torii VERB [flags]");
  add_demo(root, common);
  add_init(root, common);
  add_doctor(root, common);
  add_train(root, common);
  add_evaluate(root, common);
  add_candidates(root, common);
  add_recommend(root, common);
  add_embed(root, common);
  add_bundle(root, common);
  add_gate(root, common);
  add_publish(root, common);
  add_serve(root, common);
  add_search(root, common);
  add_load(root, common);
  add_encode(root, common);
  add_store(root, common);
  add_keys(root, common);
  add_feast(root, common);
  add_pipeline(root, common);
  add_register(root, common);
  add_generate(root, common);
  add_config(root, common);
  add_version(root, common);
  add_docs(root);
  root.example("torii demo                                    see it work on real ratings");
  root.example("torii train --data=DIR --out=my.bundle        learn from your own tables");
  root.example("torii evaluate --bundle=my.bundle --data=DIR  measure it against baselines");
  return root;
}

}  // namespace torii::cli
