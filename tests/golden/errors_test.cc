#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "golden/golden.h"

namespace torii::testing {
namespace {

// What a wrong call answers: the words, and the exit code that goes with them.
struct Case {
  std::vector<std::string> words;
  int exit_code;
};

// Calls that fail before any work; in an empty folder, so that nothing of the machine shows.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {{}, 2},
      {{"trian"}, 2},
      {{"serve", "--port=80"}, 2},
      {{"pipeline"}, 2},
      {{"pipeline", "show"}, 2},
      {{"pipeline", "show", "nigthly"}, 2},
      {{"pipeline", "show", "typo.yaml"}, 2},
      {{"pipeline", "show", "steps.yaml"}, 2},
      {{"pipeline", "compile", "nightly"}, 2},
      {{"pipeline", "compile", "nightly", "--target=tekton"}, 2},
      {{"pipeline", "compile", "nightly", "--target=kfp"}, 2},
      {{"pipeline", "compile", "nightly", "--target=argo", "--image=i"}, 2},
      {{"pipeline", "compile", "nightly", "--target=kfp", "--image=i", "--param=shard=3"}, 2},
      {{"pipeline", "submit", "nightly", "--target=kfp", "--image=i"}, 2},
      {{"frobnicate"}, 2},
      {{"--jsn"}, 2},
      {{"train", "--ouput=x"}, 2},
      {{"train", "data"}, 2},
      {{"train", "--data="}, 2},
      {{"train", "--data"}, 2},
      {{"train", "--data=right", "--out=", "--quiet"}, 2},
      {{"recommend", "--bundle=b", "--data=d", "--user=", "--k=3"}, 2},
      {{"recommend", "--bundle=b", "--data=d", "--user", "--k=3"}, 2},
      {{"train", "--data=a", "--data=b", "--out=x"}, 2},
      {{"train", "--data=nowhere"}, 2},
      {{"train", "--out=x"}, 2},
      {{"train", "--data=nowhere", "--out=x"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--preset=artcle"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--seed=many"}, 2},
      {{"train", "--config=right.yaml", "--out=x", "--seed=-1"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--set", "train.epoch=3"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--set", "train.epochs=0"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--set", "epochs"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--set", "zzzzzzz=1"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--set", "train.loss=magnitude"}, 2},
      {{"train", "--data=nowhere", "--out=x", "--preset=article", "--set", "model.metric=dot"}, 2},
      {{"train", "--config=magnitude.yaml", "--out=x"}, 2},
      {{"train", "--config=none.yaml", "--out=x"}, 2},
      {{"train", "--config=typo.yaml", "--out=x"}, 2},
      {{"train", "--config=later.yaml", "--out=x"}, 2},
      {{"train", "--data=rows.csv", "--out=x"}, 2},
      {{"train", "--data=semicolons", "--out=x"}, 2},
      {{"train", "--config=broken.yaml", "--out=x"}, 2},
      {{"train", "--config=list.yaml", "--out=x"}, 2},
      {{"train", "--config=right.yaml", "--out=x", "--split=sometimes"}, 2},
      {{"train", "--config=right.yaml", "--out=x", "--split=random:0.8/0.1"}, 2},
      {{"train", "--config=right.yaml", "--out=x", "--threads=-3"}, 2},
      {{"train", "--config=right.yaml", "--out=there/is/none"}, 2},
      {{"train", "--config=right.yaml", "--out=full"}, 2},
      {{"train", "--config=right.yaml", "--out=rows.csv"}, 2},
      {{"train", "--config=right.yaml", "--out=mixed"}, 2},
      {{"embed", "--bundle=b", "--data=d", "--out=rows.csv"}, 2},
      {{"embed", "--bundle=b", "--data=d", "--out=rows.csv/below"}, 2},
      {{"embed", "--bundle=b", "--data=d", "--out=mixed"}, 2},
      {{"embed", "--bundle=b", "--data=d", "--out=full"}, 2},
      {{"candidates", "--bundle=b", "--data=d", "--out=full"}, 2},
      {{"candidates", "--bundle=b", "--data=d", "--out=new/"}, 2},
      {{"demo", "--out=rows.csv"}, 2},
      {{"demo", "--out=full"}, 2},
      {{"version", "--set", "train.epoch=3"}, 2},
      {{"version", "--set", "pipeline.port=1"}, 2},
      {{"init"}, 2},
      {{"init", "--data=nowhere"}, 2},
      {{"init", "--data=full"}, 2},
      {{"init", "--data=rows.csv", "--out=typo.yaml"}, 2},
      {{"init", "--data=rows.csv", "--out=there/is/none.yaml"}, 2},
      {{"doctor"}, 2},
      {{"doctor", "--config=right.yaml", "--split=sometimes"}, 2},
      {{"config", "--check", "--config=none.yaml"}, 2},
      {{"config", "--check", "--config=faults.yaml"}, 2},
      {{"config", "--check", "--config=crossed.yaml"}, 2},
      {{"config", "--explain", "train.epoch"}, 2},
      {{"config", "--explain", "pipeline.port"}, 2},
      {{"config", "--explain", "--check"}, 2},
      {{"config", "train.epochs"}, 2},
      {{"bundle", "show", "nowhere", "--config=typo.yaml"}, 2},
      {{"bundle", "verify", "nowhere", "--set", "train.epochs=0"}, 2},
      {{"evaluate", "--data=x"}, 2},
      {{"evaluate", "--data=x", "--bundle=b", "--baseline=popularity"}, 2},
      {{"evaluate", "--data=x", "--baseline=ease"}, 2},
      {{"evaluate", "--data=x", "--baseline=populrity"}, 2},
      {{"evaluate", "--config=right.yaml", "--baseline=popularity", "--k=ten"}, 2},
      {{"evaluate", "--config=right.yaml", "--baseline=popularity", "--split=none"}, 2},
      {{"evaluate", "--config=right.yaml", "--baseline=popularity", "--part=train"}, 2},
      {{"evaluate", "--config=right.yaml", "--bundle=nowhere"}, 2},
      {{"candidates", "--bundle=b", "--data=d", "--out=o", "--k=0"}, 2},
      {{"candidates", "--bundle=b", "--data=d", "--out=o", "--shard=0/4"}, 2},
      {{"candidates", "--bundle=b", "--data=d", "--out=o", "--shard=half"}, 2},
      {{"recommend", "--bundle=b", "--data=d"}, 2},
      {{"embed", "--bundle=b", "--data=d"}, 2},
      {{"bundle"}, 2},
      {{"bundle", "shwo"}, 2},
      {{"bundle", "show"}, 2},
      {{"bundle", "show", "nowhere"}, 2},
      {{"bundle", "verify", "full"}, 2},
      {{"bundle", "import", "--out=x", "--data=d"}, 2},
      {{"bundle", "import", "--out=x", "--config=right.yaml", "--state-dict=w", "--set",
        "model.metric=cosine"},
       2},
      {{"bundle", "import", "--out=x", "--config=right.yaml", "--state-dict=w", "--set",
        "train.loss=softmax", "--set", "model.metric=dot"},
       2},
  };
  return all;
}

class Errors : public ::testing::Test {
 protected:
  void SetUp() override {
    write_text(folder_ / "typo.yaml", "train:\n  epoks: 3\n");
    write_text(folder_ / "later.yaml", "train:\n  epochs: 3\npipeline:\n  port: 80\n");
    write_text(folder_ / "faults.yaml",
               "train:\n  epoks: 3\n  epochs: 0\ndata:\n  user: u\npipeline:\n  port: 80\n");
    write_text(folder_ / "crossed.yaml",
               "data:\n  items: {path: none.csv}\n"
               "  interactions: {path: rows.csv, user_id: userid, timestamp: at}\n"
               "train: {loss: magnitude, select_by: ndgc@10}\n"
               "evaluate: {split: sometimes, k: [ten], baselines: [populrity]}\n");
    write_text(folder_ / "semicolons/interactions.csv", "user_id;item_id\n1;a\n2;b\n");
    write_text(folder_ / "steps.yaml",
               "steps:\n  a: {command: 'x ${outputs.m}', outputs: {m: Model}, retry: 3}\n"
               "  b: {command: 'y ${inputs.m}', inputs: {m: a.n}}\n");
    write_text(folder_ / "broken.yaml", "train:\n  epochs: [3\n");
    write_text(folder_ / "list.yaml", "- train\n");
    write_text(folder_ / "right.yaml", "data:\n  interactions: {path: rows.csv}\n");
    write_text(folder_ / "magnitude.yaml",
               "data:\n  interactions: {path: rows.csv}\ntrain: {loss: magnitude}\n");
    write_text(folder_ / "rows.csv", "user_id,item_id\n1,a\n1,b\n2,a\n");
    write_text(folder_ / "mixed/bundle.json", "{\"format\": \"torii-bundle\"}\n");
    write_text(folder_ / "mixed/notes.txt", "mine\n");
    write_text(folder_ / "full/letter.txt", "not a bundle\n");
  }
  [[nodiscard]] Finished torii(std::vector<std::string> words) const {
    words.insert(words.begin(), TORII_PROGRAM);
    return run_program(words, {.folder = folder_.path()});
  }
  TempFolder folder_;
};

TEST_F(Errors, SayWhatWhereAndWhatToDo) {
  std::string all;
  for (const Case& one : cases()) {
    std::string call = "torii";
    for (const std::string& word : one.words) call += " " + word;
    const Finished finished = torii(one.words);
    EXPECT_EQ(finished.exit_code, one.exit_code) << call << "\n" << finished.err;
    EXPECT_EQ(finished.out, "") << call;
    const std::size_t at = finished.err.rfind("torii: error: ");
    ASSERT_NE(at, std::string::npos) << call << "\n" << finished.err;
    all += "$ " + call + "\n" + finished.err.substr(at) + "\n";
  }
  expect_golden("errors.txt", all);
}

TEST_F(Errors, AreOneDocumentWithJson) {
  for (const Case& one : cases()) {
    std::vector<std::string> words = one.words;
    words.emplace_back("--json");
    const Finished finished = torii(words);
    EXPECT_EQ(finished.exit_code, one.exit_code);
    const auto document = Json::parse(finished.out, "stdout");
    ASSERT_TRUE(document.ok()) << finished.out;
    const Json* error = document->find("error");
    ASSERT_NE(error, nullptr) << finished.out;
    EXPECT_TRUE(error->string_at("code").has_value());
    const auto message = error->string_at("message");
    ASSERT_TRUE(message.has_value());
    EXPECT_NE(finished.err.find("torii: error: " + *message), std::string::npos);
  }
}

}  // namespace
}  // namespace torii::testing
