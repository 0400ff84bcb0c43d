#include "base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/yaml.h"

namespace torii {
namespace {

struct Settings {
  int epochs = 5;
  std::int64_t rows = 1000;
  double rate = 0.001;
  double any = 0;
  bool shuffle = true;
  std::string name = "no";
  std::string metric = "cosine";
  std::vector<std::string> columns = {"a", "b, c"};
};

class OptionSetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_.integer("train.epochs", &settings_.epochs, 1, 100, "Passes over the rows.");
    set_.integer("train.rows", &settings_.rows, 1, std::numeric_limits<std::int64_t>::max(), "R.");
    set_.number("train.rate", &settings_.rate, 0, 1, "Step size.");
    set_.number("train.any", &settings_.any, -std::numeric_limits<double>::infinity(),
                std::numeric_limits<double>::infinity(), "Any.");
    set_.flag("train.shuffle", &settings_.shuffle, "Shuffle rows.");
    set_.text("data.name", &settings_.name, "Name.");
    set_.choice("model.metric", &settings_.metric, {"dot", "cosine"}, "Metric.");
    set_.texts("data.columns", &settings_.columns, "Columns.");
  }

  std::string apply(std::string_view yaml) {
    const auto result = set_.apply(parse_yaml(yaml, "t.yaml").value(), "t.yaml");
    return result.ok() ? "ok" : result.error().message;
  }
  std::string assign(std::string_view text) {
    const auto result = set_.apply_assignment(text);
    return result.ok() ? "ok" : result.error().message;
  }

  Settings settings_;
  OptionSet set_;
};

TEST_F(OptionSetTest, SetsEveryType) {
  EXPECT_EQ(apply("train:\n  epochs: 7\n  rows: 5000000000\n  rate: 1\n  shuffle: false\n"
                  "data: {name: x y, columns: [p, q]}\nmodel.metric: dot\n"),
            "ok");
  EXPECT_EQ(settings_.epochs, 7);
  EXPECT_EQ(settings_.rows, 5000000000);
  EXPECT_EQ(settings_.rate, 1.0);
  EXPECT_FALSE(settings_.shuffle);
  EXPECT_EQ(settings_.name, "x y");
  EXPECT_EQ(settings_.metric, "dot");
  EXPECT_EQ(settings_.columns, (std::vector<std::string>{"p", "q"}));
}

TEST_F(OptionSetTest, EmptyFilesAndSectionsChangeNothing) {
  EXPECT_EQ(apply(""), "ok");
  EXPECT_EQ(apply("train:\n"), "ok");
  EXPECT_EQ(settings_.epochs, 5);
}

TEST_F(OptionSetTest, UnknownKeysNameTheNearest) {
  EXPECT_EQ(apply("train:\n  epochs: 5\n  epoch: 5\n"),
            "t.yaml:3: train.epoch: unknown key; did you mean 'train.epochs'?");
  EXPECT_EQ(apply("trian: {epochs: 5}\n"), "t.yaml:1: trian: unknown key; did you mean 'train'?");
  EXPECT_EQ(apply("epochs: 5\n"), "t.yaml:1: epochs: unknown key; did you mean 'train.epochs'?");
  std::string text_model;
  set_.text("model.text_model", &text_model, "A key of two words.");
  for (const char* text : {"text: {model: x}\n", "text.model: x\n", "text_model: x\n"}) {
    EXPECT_THAT(apply(text), ::testing::EndsWith("did you mean 'model.text_model'?"));
  }
  EXPECT_EQ(apply("zzzzzzz: 5\n"),
            "t.yaml:1: zzzzzzz: unknown key; `torii config --explain` lists all");
}

TEST_F(OptionSetTest, RefusedKeysSayWhyAndKeepTheirValue) {
  set_.refuse("train.epochs", "fixed elsewhere");
  EXPECT_EQ(apply("train:\n  epochs: 7\n"), "t.yaml:2: train.epochs: fixed elsewhere");
  EXPECT_EQ(set_.apply_assignment("train={epochs: 7}").error().message,
            "--set:1: train.epochs: fixed elsewhere");
  EXPECT_EQ(settings_.epochs, 5);
}

