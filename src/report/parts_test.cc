#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "report/chart.h"
#include "report/item_map.h"
#include "report/people.h"
#include "report/shown_items.h"
#include "report/small_shop.h"
#include "report/tsne.h"

namespace torii::report {
namespace {

TEST(ReportHtml, TextIsEscapedAndMarkupIsNot) {
  const Html inner = html("<b>{}</b>", "1 < 2");
  EXPECT_EQ(html("<p title=\"{}\">{} {:.1f} {}</p>", "\"'&", inner, 2.25, 3).code,
            "<p title=\"&quot;&#39;&amp;\"><b>1 &lt; 2</b> 2.2 3</p>");
  EXPECT_EQ(html("{}", std::string("\x1b")).code, "␛");
}

TEST(ReportHtml, NumbersAreWrittenInOneWay) {
  EXPECT_EQ(metric_text(0.29404), "0.2940");
  EXPECT_EQ(metric_text(NAN), "-");
  EXPECT_EQ(signed_text(-0.002), "−0.0020");
  EXPECT_EQ(signed_text(0.00001), "0.0000");
  EXPECT_EQ(percent_text(0.3379), "33.8 %");
  EXPECT_EQ(times_text(2.149), "2.1");
  EXPECT_EQ(times_text(0.744), "0.74");
  EXPECT_EQ(count_text(1, "item", "items"), "1 item");
}

TEST(ReportChart, TicksAreRoundAndInside) {
  EXPECT_EQ(ticks(0.0, 1.0, 5), (std::vector<double>{0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0}));
  EXPECT_EQ(ticks(3.0, 3.0, 5), (std::vector<double>{3.0}));
  for (const double value : ticks(-0.0371, 0.0212, 6)) {
    EXPECT_GE(value, -0.0372);
    EXPECT_LE(value, 0.0213);
  }
}

TEST(ReportChart, DrawsNumbersThatNoAxisExpects) {
  LineChart chart;
  chart.series = {{"flat", "subject", {1.0}, {5.0}}};
  chart.mark = "kept";
  chart.marked_x = 1.0;
  EXPECT_EQ(draw(chart).code.find("nan"), std::string::npos);
  IntervalChart zero;
  zero.reference = NAN;
  zero.rows = {{"nothing", true, 0.0, 0.0, 0.0}};
  EXPECT_EQ(draw(zero).code.find("nan"), std::string::npos);
}

// Two clouds in 6 dimensions, far from each other.
Matrix two_clouds(std::size_t rows) {
  Matrix points(rows, 6);
  Random random(3);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t c = 0; c < 6; ++c) points(i, c) = static_cast<float>(0.3 * random.normal());
    points(i, 0) += i % 2 == 0 ? 4.0F : -4.0F;
  }
  return points;
}

TEST(Tsne, KeepsNeighboursTogetherForAnyThreadCount) {
  constexpr std::size_t kRows = 200;
  const Matrix rows = two_clouds(kRows);
  ThreadPool one(1), two(2);
  const Principal plane = principal_plane(rows.view());
  const Neighbours near = nearest_rows(rows.view(), 60, two);
  const auto points = tsne(near, plane.points, two);
  // The nearest on the map belongs to the same cloud.
  for (std::size_t i = 0; i < kRows; ++i) {
    std::size_t nearest = i;
    float least = INFINITY;
    for (std::size_t j = 0; j < kRows; ++j) {
      const float d = std::hypot(points[i].x - points[j].x, points[i].y - points[j].y);
      if (j != i && d < least) least = d, nearest = j;
    }
    EXPECT_EQ(nearest % 2, i % 2) << i;
    EXPECT_LE(std::max(std::fabs(points[i].x), std::fabs(points[i].y)), 1.0001F);
  }
  const auto again = tsne(nearest_rows(rows.view(), 60, one), plane.points, one);
  for (std::size_t i = 0; i < kRows; ++i) EXPECT_EQ(points[i].x, again[i].x);
}

TEST(Tsne, PlaneHoldsWhatTwoDirectionsHold) {
  Matrix rows(50, 3);
  for (std::size_t i = 0; i < 50; ++i) {
    rows(i, 0) = static_cast<float>(i);
    rows(i, 2) = static_cast<float>(i % 7);
  }
  EXPECT_NEAR(principal_plane(rows.view()).variance_share, 1.0, 1e-9);
  EXPECT_GT(principal_plane(two_clouds(100).view()).variance_share, 0.9);
  EXPECT_EQ(principal_plane(Matrix(5, 3).view()).variance_share, 0.0);
}

TEST(Tsne, NearestRowsAreThoseOfTheDefinition) {
  const Matrix rows = two_clouds(40);
  ThreadPool pool(2);
  const Neighbours near = nearest_rows(rows.view(), 5, pool);
  for (std::size_t i = 0; i < 40; ++i) {
    std::vector<std::pair<double, std::uint32_t>> all;
    for (std::uint32_t j = 0; j < 40; ++j) {
      double d = 0.0;
      for (std::size_t c = 0; c < 6; ++c) {
        d += std::pow(static_cast<double>(rows(i, c)) - rows(j, c), 2);
      }
      if (j != i) all.emplace_back(d, j);
    }
    std::ranges::sort(all);
    for (std::size_t n = 0; n < 5; ++n) EXPECT_EQ(near.rows[i * 5 + n], all[n].second);
  }
}

