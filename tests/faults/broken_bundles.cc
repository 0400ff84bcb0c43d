#include "faults/broken_inputs.h"

namespace torii {

std::vector<Case> bundle_cases() {
  return {
      // ---- configuration
      {"unknown key",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "t.yaml", "train: {epoks: 3}\n");
       },
       {train(2, {"t.yaml:1", "epoks", "train.epochs"}, {"--config=t.yaml"})}},
      {"value out of range",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "t.yaml", "train: {epochs: -3}\n");
       },
       {train(2, {"t.yaml:1", "-3", "1 to 10000"}, {"--config=t.yaml"})}},
      {"tabs in YAML",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "t.yaml", "train:\n\tepochs: 3\n");
       },
       {train(2, {"t.yaml:2"}, {"--config=t.yaml"})}},
      {"YAML that is no map",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "t.yaml", "- 1\n- 2\n");
       },
       {train(2, {"t.yaml", "array"}, {"--config=t.yaml"})}},
      {"empty YAML",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "t.yaml", "");
       },
       {train(0, {}, {"--config=t.yaml"})}},
      {"huge YAML",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "t.yaml", "# " + std::string(3 << 20, 'x') + "\n");
       },
       {train(1, {"t.yaml", "limit"}, {"--config=t.yaml"})}},
      {"k and shard",
       good,
       {candidates(2, {"--k", "-1"}, {"--k=-1"}), candidates(2, {"--k", "found 0"}, {"--k=0"}),
        candidates(2, {"--shard", "3/2"}, {"--shard=3/2"}), candidates(0, {}, {"--k=9999"})}},
      {"unknown user", good, {recommend(0, {}, "nobody")}},
      // ---- bundles
      {"one byte flipped in the towers",
       bundle_but([](const fs::path& bundle) { flip(bundle / "towers.safetensors", 40); }),
       with_bundle(2, {"towers.safetensors", "SHA-256"})},
      {"one byte flipped in the manifest",
       bundle_but([](const fs::path& bundle) { flip(bundle / "bundle.json", 400); }),
       with_bundle(2, {"bundle.json"})},
      {"a newer bundle", bundle_but([](const fs::path& bundle) {
         replace_in(bundle / "bundle.json", "\"version\": 2", "\"version\": 99");
       }),
       with_bundle(2, {"bundle.json"})},
      {"a part is missing",
       bundle_but([](const fs::path& bundle) { fs::remove(bundle / "items.safetensors"); }),
       with_bundle(2, {"items.safetensors"})},
      {"a part is cut", bundle_but([](const fs::path& bundle) {
         fs::resize_file(bundle / "items.safetensors", 100);
       }),
       with_bundle(2, {"items.safetensors"})},
      {"an empty bundle folder", bundle_but([](const fs::path& bundle) {
         fs::remove_all(bundle);
         fs::create_directory(bundle);
       }),
       with_bundle(2, {"no bundle there"})},
      {"a header of safetensors that lies",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "w.safetensors",
                    std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10));
       },
       {{{"bundle", "import", "--state-dict=w.safetensors", "--data=data", "--out=out/b.bundle"},
         2,
         {"w.safetensors", "claims"}}}},
      {"wrong text encoder",
       [](const fs::path& folder) {
         good(folder);
         write_text(folder / "data/items.csv", "item_id,title\ni01,a fine pot\ni02,a red hat\n");
       },
       {train(2, {"model.text_model"},
              {"--set=model.text_model=./nowhere", "--set=data.items.text=[title]"})}},
  };
}

}  // namespace torii
