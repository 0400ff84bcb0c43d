#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "support/http_server.h"
#include "support/temporary_folder.h"

namespace torii::net {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using torii::testing::HttpAnswer;
using torii::testing::HttpRequest;
using torii::testing::HttpServer;
using torii::testing::ranged_answer;
using torii::testing::TemporaryFolder;

constexpr std::size_t kLimit = 1 << 20;
const HttpOptions kFast = {.stall_timeout_ms = 1000, .backoff_ms = 1, .backoff_max_ms = 20};

class Listener final : public Reporter {
 public:
  void note(std::string_view text) override { notes.emplace_back(text); }
  [[nodiscard]] bool cancelled() const override { return stop; }
  std::vector<std::string> notes;
  std::atomic<bool> stop = false;
};

class Http : public ::testing::Test {
 protected:
  [[nodiscard]] HttpClient client(const Environment& environment = {}) {
    return {environment, kFast, listener_};
  }
  [[nodiscard]] std::filesystem::path file(const char* name = "part") const {
    return folder_.path() / name;
  }
  [[nodiscard]] std::string bytes() const { return read_file(file()).value(); }
  Listener listener_;
  TemporaryFolder folder_;
};

std::string long_text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * i + i / 97) % 23);
  return text;
}

TEST_F(Http, GetBringsStatusHeadersAndBody) {
  const HttpServer server([](const HttpRequest&) {
    return HttpAnswer{.status = 404, .headers = {{"X-Error-Code", "RepoNotFound"}}, .body = "no"};
  });
  const auto response = client().get(server.url("/a?b=1"), {{"X-Asked", "yes"}}, kLimit);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "no");
  EXPECT_EQ(header(response->headers, "x-error-CODE"), "RepoNotFound");
  EXPECT_EQ(header(response->headers, "absent"), std::nullopt);
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests()[0].target, "/a?b=1");
  EXPECT_EQ(server.requests()[0].header("x-asked"), "yes");
}

TEST_F(Http, PostSendsTheBodyAndBringsTheAnswer) {
  const HttpServer server([](const HttpRequest& request) {
    return HttpAnswer{.status = 200, .body = request.method + " " + request.body};
  });
  const std::string body = long_text(3000);  // longer than what curl sends without asking
  const auto response =
      client().post(server.url("/ask"), {{"Content-Type", "application/json"}}, body, kLimit);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "POST " + body);
  EXPECT_EQ(server.requests()[0].header("content-type"), "application/json");
  EXPECT_EQ(server.requests()[0].header("expect"), "");
  const auto empty = client().post(server.url("/ask"), {}, "", kLimit);
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->body, "POST ");
}

TEST_F(Http, PutSendsTheBodyAndLeavesNothingBehind) {
  const HttpServer server([](const HttpRequest& request) {
    return HttpAnswer{.status = 200, .body = request.method + " " + request.body};
  });
  auto http = client();
  EXPECT_EQ(http.put(server.url("/a"), {}, "new", kLimit)->body, "PUT new");
  EXPECT_EQ(http.post(server.url("/a"), {}, "more", kLimit)->body, "POST more");
  EXPECT_EQ(http.get(server.url("/a"), {}, kLimit)->body, "GET ");
}

TEST_F(Http, HeadBringsNoBody) {
  const HttpServer server([](const HttpRequest&) {
    return HttpAnswer{.headers = {{"X-Linked-Size", "12"}}, .body = "0123456789ab"};
  });
  const auto response = client().head(server.url("/file"), {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(header(response->headers, "X-Linked-Size"), "12");
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(server.requests()[0].method, "HEAD");
}

TEST_F(Http, ALongBodyIsRefused) {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{.body = long_text(5000)}; });
  const auto response = client().get(server.url("/"), {}, 4999);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(client().get(server.url("/"), {}, 5000).ok());
}

TEST_F(Http, AFailingServerIsAskedAgainAndNotForever) {
  std::atomic<int> calls = 0;
  int failures = 2;
  const HttpServer server([&](const HttpRequest&) {
    return calls++ < failures ? HttpAnswer{.status = 500} : HttpAnswer{.body = "well"};
  });
  auto response = client().get(server.url("/"), {}, kLimit);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->body, "well");
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(listener_.notes.size(), 2U);

  calls = 0;
  failures = 1000;
  response = client().get(server.url("/"), {}, kLimit);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 500);
  EXPECT_EQ(calls, kFast.attempts_max);
}

TEST_F(Http, WhatWillNotChangeIsAskedOnce) {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{.status = 403}; });
  EXPECT_EQ(client().get(server.url("/"), {}, kLimit)->status, 403);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Http, NobodyAnswers) {
  int port = 0;
  {
    port = HttpServer([](const HttpRequest&) { return HttpAnswer{}; }).port();
  }
  const auto url = "http://somebody:secret@127.0.0.1:" + std::to_string(port) + "/x?key=secret";
  const auto response = client().get(url, {{"Authorization", "Bearer secret"}}, kLimit);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kIo);
  EXPECT_THAT(response.error().message, AllOf(HasSubstr("/x"), Not(HasSubstr("secret"))));
  EXPECT_EQ(listener_.notes.size(), 2U);
  EXPECT_THAT(listener_.notes[0], Not(HasSubstr("secret")));
}

