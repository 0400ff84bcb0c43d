#include "report/report.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "report/small_shop.h"

namespace torii::report {
namespace {

using testing::SmallShop;

// Tags, attributes and entities as XML wants them: what a browser need not guess. Returns the first
// fault, or nothing.
std::string fault_of(const std::string& page) {
  std::vector<std::string> open;
  const std::regex tag(R"(^<(/?)([a-z0-9]+)((?: [a-zA-Z0-9-]+="[^"<]*")*)(/?)>)");
  const std::regex entity("^&(amp|lt|gt|quot|#39);");
  const std::size_t css = page.find("<style>"), css_end = page.find("</style>");
  for (std::size_t at = std::string("<!DOCTYPE html>").size(); at < page.size();) {
    if (css != std::string::npos && at > css + 6 && at < css_end) at = css_end;
    const std::string piece = page.substr(at, 4000);
    std::smatch match;
    if (page[at] == '&' && !std::regex_search(piece, entity)) return piece.substr(0, 80);
    if (page[at] == '>') return "stray > at " + page.substr(at - 40, 80);
    if (page[at] != '<') {
      ++at;
      continue;
    }
    if (!std::regex_search(piece, match, tag)) return piece.substr(0, 80);
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != match[2]) return "closed too early: " + match.str();
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(match[2]);
    }
    at += static_cast<std::size_t>(match.length());
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

class Report : public ::testing::Test {
 protected:
  // After a change of what was judged.
  void compare_again() {
    auto& report = shop_.report;
    report.comparisons = {evaluate::compare(report.baselines[0].name, report.subject.per_user,
                                            report.baselines[0].per_user, {.seed = 7}, pool_)};
  }
  ThreadPool pool_{2};
  SmallShop shop_{pool_};
};

TEST_F(Report, IsWellFormedWithEveryPart) {
  const std::string page = render(shop_.input, pool_);
  EXPECT_EQ(fault_of(page), "");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  for (const char* id : {"summary", "metrics", "groups", "popularity", "map", "people", "learning",
                         "data", "provenance"}) {
    EXPECT_EQ(count(page, fmt::format("<section id=\"{}\">", id)), 1U) << id;
    EXPECT_EQ(count(page, fmt::format("href=\"#{}\"", id)), id == std::string("summary") ? 2U : 1U);
  }
  EXPECT_LT(page.size(), 200'000U);
}

TEST_F(Report, ChecksOfThisTestCanFail) {
  EXPECT_NE(fault_of("<!DOCTYPE html><p><b>x</p></b>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p>a & b</p>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p class=x>a</p>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p>a"), "");
}

TEST_F(Report, IdsAreUniqueAndReferredToOnlyIfThere) {
  const std::string page = render(shop_.input, pool_);
  std::set<std::string> ids;
  const std::regex id(" id=\"([^\"]*)\"");
  for (std::sregex_iterator it(page.begin(), page.end(), id), end; it != end; ++it) {
    EXPECT_TRUE(ids.insert((*it)[1]).second) << (*it)[1];
  }
  const std::regex link(" href=\"#([^\"]*)\"");
  for (std::sregex_iterator it(page.begin(), page.end(), link), end; it != end; ++it) {
    EXPECT_TRUE(ids.contains((*it)[1])) << (*it)[1];
  }
  const std::regex labels(" aria-labelledby=\"([^ \"]*) ([^\"]*)\"");
  std::size_t charts = 0;
  for (std::sregex_iterator it(page.begin(), page.end(), labels), end; it != end; ++it, ++charts) {
    EXPECT_TRUE(ids.contains((*it)[1]) && ids.contains((*it)[2])) << it->str();
  }
  EXPECT_GE(charts, 10U);
  EXPECT_EQ(count(page, "role=\"img\""), charts);
}

TEST_F(Report, LoadsNothingAndRunsNothing) {
  const std::string page = render(shop_.input, pool_);
  EXPECT_EQ(count(page, "default-src 'none'"), 1U);
  for (const char* what : {"<script", "<link", "<img", "<iframe", " src=", "url(", "@import",
                           "http:", "https:", "<object", "onload", "xlink"}) {
    EXPECT_EQ(count(page, what), 0U) << what;
  }
  EXPECT_EQ(count(page, "href=\""), count(page, "href=\"#"));
}

TEST_F(Report, TextsOfTheDataStayTexts) {
  const std::string page = render(shop_.input, pool_);
  EXPECT_NE(page.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;more&quot;"),
            std::string::npos);
  EXPECT_EQ(page.find("<b>bold"), std::string::npos);
  EXPECT_EQ(page.find("item id <i>"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  EXPECT_EQ(page.find("\u202E"), std::string::npos) << "marks that turn the direction of writing";
  EXPECT_NE(page.find("חתול 🐈"), std::string::npos);
  EXPECT_EQ(page.find(std::string(301, 'x')), std::string::npos) << "long titles are cut";
}

TEST_F(Report, NobodysIdUnlessAsked) {
  std::string page = render(shop_.input, pool_);
  EXPECT_EQ(page.find("secret-"), std::string::npos);
  EXPECT_EQ(page.find("Rareville"), std::string::npos) << "shared by fewer than 10 people";
  EXPECT_NE(page.find("city Kyoto"), std::string::npos);
  EXPECT_NE(page.find("Person 1"), std::string::npos);
  shop_.input.user_ids = true;
  page = render(shop_.input, pool_);
  EXPECT_NE(page.find("Person secret-"), std::string::npos);
}

TEST_F(Report, PaperIsWhite) {
  EXPECT_NE(render(shop_.input, pool_).find(";--bg:#fff}}"), std::string::npos);
}

TEST_F(Report, SameInputGivesTheSameBytes) {
  const std::string page = render(shop_.input, pool_);
  ThreadPool one(1);
  EXPECT_TRUE(page == render(shop_.input, one));
  shop_.input.date = "2026-11-22";
  EXPECT_FALSE(page == render(shop_.input, one));
}

TEST_F(Report, SaysWhatIsWorse) {
  EXPECT_NE(render(shop_.input, pool_).find("Better than the most popular items"),
            std::string::npos);
  EXPECT_EQ(render(shop_.input, pool_).find("rivals"), std::string::npos);
  // The same judgement with the parts exchanged.
  std::swap(shop_.report.subject, shop_.report.baselines[0]);
  std::swap(shop_.report.subject.name, shop_.report.baselines[0].name);
  compare_again();
  EXPECT_NE(render(shop_.input, pool_).find("Worse than the most popular items"),
            std::string::npos);
  shop_.report.baselines[0] = shop_.report.subject;
  shop_.report.baselines[0].name = "popularity";
  compare_again();
  EXPECT_NE(render(shop_.input, pool_).find("No clear difference to the most popular items"),
            std::string::npos);
  shop_.report.users = 29;
  EXPECT_NE(render(shop_.input, pool_).find("too few for a verdict"), std::string::npos);
}

TEST_F(Report, TakesDifferencesAndExposureFromTheJudgement) {
  // Numbers that no draw of people would give.
  evaluate::Comparison& comparison = shop_.report.comparisons[0];
  for (evaluate::Difference& difference : comparison.differences) {
    difference.interval = {-0.1234, 0.5678};
    difference.verdict = evaluate::Verdict::kNoClearDifference;
  }
  shop_.report.subject.exposure["coverage@10"] = 0.5;
  shop_.report.subject.exposure["gini@10"] = 0.4321;
  shop_.report.subject.exposure["novelty@10"] = 9.87;
  shop_.report.subject.exposure["tail_share@10"] = 0.6543;
  shop_.report.baselines[0].intervals["hit@10"] = {0.0111, 0.9991};
  shop_.report.random["ndcg@10"] = 0.0456;
  const std::string page = render(shop_.input, pool_);
  EXPECT_NE(page.find("No clear difference to the most popular items"), std::string::npos);
  // The sentence, the row of the main metric, and a row for each of all metrics.
  EXPECT_EQ(count(page, "−0.1234 to +0.5678"), 2 + comparison.differences.size());
  for (const char* part : {">0.4321<", ">9.87<", ">65.4 %<", "15 items reach somebody",
                           "0.0111 to 0.9991", ">0.0456<", "Random ranking 0.0456."}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
}

TEST_F(Report, GroupsHaveIntervals) {
  ASSERT_FALSE(shop_.report.slices.empty());
  for (evaluate::Slice& slice : shop_.report.slices) slice.intervals["ndcg@10"] = {0.0123, 0.9876};
  const std::string page = render(shop_.input, pool_);
  EXPECT_EQ(count(page, "<td class=\"n\">0.0123 to 0.9876</td>"), shop_.report.slices.size());
}

TEST_F(Report, ColumnsAreThereIfAskedFor) {
  std::string page = render(shop_.input, pool_);
  EXPECT_EQ(page.find("By column"), std::string::npos);
  shop_.judge_with({}, {"users.city", "items.kind"}, pool_);
  page = render(shop_.input, pool_);
  EXPECT_EQ(fault_of(page), "");
  EXPECT_EQ(count(page, "<h3>By column</h3>"), 1U);
  EXPECT_EQ(count(page, "A group has at least 30 people"), 1U);
  for (const char* part : {"<b>users.city</b>", "<bdi>Kyoto</bdi>", "People by users.city",
                           "id=\"segment-1-t\"", "1 value was too small"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(page.find("Rareville"), std::string::npos) << "shared by fewer than 10 people";
  EXPECT_EQ(page.find("<b>bold"), std::string::npos);
  // Nobody in any group: said, and no empty chart.
  shop_.report.segments[0].groups.clear();
  page = render(shop_.input, pool_);
  EXPECT_NE(page.find("no value has 30 people"), std::string::npos);
  EXPECT_EQ(fault_of(page), "");
  ThreadPool one(1);
  EXPECT_TRUE(page == render(shop_.input, one));
}

TEST_F(Report, RivalsStandBesideTheBaselines) {
  shop_.judge_with({"/home/me/old<1>.bundle", "a/same.bundle", "b/same.bundle/"}, {}, pool_);
  shop_.input.seconds = shop_.report.seconds;
  std::string page = render(shop_.input, pool_);
  EXPECT_EQ(fault_of(page), "");
  EXPECT_NE(page.find("Beside simple methods and rivals"), std::string::npos);
  EXPECT_NE(page.find("<strong>no clear difference</strong> to <bdi>old&lt;1&gt;.bundle</bdi> on "
                      "the same people"),
            std::string::npos);
  EXPECT_NE(page.find("(NDCG@10 "), std::string::npos);
  EXPECT_EQ(page.find("/home/me"), std::string::npos) << "the name says which, not where";
  EXPECT_NE(page.find("rank:old&lt;1&gt;.bundle"), std::string::npos);
  EXPECT_NE(page.find("<bdi>a/same.bundle</bdi>"), std::string::npos);
  EXPECT_NE(page.find("<bdi>b/same.bundle/</bdi>"), std::string::npos);
  EXPECT_NE(page.find("The difference to old&lt;1&gt;.bundle in all metrics"), std::string::npos);
  ThreadPool one(1);
  EXPECT_TRUE(page == render(shop_.input, one));
  for (const auto& [verdict, text] :
       {std::pair(evaluate::Verdict::kBetter, "clearly better than <bdi>old"),
        std::pair(evaluate::Verdict::kWorse, "clearly worse than <bdi>old")}) {
    for (auto& difference : shop_.report.comparisons[1].differences) difference.verdict = verdict;
    page = render(shop_.input, pool_);
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
}

TEST_F(Report, ShowsTheKeptEpochOrSaysThatThereIsNoHistory) {
  EXPECT_NE(render(shop_.input, pool_).find("Of 3 epochs, number 2 is in the bundle"),
            std::string::npos);
  shop_.bundle.evaluation = Json::object().set("epoch", 2);
  const std::string page = render(shop_.input, pool_);
  EXPECT_NE(page.find("holds no history of its training"), std::string::npos);
  EXPECT_EQ(fault_of(page), "");
}

TEST_F(Report, OfABaselineHasNoMap) {
  shop_.input.bundle = nullptr;
  shop_.input.item_embeddings = {};
  shop_.report.baselines.clear();
  shop_.report.comparisons.clear();
  const std::string page = render(shop_.input, pool_);
  EXPECT_NE(page.find("A baseline has no embeddings to draw"), std::string::npos);
  EXPECT_NE(page.find("Judged without a baseline beside it"), std::string::npos);
  EXPECT_EQ(fault_of(page), "");
}

TEST_F(Report, WithoutTitlesItemsHaveTheirIds) {
  shop_.input.title_of = nullptr;
  EXPECT_NE(render(shop_.input, pool_).find("<bdi>12</bdi>"), std::string::npos);
}

TEST_F(Report, FindingsAndChangedKeysAreThere) {
  const std::string page = render(shop_.input, pool_);
  EXPECT_NE(page.find("interactions: no item id &lt;i&gt;"), std::string::npos);
  EXPECT_NE(page.find("<code>train.epochs</code>"), std::string::npos);
  EXPECT_EQ(page.find("for machines"), std::string::npos);
}

}  // namespace
}  // namespace torii::report
