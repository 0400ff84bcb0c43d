#include "pipeline/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torii::pipeline {
namespace {

using ::testing::HasSubstr;

TEST(PipelineBuilder, BuildsWhatTheYamlFormSays) {
  PipelineBuilder builder("shop", "tables to a model");
  builder.parameter("data", ParameterType::kText, std::nullopt, "folder of tables");
  builder.step("load")
      .command("torii load --data=${params.data} --out=${outputs.users}")
      .output("users", ArtifactType::kDataset);
  StepBuilder& train = builder.step("train");
  train.command("torii train --data=${inputs.users}")
      .words({"--out=${outputs.model}", "two words"})
      .input("users", "load.users")
      .result("model", ArtifactType::kModel)
      .by_location();
  train.settings().retries.count = 1;
  const auto graph = builder.build();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  EXPECT_EQ(graph->step("train")->command.back().text, "two words");
  EXPECT_EQ(graph->step("train")->artifact("model")->sharing, Sharing::kLocation);
  EXPECT_EQ(graph->needs(1), (std::vector<std::size_t>{0}));
}

TEST(PipelineBuilder, TellsMistakesAtTheEnd) {
  PipelineBuilder builder("shop", "");
  builder.step("a").command("x ${nothing}").when("never");
  const auto graph = builder.build();
  ASSERT_FALSE(graph.ok());
  EXPECT_THAT(graph.error().message, HasSubstr("pipeline shop: step 'a': '${nothing}'"));
  EXPECT_THAT(graph.error().message, HasSubstr("when: 'never' is no condition"));
}

TEST(Words, SplitAsAShellDoes) {
  const auto words = split_command(R"(a  'b c' "d \"e" f\ g '')");
  ASSERT_TRUE(words.ok());
  EXPECT_EQ(*words, (std::vector<std::string>{"a", "b c", "d \"e", "f g", ""}));
}

TEST(Words, KeepDollarsThatBeginNoPlaceholder) {
  const auto word = parse_word("$5 $${params.x} ${params.x}$");
  ASSERT_TRUE(word.ok());
  ASSERT_EQ(word->segments.size(), 3U);
  EXPECT_EQ(word->segments[0].text, "$5 ${params.x} ");
  EXPECT_EQ(word->segments[2].text, "$");
}

TEST(Quantities, AreReadAndWrittenAsKubernetesDoes) {
  EXPECT_EQ(parse_cpu("500m"), 500);
  EXPECT_EQ(parse_cpu("0.25"), 250);
  EXPECT_EQ(cpu_text(1500), "1500m");
  EXPECT_EQ(cpu_text(2000), "2");
  EXPECT_EQ(parse_bytes("512Mi"), std::uint64_t{512} << 20);
  EXPECT_EQ(parse_bytes("1.5k"), 1500U);
  EXPECT_EQ(bytes_text(std::uint64_t{3} << 30), "3Gi");
  EXPECT_EQ(bytes_text(1500), "1500");
  EXPECT_EQ(parse_seconds("90s"), 90);
  EXPECT_EQ(parse_seconds("1.5h"), 5400);
  for (const char* none : {"", "0", "-1", "x", "1e", "Mi", "5 s", "1x", "inf", "nan"}) {
    EXPECT_EQ(parse_bytes(none), std::nullopt) << none;
    EXPECT_EQ(parse_cpu(none), std::nullopt) << none;
    EXPECT_EQ(parse_seconds(none), std::nullopt) << none;
  }
}

}  // namespace
}  // namespace torii::pipeline