TEST_F(Http, OnlyHttpIsSpoken) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "x") << "local";
  EXPECT_FALSE(client().get("file://" + (folder.path() / "x").string(), {}, kLimit).ok());
  EXPECT_FALSE(client().get("no url", {}, kLimit).ok());
  const HttpServer server([&](const HttpRequest&) {
    return HttpAnswer{.status = 302,
                      .headers = {{"Location", "file://" + (folder.path() / "x").string()}}};
  });
  const auto response = client().get(server.url("/"), {}, kLimit);
  ASSERT_FALSE(response.ok());
  EXPECT_THAT(response.error().message, HasSubstr("scheme"));
}

TEST_F(Http, RedirectsAreFollowedButNotRoundAndRound) {
  const HttpServer round([](const HttpRequest&) {
    return HttpAnswer{.status = 302, .headers = {{"Location", "/again"}}};
  });
  const auto response = client().get(round.url("/"), {}, kLimit);
  ASSERT_FALSE(response.ok());
  EXPECT_THAT(response.error().message, HasSubstr("redirects"));
  EXPECT_EQ(round.requests().size(), static_cast<std::size_t>(kFast.redirects_max) + 1);
}

TEST_F(Http, TheTokenStaysWithTheFirstHost) {
  const HttpServer other([](const HttpRequest&) { return HttpAnswer{.body = "far"}; });
  const HttpServer server([&](const HttpRequest& request) {
    if (request.target == "/here") return HttpAnswer{.body = "near"};
    const std::string far = "http://localhost:" + std::to_string(other.port()) + "/cdn";
    return HttpAnswer{.status = 302,
                      .headers = {{"Location", request.target == "/near" ? "/here" : far}}};
  });
  const Headers headers = {{"Authorization", "Bearer secret"}};
  ASSERT_EQ(client().get(server.url("/near"), headers, kLimit)->body, "near");
  EXPECT_EQ(server.requests().back().header("authorization"), "Bearer secret");
  ASSERT_EQ(client().get(server.url("/far"), headers, kLimit)->body, "far");
  ASSERT_EQ(other.requests().size(), 1U);
  EXPECT_EQ(other.requests()[0].header("authorization"), "");
}

TEST_F(Http, AProxyComesFromTheMapOnly) {
  const HttpServer proxy(
      [](const HttpRequest& request) { return HttpAnswer{.body = "by proxy: " + request.target}; });
  const Environment environment = {{"http_proxy", proxy.url()}};
  EXPECT_EQ(client(environment).get("http://shop.invalid/a", {}, kLimit)->body,
            "by proxy: http://shop.invalid/a");
  const HttpServer direct([](const HttpRequest&) { return HttpAnswer{.body = "direct"}; });
  const Environment excepted = {{"http_proxy", proxy.url()}, {"no_proxy", "127.0.0.1"}};
  EXPECT_EQ(client(excepted).get(direct.url("/"), {}, kLimit)->body, "direct");
}

TEST_F(Http, DownloadWritesTheFile) {
  const std::string body = long_text(300'000);
  const HttpServer server(
      [&](const HttpRequest& request) { return ranged_answer(request, body, "\"v1\""); });
  std::uint64_t told = 0;
  auto done = client().download(server.url("/f"), {}, file(),
                                {.size_max = body.size(), .progress = [&](auto n) { told = n; }});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->status, 200);
  EXPECT_EQ(done->size, body.size());
  EXPECT_EQ(bytes(), body);
  EXPECT_EQ(told, body.size());
  EXPECT_FALSE(std::filesystem::exists(file("part.etag")));
}

