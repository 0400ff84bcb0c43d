#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "evaluate/small_world.h"
#include "report/report.h"

// A shop of a few people and things with everything that a page may stumble over, for the tests of
// this module.
namespace torii::report::testing {

inline data::Column text_column(std::string name, const std::vector<std::string>& values) {
  StringArray texts;
  for (const std::string& value : values) texts.push_back(value);
  data::Column column;
  column.name = std::move(name);
  column.values = std::move(texts);
  return column;
}

inline constexpr std::uint32_t kPeople = 40;
inline constexpr std::uint32_t kThings = 30;

inline model::Bundle empty_bundle() {
  model::TowerShape shape;
  shape.width = 8;
  shape.ids = 1;
  Random random(1);
  model::TwoTower towers{model::EntityTower(shape, random), model::EntityTower(shape, random)};
  return {{}, std::move(towers), {}, {}, {}, {}, {}, {}, {}, {}};
}

/// Even people like even things. The first person has no history, the second only misses.
struct SmallShop {
  evaluate::testing::SmallWorld world;
  evaluate::Task task;
  evaluate::Report report;
  model::Bundle bundle = empty_bundle();
  Matrix embeddings;
  std::vector<std::string> titles;
  Input input;

  explicit SmallShop(ThreadPool& pool) : embeddings(kThings, 8) {
    std::vector<evaluate::testing::Row> rows;
    for (std::uint32_t u = 0; u < kPeople; ++u) {
      for (std::uint32_t n = 0; n < 5; ++n) {
        const std::uint32_t item = (2 * (u * 3 + n * 2) + u % 2) % kThings;
        const bool test = n == 4 || u == 0;
        rows.push_back({u, item, test ? data::Part::kTest : data::Part::kTrain, true});
      }
    }
    world = evaluate::testing::small_world(kPeople, kThings, rows);
    std::vector<std::string> ids, cities;
    for (std::uint32_t u = 0; u < kPeople; ++u) {
      ids.push_back(fmt::format("secret-{:03}", u));
      cities.push_back(u == 3 ? "Rareville" : "Kyoto");
    }
    world.dataset.users = IdIndex(ids, false);
    world.dataset.user_table = data::Table({text_column("city", cities)});
    auto& interactions = world.dataset.interactions;
    interactions.time.assign(interactions.size(), data::Interactions::kNoTime);
    interactions.rating.assign(interactions.size(), 3.0F);
    interactions.rating[6] = 5.0F;
    std::vector<std::string> kinds;
    for (std::uint32_t i = 0; i < kThings; ++i) {
      titles.push_back(fmt::format("Thing {}", i));
      kinds.push_back(i % 2 == 0 ? "even & <b>bold</b>" : "odd");
    }
    titles[0] = "<script>alert('1')</script> & \"more\"";
    titles[1] = "חתול 🐈 \u202E turned";
    titles[2] = std::string("broken \xff and \x1b[31m");
    titles[3] = std::string(5000, 'x');
    titles[4] = "";
    world.dataset.item_table =
        data::Table({text_column("kind", kinds), text_column("title", titles)});
    world.dataset.dropped["interactions: no item id <i>"] = 12;
    world.dataset.fingerprint = "f00d";
    task = evaluate::make_task(world.dataset, world.split, data::Part::kTest);

    for (std::uint32_t i = 0; i < kThings; ++i) {
      for (std::uint32_t c = 0; c < 8; ++c) {
        embeddings(i, c) = 0.1F * static_cast<float>((i * 7 + c * 3) % 5);
      }
      embeddings(i, i % 2) += 3.0F;
    }
    bundle.id = "b0b0";
    bundle.spec.item.categorical.push_back({.column = "kind"});
    bundle.provenance = Json::object().set("seed", 42).set("train_sample", "for machines");
    Json epochs = Json::array();
    for (int epoch = 1; epoch <= 3; ++epoch) {
      epochs.push(Json::object()
                      .set("epoch", epoch)
                      .set("loss", 2.0 / epoch)
                      .set("valid", Json::object().set("ndcg@10", 0.1 * epoch)));
    }
    bundle.evaluation = Json::object().set("epoch", 2).set("epochs", std::move(epochs));

    judge_with({}, {}, pool);

    input.subject = "shop.bundle";
    input.split = "loo";
    input.report = &report;
    input.task = &task;
    input.dataset = &world.dataset;
    input.parts = &world.split;
    input.bundle = &bundle;
    input.item_embeddings = embeddings.view();
    input.title_of = [this](std::uint32_t item) { return titles[item]; };
    input.settings = {{"train.epochs", "3", "30"}};
    input.run = {{"threads", "2"}};
    input.seconds = {{"load", 0.5}};
  }
  /// Judges with rivals that are just as good, and divided by columns. The towers' part is played
  /// by a ranker that knows who likes what.
  void judge_with(const std::vector<std::string>& rivals, const std::vector<std::string>& columns,
                  ThreadPool& pool) {
    evaluate::EvaluateOptions options;
    options.k = {"5", "10"};
    options.baselines = {"popularity"};
    Matrix users(kPeople, 8);
    for (std::uint32_t u = 0; u < kPeople; ++u) users(u, u % 2) = 1.0F;
    users(1, 0) = 2.0F;
    const auto ranker_of = [&](const std::string& name) {
      return evaluate::make_embedding_ranker(name, users.view(), embeddings.view(), Metric::kDot);
    };
    const auto subject = ranker_of("two-tower");
    std::vector<std::unique_ptr<evaluate::Ranker>> owned;
    std::vector<const evaluate::Ranker*> others;
    for (const std::string& name : rivals) {
      owned.push_back(ranker_of(name));
      others.push_back(owned.back().get());
    }
    std::vector<evaluate::SegmentColumn> segments;
    for (const std::string& column : columns) {
      segments.push_back(*evaluate::find_segment(column, world.dataset));
    }
    report = *evaluate::make_report(*subject,
                                    {.task = &task,
                                     .dataset = &world.dataset,
                                     .options = options,
                                     .segments = segments,
                                     .rivals = others,
                                     .seed = 7},
                                    pool);
  }
  SmallShop(const SmallShop&) = delete;
  SmallShop& operator=(const SmallShop&) = delete;
};

}  // namespace torii::report::testing