TEST(ItemMap, TakesTheColumnThatExplainsNeighbours) {
  const Matrix rows = two_clouds(120);
  std::vector<std::string> cloud, noise, all;
  for (std::size_t i = 0; i < 120; ++i) {
    cloud.push_back(i % 2 == 0 ? "right" : "left");
    noise.push_back(mix64(i) % 2 == 0 ? "a" : "b");
    all.push_back("same|" + std::string(i % 2 == 0 ? "r" : "l"));
  }
  const data::Table table({testing::text_column("noise", noise),
                           testing::text_column("cloud", cloud), testing::text_column("all", all)});
  features::EntitySpec spec;
  spec.categorical = {{.column = "noise"}, {.column = "cloud"}};
  ThreadPool pool(2);
  const ItemMap map = make_item_map(rows.view(), Metric::kEuclidean, table, spec, pool);
  EXPECT_EQ(map.column, "cloud");
  ASSERT_EQ(map.categories.size(), 2U);
  EXPECT_GT(map.categories[0].neighbours_same, 0.99);
  EXPECT_NEAR(map.categories[0].by_chance, 59.0 / 119.0, 1e-9);
  EXPECT_GT(map.neighbours_kept, 0.2);
  // What every item has says nothing.
  spec.categorical = {{.column = "all", .separator = "|"}};
  const ItemMap pieces = make_item_map(rows.view(), Metric::kEuclidean, table, spec, pool);
  ASSERT_EQ(pieces.categories.size(), 2U);
  for (const MapCategory& category : pieces.categories) EXPECT_NE(category.name, "same");
}

TEST(ItemMap, IsBoundedAndEmptyWithoutItems) {
  ThreadPool pool(2);
  EXPECT_TRUE(make_item_map({}, Metric::kDot, {}, {}, pool).items.empty());
  EXPECT_TRUE(make_item_map(Matrix(2, 4).view(), Metric::kDot, {}, {}, pool).items.empty());
  // Items that are all alike have no plane, and must not end in nothing or in NaN.
  const ItemMap alike = make_item_map(Matrix(20, 4).view(), Metric::kCosine, {}, {}, pool);
  for (const Point& point : alike.points) EXPECT_TRUE(std::isfinite(point.x + point.y));
}

TEST(People, AreChosenByTheRule) {
  ThreadPool pool(1);
  const testing::SmallShop shop(pool);
  const auto people = choose_people(shop.report.subject, shop.task);
  ASSERT_GE(people.size(), 3U);
  const MainMetric main = main_metric(shop.report.subject.per_user);
  EXPECT_EQ(main.name, "ndcg@10");
  std::vector<double> values;
  for (std::size_t row = 0; row < shop.report.subject.per_user.users(); ++row) {
    values.push_back(shop.report.subject.per_user.row(row)[main.place]);
  }
  std::ranges::sort(values, std::greater<>());
  const auto by_role = [&](const char* role) {
    return std::ranges::find(people, role, &Person::role);
  };
  EXPECT_EQ(by_role("best")->value, values.front());
  EXPECT_EQ(by_role("typical")->value, values[values.size() / 2]);
  EXPECT_EQ(by_role("worst")->value, values.back());
  ASSERT_NE(by_role("new"), people.end());
  EXPECT_EQ(by_role("new")->user, 0U);
}

TEST(People, HistoryIsBestRatedFirstAndHoldsNothingOfTheJudgedPart) {
  ThreadPool pool(1);
  const testing::SmallShop shop(pool);
  const auto history = history_of(shop.world.dataset, shop.task, 1);
  ASSERT_EQ(history.size(), 4U);
  EXPECT_EQ(history.front(), shop.world.dataset.interactions.item[6]) << "the one with 5 stars";
  const std::uint32_t held_out = shop.world.dataset.interactions.item[9];
  EXPECT_EQ(std::ranges::count(history, held_out), 0);
  EXPECT_TRUE(history_of(shop.world.dataset, shop.task, 0).empty());
}

TEST(ShownItems, CountPlacesOfTheFirstK) {
  evaluate::Outcome outcome;
  outcome.lists.k = 3;
  outcome.lists.entries = {{0, 3.0F}, {1, 2.0F}, {2, 1.0F}, {0, 3.0F}, {3, 2.0F}, {}};
  outcome.lists.counts = {3, 2};
  const std::vector<std::uint8_t> groups = {0, 3, 3, 3};
  const Places two = places_of(outcome, 2, groups);
  EXPECT_EQ(two.all, 4U);
  EXPECT_EQ(two.counts, (std::vector<std::uint64_t>{2, 1, 1}));
  EXPECT_DOUBLE_EQ(two.groups[0], 0.5);
  EXPECT_DOUBLE_EQ(two.groups[3], 0.5);
  EXPECT_EQ(shown_items(3.0 / 7.0, 7), 3U);
}

TEST(ShownItems, ChoicesAreOneListOfAllThatIsRelevant) {
  ThreadPool pool(1);
  const testing::SmallShop shop(pool);
  const evaluate::Outcome all = choices_as_list(shop.task.relevant);
  const auto& list = all.lists;
  ASSERT_EQ(list.size(), 1U);
  ASSERT_EQ(list.of(0).size(), shop.task.relevant.items.items.size());
  EXPECT_EQ(list.of(0).back().item, shop.task.relevant.items.items.back());
}

TEST(ShownItems, TheLastGroupIsTheTailOfTheExposure) {
  ThreadPool pool(1);
  const testing::SmallShop shop(pool);
  const auto groups =
      popularity_groups(shop.task, shop.world.dataset.interactions, testing::kThings);
  const Places places = places_of(shop.report.subject, 10, groups);
  EXPECT_DOUBLE_EQ(places.groups.back(), shop.report.subject.exposure.at("tail_share@10"));
}

}  // namespace
}  // namespace torii::report