TEST_F(OptionSetTest, MessagesSayFoundAndExpected) {
  EXPECT_EQ(apply("train:\n  epochs: 0\n"),
            "t.yaml:2: train.epochs: found 0 (integer), expected an integer, 1 to 100; leave it "
            "out for the default, 5");
  EXPECT_EQ(apply("train: {epochs: 1.5}\n"),
            "t.yaml:1: train.epochs: found 1.5 (number), expected an integer, 1 to 100; leave it "
            "out for the default, 5");
  EXPECT_EQ(apply("train: {epochs: 101}\n").substr(0, 35), "t.yaml:1: train.epochs: found 101 (");
  EXPECT_EQ(apply("train: {rate: .nan}\n").substr(0, 23), "t.yaml:1: train.rate: f");
  EXPECT_EQ(apply("train: {any: .inf}\n").substr(0, 22), "t.yaml:1: train.any: f");
  EXPECT_EQ(apply("train: {shuffle: no}\n"),
            "t.yaml:1: train.shuffle: found \"no\" (text), expected true or false; leave it out "
            "for the default, true");
  EXPECT_EQ(apply("data: {name: 12}\n"),
            "t.yaml:1: data.name: found 12 (integer), expected a text; put it in quotes to make "
            "it a text");
  EXPECT_EQ(apply("model: {metric: cosin}\n"),
            "t.yaml:1: model.metric: found \"cosin\" (text), expected one of dot, cosine; did you "
            "mean 'cosine'?");
  EXPECT_EQ(apply("data: {columns: x}\n").substr(0, 25), "t.yaml:1: data.columns: f");
  EXPECT_EQ(apply("data: {columns: [1]}\n").substr(0, 25), "t.yaml:1: data.columns: f");
  EXPECT_EQ(apply("train: 5\n"),
            "t.yaml:1: train: found 5 (integer), expected a section of keys, for example "
            "train.epochs");
  EXPECT_EQ(apply("[1]\n"), "t.yaml:1: found [1] (array), expected keys and values");
}

TEST_F(OptionSetTest, ARefusedValueIsNotStored) {
  apply("train: {epochs: 0, rate: 2}\n");
  apply("data: {columns: [p, 1]}\n");
  EXPECT_EQ(settings_.epochs, 5);
  EXPECT_EQ(settings_.columns.size(), 2U);
}

TEST_F(OptionSetTest, AssignmentsFromTheCommandLine) {
  EXPECT_EQ(assign("train.epochs=9"), "ok");
  EXPECT_EQ(settings_.epochs, 9);
  EXPECT_EQ(assign("data.name=7"), "ok");
  EXPECT_EQ(settings_.name, "7");
  EXPECT_EQ(assign("data.name=a=b: c"), "ok");
  EXPECT_EQ(settings_.name, "a=b: c");
  EXPECT_EQ(assign("data.columns=[x]"), "ok");
  EXPECT_EQ(settings_.columns, std::vector<std::string>{"x"});
  EXPECT_EQ(assign("train.epochs").substr(0, 20), "--set train.epochs: ");
  EXPECT_EQ(assign("=5").substr(0, 9), "--set =5:");
  EXPECT_EQ(assign("train.epochs=x").substr(0, 40), "--set: train.epochs: found \"x\" (text), e");
  EXPECT_EQ(assign("train.epoch=1"),
            "--set: train.epoch: unknown key; did you mean 'train.epochs'?");
  EXPECT_NE(assign("train.epochs=[1").find("--set train.epochs"), std::string::npos);
}