TEST_F(Http, ATornTransferGoesOnWhereItStopped) {
  const std::string body = long_text(300'000);
  std::atomic<int> calls = 0;
  const HttpServer server([&](const HttpRequest& request) {
    auto answer = ranged_answer(request, body, "\"v1\"");
    if (calls++ < 2) answer.send_bytes_max = 100'000;
    return answer;
  });
  const auto done = client().download(server.url("/f"), {}, file(), {.size_max = body.size()});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(bytes(), body);
  ASSERT_EQ(server.requests().size(), 3U);
  EXPECT_EQ(server.requests()[1].header("range"), "bytes=100000-");
  EXPECT_EQ(server.requests()[1].header("if-range"), "\"v1\"");
  EXPECT_EQ(server.requests()[2].header("range"), "bytes=200000-");
}

TEST_F(Http, ALaterCallGoesOnToo) {
  const std::string body = long_text(300'000);
  bool torn = true;
  const HttpServer server([&](const HttpRequest& request) {
    auto answer = ranged_answer(request, body, "\"v1\"");
    if (torn) answer.send_bytes_max = 50'000;
    if (torn && request.headers.count("range") != 0) answer = {.status = 400};
    return answer;
  });
  EXPECT_EQ(client().download(server.url("/f"), {}, file(), {.size_max = body.size()})->status,
            400);
  EXPECT_EQ(bytes().size(), 50'000U);  // kept for the next call
  torn = false;
  const auto done = client().download(server.url("/f"), {}, file(), {.size_max = body.size()});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->resumed_at, 50'000U);
  EXPECT_EQ(bytes(), body);
}

TEST_F(Http, AChangedFileIsFetchedAnew) {
  const std::string body = long_text(200'000);
  std::ofstream(file()) << "something old";
  std::ofstream(file("part.etag")) << "\"v0\"";
  const HttpServer server(
      [&](const HttpRequest& request) { return ranged_answer(request, body, "\"v1\""); });
  const auto done = client().download(server.url("/f"), {}, file(), {.size_max = body.size()});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->resumed_at, 0U);
  EXPECT_EQ(bytes(), body);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Http, WithoutATagNothingIsContinued) {
  const std::string body = long_text(1000);
  std::ofstream(file()) << "something of unknown origin";
  const HttpServer server(
      [&](const HttpRequest& request) { return ranged_answer(request, body, "\"v1\""); });
  ASSERT_TRUE(client().download(server.url("/f"), {}, file(), {.size_max = body.size()}).ok());
  EXPECT_EQ(server.requests()[0].header("range"), "");
  EXPECT_EQ(bytes(), body);
}

TEST_F(Http, APartThatWasNotAskedForIsNotTaken) {
  const std::string body = long_text(1000);
  std::ofstream(file()) << body.substr(0, 400);
  std::ofstream(file("part.etag")) << "\"v1\"";
  std::atomic<int> calls = 0;
  const HttpServer server([&](const HttpRequest& request) {
    if (calls++ > 0) return ranged_answer(request, body, "\"v1\"");
    return HttpAnswer{.status = 206,
                      .headers = {{"Content-Range", "bytes 500-999/1000"}},
                      .body = body.substr(500)};
  });
  ASSERT_TRUE(client().download(server.url("/f"), {}, file(), {.size_max = body.size()}).ok());
  EXPECT_EQ(bytes(), body);
}

TEST_F(Http, AWorkingCopyThatIsTooLongStartsAnew) {
  const std::string body = long_text(1000);
  std::ofstream(file()) << body << "and more";
  std::ofstream(file("part.etag")) << "\"v1\"";
  const HttpServer server(
      [&](const HttpRequest& request) { return ranged_answer(request, body, "\"v1\""); });
  ASSERT_TRUE(client().download(server.url("/f"), {}, file(), {.size_max = body.size()}).ok());
  EXPECT_EQ(bytes(), body);
}

TEST_F(Http, MoreThanWasAnnouncedIsRefused) {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{.body = long_text(5000)}; });
  const auto done = client().download(server.url("/f"), {}, file(), {.size_max = 4000});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(Http, AnEmptyFileIsAFile) {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{}; });
  const auto done = client().download(server.url("/f"), {}, file(), {.size_max = 10});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->size, 0U);
  EXPECT_EQ(bytes(), "");
}

TEST_F(Http, AStalledTransferEnds) {
  std::atomic<int> calls = 0;
  const std::string body = long_text(100'000);
  const HttpServer server([&](const HttpRequest& request) {
    auto answer = ranged_answer(request, body, "\"v1\"");
    if (calls++ == 0) answer.pause_ms = 3000;
    return answer;
  });
  const auto done = client().download(server.url("/f"), {}, file(), {.size_max = body.size()});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(bytes(), body);
  EXPECT_GE(calls, 2);
}

TEST_F(Http, AFullDiskSaysSo) {
  std::filesystem::create_symlink("/dev/full", file());
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{.body = long_text(5000)}; });
  const auto done = client().download(server.url("/f"), {}, file(), {.size_max = 5000});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(done.error().message, HasSubstr("make room"));
}

TEST_F(Http, CtrlCEndsATransferAndAPause) {
  const std::string body = long_text(1'000'000);
  const HttpServer server([&](const HttpRequest& request) {
    auto answer = ranged_answer(request, body, "\"v1\"");
    answer.pause_ms = 100;
    if (request.target == "/busy") answer = {.status = 503, .headers = {{"Retry-After", "3600"}}};
    return answer;
  });
  const auto done = client().download(
      server.url("/f"), {}, file(),
      {.size_max = body.size(), .progress = [&](auto n) { listener_.stop = n > 100'000; }});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::kCancelled);
  EXPECT_GT(bytes().size(), 100'000U);
  const auto busy = client().get(server.url("/busy"), {}, kLimit);
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().code, ErrorCode::kCancelled);
}

TEST(Shown, LeavesSecretsOut) {
  EXPECT_EQ(shown("https://u:p@host/a/b?sig=1#x"), "https://host/a/b");
  EXPECT_EQ(shown("https://host"), "https://host");
  EXPECT_EQ(shown("https://host/@scope"), "https://host/@scope");
}

}  // namespace
}  // namespace torii::net
