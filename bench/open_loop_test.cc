// The load generator measures what it says: exact percentiles, whole answers, and the wait behind a
// slow answer.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "answer_reader.h"
#include "base/json.h"
#include "http_load.h"
#include "latency.h"
#include "support/http_server.h"

namespace torii::bench {
namespace {

using State = AnswerReader::State;

TEST(Latency, PercentilesAreTheNearestRank) {
  Latency latency;
  EXPECT_EQ(latency.percentile_us(99), 0.0);
  for (int us = 1000; us >= 1; --us) latency.add(us);
  EXPECT_EQ(latency.percentile_us(50), 500.0);
  EXPECT_EQ(latency.percentile_us(99), 990.0);
  EXPECT_EQ(latency.percentile_us(99.9), 999.0);
  EXPECT_EQ(latency.percentile_us(100), 1000.0);
  EXPECT_EQ(latency.percentile_us(0.01), 1.0);
  latency.add(5000.0);  // sorted anew
  EXPECT_EQ(latency.percentile_us(100), 5000.0);
  EXPECT_EQ(latency.percentile_us(99.9), 1000.0);
}

TEST(Latency, OneOfAHundredIsSeenInTheRightPlace) {
  Latency latency;
  for (int n = 0; n < 99; ++n) latency.add(10.0);
  latency.add(1e12);  // more than it can hold: the most
  EXPECT_EQ(latency.percentile_us(99), 10.0);
  EXPECT_EQ(latency.percentile_us(99.9), 4294967295.0);
}

TEST(AnswerReader, TakesAnswersInPiecesAndOneBehindTheOther) {
  const std::string first = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  const std::string second =
      "HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\n1A;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
  const std::string bytes = first + second;
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    AnswerReader reader;
    std::vector<int> statuses;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      State state = reader.feed(std::string_view(bytes).substr(at, step));
      while (state == State::kDone) {
        statuses.push_back(reader.status());
        if (statuses.size() == 1) {
          EXPECT_EQ(reader.body(), "hello");
          EXPECT_FALSE(reader.closes());
        } else {
          EXPECT_TRUE(reader.closes());
        }
        reader.next();
        state = reader.feed("");
      }
      ASSERT_EQ(state, State::kMore) << step;
    }
    EXPECT_EQ(statuses, (std::vector<int>{200, 503})) << step;
  }
}

TEST(AnswerReader, RefusesWhatIsNoAnswer) {
  for (const char* bytes :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n", "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcd\r\n"}) {
    AnswerReader reader;
    EXPECT_EQ(reader.feed(bytes), State::kBroken) << bytes;
  }
  AnswerReader reader;
  EXPECT_EQ(reader.feed("HTTP/1.1 204 No Content\r\n\r\n"), State::kDone);
}

TEST(Requests, AreReadOneALine) {
  const auto requests = parse_requests("GET /a\n\nPOST /b\t{\"k\": 1}\n", "X-API-Key: k\r\n");
  ASSERT_TRUE(requests.ok());
  ASSERT_EQ(requests->size(), 2U);
  EXPECT_EQ((*requests)[0], "GET /a HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: k\r\n\r\n");
  EXPECT_TRUE((*requests)[1].ends_with("Content-Length: 8\r\n\r\n{\"k\": 1}"));
  EXPECT_FALSE(parse_requests("GET\n", "").ok());
  EXPECT_FALSE(parse_requests("GET /a b\n", "").ok());
}

std::vector<std::string> one_request() {
  return parse_requests("GET /\n", "").value();
}

// One connection, and an answer that takes 300 ms: whoever arrived meanwhile waited.
TEST(OpenLoop, CountsTheWaitBehindASlowAnswer) {
  std::atomic<int> count = 0;
  testing::HttpServer server([&](const testing::HttpRequest&) {
    if (++count == 10) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return testing::HttpAnswer{.body = "x"};
  });
  LoadOptions options{.port = static_cast<std::uint16_t>(server.port()),
                      .requests = one_request(),
                      .connections = 1,
                      .rate = 200,
                      .poisson = false,
                      .seconds = 0.5};
  auto result = run_load(options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->requests, 100U);
  EXPECT_EQ(result->answered, 100U);
  EXPECT_EQ(result->errors(), 0U);
  EXPECT_GE(result->waiting_max, 30U);
  EXPECT_GT(result->latency.percentile_us(75), 50e3);
  options.rate = 0.0;  // a closed loop sees one slow answer
  count = 0;
  result = run_load(options);
  ASSERT_TRUE(result.ok());
  EXPECT_GT(result->latency.percentile_us(100), 290e3);
  EXPECT_LT(result->latency.percentile_us(75), 50e3);
}

TEST(OpenLoop, CountsTimeoutsAndStatuses) {
  testing::HttpServer server([&](const testing::HttpRequest& request) {
    if (request.target == "/slow") std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return testing::HttpAnswer{.status = 404, .body = "x"};
  });
  LoadOptions options{.port = static_cast<std::uint16_t>(server.port()),
                      .requests = parse_requests("GET /slow\nGET /fast\n", "").value(),
                      .connections = 4,
                      .rate = 40,
                      .poisson = false,
                      .seconds = 0.25,
                      .timeout_s = 0.1};
  auto result = run_load(options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->requests, 10U);
  EXPECT_EQ(result->errors(), 10U);
  EXPECT_GE(result->timeouts, 5U);
  EXPECT_EQ(result->timeouts + result->answered, 10U);
  EXPECT_EQ(result->statuses[404], result->answered);
  EXPECT_GE(result->latency.percentile_us(100), 100e3);
  EXPECT_EQ(Json::parse(result->json(), "result").value().int_at("requests"), 10);
}

TEST(OpenLoop, SaysThatNobodyAnswers) {
  int port = 0;
  {
    testing::HttpServer server([](const testing::HttpRequest&) { return testing::HttpAnswer{}; });
    port = server.port();
  }
  LoadOptions options{.port = static_cast<std::uint16_t>(port),
                      .requests = one_request(),
                      .connections = 2,
                      .rate = 100,
                      .seconds = 0.1};
  auto result = run_load(options);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->answered, 0U);
  EXPECT_EQ(result->errors(), result->requests);
  EXPECT_FALSE(run_load({.port = 1, .requests = {}}).ok());
}

}  // namespace
}  // namespace torii::bench
