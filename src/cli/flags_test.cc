#include "cli/flags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace torii::cli {
namespace {

struct Fields {
  std::string data, where;
  std::vector<std::string> sets;
  std::int64_t k = 10;
  bool json = false;
};

Verb make(Fields& fields) {
  Verb root("torii", "A program.");
  Verb& train = root.child("train", "Trains.");
  train.text("--data", "DIR", &fields.data, "Where.");
  train.texts("--set", "KEY=VALUE", &fields.sets, "Keys.");
  train.integer("--k", "N", &fields.k, "How many.");
  train.flag("--json", &fields.json, "As JSON.");
  Verb& bundle = root.child("bundle", "Bundles.");
  bundle.child("show", "Shows.").positional("BUNDLE", &fields.where, "Which.");
  return root;
}

TEST(Flags, FillTheFields) {
  Fields fields;
  const Verb root = make(fields);
  const auto parsed =
      parse(root, {"train", "--data=a b", "--k", "7", "--set", "x=1", "--set=y=[1, 2]", "--json"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->path, "train");
  EXPECT_EQ(fields.data, "a b");
  EXPECT_EQ(fields.k, 7);
  EXPECT_EQ(fields.sets, (std::vector<std::string>{"x=1", "y=[1, 2]"}));
  EXPECT_TRUE(fields.json);
  EXPECT_TRUE(parsed->given("--k"));
  EXPECT_FALSE(parsed->given("--split"));
}

TEST(Flags, PositionalWordOfANestedVerb) {
  Fields fields;
  const Verb root = make(fields);
  const auto parsed = parse(root, {"bundle", "show", "my.bundle"});
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->path, "bundle show");
  EXPECT_EQ(fields.where, "my.bundle");
}

TEST(Flags, WordsThatMeanNothingAreErrors) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"trane"},
                                             {"train", "--dta=x"},
                                             {"train", "--data="},
                                             {"train", "--data"},
                                             {"train", "--data=a", "--data=b"},
                                             {"train", "--k=1.5"},
                                             {"train", "--k=99999999999999999999"},
                                             {"train", "stray"},
                                             {"bundle"},
                                             {"bundle", "show", "a", "b"},
                                             {"-x"}}) {
    Fields fields;
    const Verb root = make(fields);
    const auto parsed = parse(root, words);
    ASSERT_FALSE(parsed.ok()) << words.back();
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Flags, ANextFlagIsNeverTheValueOfTheOneBefore) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"train", "--data=", "--k=3"},
                                             {"train", "--k=3", "--data=", "--json"},
                                             {"train", "--data", "--k=3"},
                                             {"train", "--data", "--json"},
                                             {"train", "--data", "", "--json"},
                                             {"train", "--set=", "a=1", "--data=x"}}) {
    Fields fields;
    const Verb root = make(fields);
    const auto parsed = parse(root, words);
    ASSERT_FALSE(parsed.ok()) << words[1];
    EXPECT_NE(parsed.error().message.find(" needs a value"), std::string::npos)
        << parsed.error().message;
    EXPECT_EQ(fields.data, "");
  }
  Fields fields;  // behind the equals sign everything is a value
  const Verb root = make(fields);
  ASSERT_TRUE(parse(root, {"train", "--data=--k=3", "--k", "-3", "--json"}).ok());
  EXPECT_EQ(fields.data, "--k=3");
  EXPECT_EQ(fields.k, -3);
}

TEST(Flags, HelpIsOfTheVerbThatWasReached) {
  Fields fields;
  const Verb root = make(fields);
  const auto of_root = parse(root, {"--help"});
  ASSERT_TRUE(of_root.ok());
  EXPECT_NE(of_root->help.find("A program."), std::string::npos);
  const auto of_show = parse(root, {"bundle", "show", "-h"});
  ASSERT_TRUE(of_show.ok());
  EXPECT_NE(of_show->help.find("Shows."), std::string::npos);
}

}  // namespace
}  // namespace torii::cli
