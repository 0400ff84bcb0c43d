#include "pipeline/plan.h"

#include <gtest/gtest.h>

#include "pipeline/builder.h"

namespace torii::pipeline {
namespace {

TEST(Places, RelativePathsAreMeantFromAFolderAndUrisStay) {
  const std::filesystem::path here = "/srv/shop";
  EXPECT_EQ(settled_place("tables", here), "/srv/shop/tables");
  EXPECT_EQ(settled_place("../tables/", here), "/srv/tables/");
  EXPECT_EQ(settled_place("/data/tables", here), "/data/tables");
  EXPECT_EQ(settled_place("sqlite:shop.db", here), "sqlite:/srv/shop/shop.db");
  EXPECT_EQ(settled_place("sqlite:/data/shop.db", here), "sqlite:/data/shop.db");
  EXPECT_EQ(settled_place("feast:repo", here), "feast:/srv/shop/repo");
  for (const char* uri : {"s3://shop/tables", "postgres://shop", "redis:6379", ""}) {
    EXPECT_EQ(settled_place(uri, here), uri);
  }
}

TEST(Places, OnlyParametersOfThatTypeAreSettled) {
  PipelineBuilder pipeline("p", "");
  pipeline.parameter("data", ParameterType::kPlace, std::nullopt, "");
  pipeline.parameter("cache", ParameterType::kPlace, Json("texts"), "");
  pipeline.parameter("name", ParameterType::kText, std::nullopt, "");
  pipeline.step("a").command("torii x --data=${params.data} ${params.cache} ${params.name}");
  const auto graph = pipeline.build();
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const Given given = settled_places(*graph, {{"name", "n"}, {"data", "d"}}, "/srv");
  const auto plan = Plan::make(*graph, given, Plan::Missing::kRefuse);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->argument("data"), Json("/srv/d"));
  EXPECT_EQ(plan->argument("cache"), Json("/srv/texts"));
  EXPECT_EQ(plan->argument("name"), Json("n"));
}

}  // namespace
}  // namespace torii::pipeline