TEST_F(OptionSetTest, DocumentsItself) {
  const Option* epochs = set_.find("train.epochs");
  ASSERT_NE(epochs, nullptr);
  EXPECT_EQ(epochs->default_text, "5");
  EXPECT_EQ(epochs->range_text, "1 to 100");
  EXPECT_EQ(epochs->type, "integer");
  EXPECT_EQ(set_.find("train.rows")->range_text, "at least 1");
  EXPECT_EQ(set_.find("train.any")->range_text, "");
  EXPECT_EQ(set_.find("data.name")->default_text, "no");
  EXPECT_EQ(set_.find("data.columns")->default_text, "[a, \"b, c\"]");
  EXPECT_EQ(set_.find("train"), nullptr);
  EXPECT_EQ(set_.current().dump(),
            R"({"train":{"epochs":5,"rows":1000,"rate":0.001,"any":0.0,"shuffle":true},)"
            R"("data":{"name":"no","columns":["a","b, c"]},"model":{"metric":"cosine"}})");
}

TEST_F(OptionSetTest, CurrentCanBeAppliedAgain) {
  const Json before = set_.current();
  ASSERT_TRUE(set_.apply(before, "again").ok());
  EXPECT_EQ(set_.current(), before);
}

TEST_F(OptionSetTest, CustomOptionsTakeWholeTrees) {
  Json seen;
  Option option;
  option.key = "data.kinds";
  option.type = "map";
  option.assign = [&](const Json& value) -> Result<void> {
    if (!value.is_object()) return invalid("expected a map");
    seen = value;
    return {};
  };
  option.current = [&] { return seen; };
  set_.custom(option);
  EXPECT_EQ(apply("data:\n  kinds:\n    age: number\n"), "ok");
  EXPECT_EQ(seen.dump(), R"({"age":"number"})");
  EXPECT_EQ(apply("data:\n  kinds: 1\n"), "t.yaml:2: data.kinds: expected a map");
}

TEST(Nearest, FindsTypingErrorsOnly) {
  const std::vector<std::string> known = {"epochs", "learning_rate", "seed"};
  EXPECT_EQ(nearest("epoch", known), "epochs");
  EXPECT_EQ(nearest("epcohs", known), "epochs");
  EXPECT_EQ(nearest("learningrate", known), "learning_rate");
  EXPECT_EQ(nearest("seeed", known), "seed");
  EXPECT_EQ(nearest("x", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest("completely_else", known), std::nullopt);
  EXPECT_EQ(nearest(std::string(10000, 'a'), known), std::nullopt);
}

TEST(OptionSet, SaysEveryFaultAtOnceAndSetsTheRest) {
  OptionSet set;
  std::int64_t epochs = 30;
  double rate = 0.1;
  set.integer("train.epochs", &epochs, 1, 100, "Passes.");
  set.number("train.rate", &rate, 0.0, 1.0, "Step.");
  set.announce_later("serve");
  const auto tree =
      parse_yaml("train:\n  epochs: 0\n  rte: 1\n  rate: 0.5\nserve:\n  port: 80\n", "t");
  ASSERT_TRUE(tree.ok());
  const std::vector<Error> faults = set.apply_all(*tree, "t.yaml");
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_TRUE(faults[0].message.starts_with("t.yaml:2: train.epochs: found 0"))
      << faults[0].message;
  EXPECT_EQ(faults[1].message, "t.yaml:3: train.rte: unknown key; did you mean 'train.rate'?");
  EXPECT_EQ(faults[2].message, "t.yaml:6: serve: the section 'serve' is not in this version");
  EXPECT_EQ(faults[2].code, ErrorCode::kUnsupported);
  EXPECT_EQ(rate, 0.5);
  EXPECT_EQ(epochs, 30);
}

TEST(OptionSet, AnAssignmentBelowALaterSectionSaysSo) {
  OptionSet set;
  set.announce_later("serve");
  const auto done = set.apply_assignment("serve.port=1");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(done.error().message, "--set: serve.port: the section 'serve' is not in this version");
}

}  // namespace
}  // namespace torii
