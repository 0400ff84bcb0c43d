#include "train/preset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace torii::train {
namespace {

struct All {
  model::ModelOptions model;
  TrainOptions train;
  features::InferenceRule inference = features::InferenceRule::kDefault;
  features::LearnOptions learn;
  Result<void> apply(std::string_view name) {
    return apply_preset(name, model, train, inference, learn);
  }
};

TEST(Preset, ArticleIsThePublishedSetUp) {
  All all;
  ASSERT_TRUE(all.apply("article").ok());
  EXPECT_EQ(all.model.metric, "euclidean");
  EXPECT_TRUE(all.model.batch_norm);
  EXPECT_FALSE(all.model.id_embeddings);
  EXPECT_EQ(all.train.loss, "magnitude");
  EXPECT_EQ(all.train.batch_size, 256);
  EXPECT_EQ(all.train.epochs, 10);
  EXPECT_DOUBLE_EQ(all.train.learning_rate, 1e-3);
  EXPECT_EQ(all.inference, features::InferenceRule::kArticle);
  EXPECT_FALSE(all.learn.standardize);
  EXPECT_FALSE(all.learn.has_oov);
  EXPECT_EQ(all.learn.categorical_count_min, 1);
}

TEST(Preset, DefaultUndoesArticleButKeepsSeedAndTextModel) {
  All all;
  all.train.seed = 7;
  all.model.text_model = "/some/folder";
  ASSERT_TRUE(all.apply("article").ok());
  ASSERT_TRUE(all.apply("default").ok());
  EXPECT_EQ(all.train.loss, "softmax");
  EXPECT_TRUE(all.model.id_embeddings);
  EXPECT_TRUE(all.learn.has_oov);
  EXPECT_EQ(all.train.seed, 7);
  EXPECT_EQ(all.model.text_model, "/some/folder");
}

TEST(Preset, UnknownNameIsAnErrorThatNamesTheNearest) {
  All all;
  const auto result = all.apply("artcle");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(result.error().message, testing::HasSubstr("'article'"));
  EXPECT_EQ(all.train.loss, "softmax");
}

}  // namespace
}  // namespace torii::train
