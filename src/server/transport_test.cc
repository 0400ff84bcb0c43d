#include "server/transport.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/wire_client.h"

namespace torii::server {
namespace {

using torii::testing::WireClient;

// Answers with method, target and body; "/later" from another thread, "/big" with a megabyte.
class Echo final : public HttpHandler {
 public:
  ~Echo() override { finish(); }
  // Ends the threads, whose answers need the transport: before that goes.
  void finish() {
    release();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  void handle(const HttpRequest& request, Exchange& exchange) override {
    ++handled;
    if (request.target == "/later") {
      auto later = std::make_shared<Deferred>(exchange.defer());
      const std::scoped_lock lock(mutex_);
      threads_.emplace_back([this, later] {
        std::unique_lock waiting(mutex_);
        go_.wait_for(waiting, std::chrono::seconds(5), [this] { return released_; });
        Reply reply;
        reply.body = "later";
        later->send(std::move(reply));
      });
      return;
    }
    if (request.target == "/dropped") {
      (void)exchange.defer();
      return;
    }
    if (request.target == "/big") {
      exchange.reply().body = std::string(std::size_t{1} << 20, 'b');
      return;
    }
    std::string& body = exchange.reply().body;
    body.append(method_name(request.method)).append(" ").append(request.target);
    if (request.has_body) body.append(" ").append(request.body);
  }
  void refuse(int status, const char* why, Reply& reply) override {
    reply.status = status;
    reply.body = why;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    released_ = true;
    go_.notify_all();
  }
  std::atomic<int> handled{0};

 private:
  std::mutex mutex_;
  std::condition_variable go_;
  bool released_ = false;
  std::vector<std::thread> threads_;
};

class TransportTest : public ::testing::Test {
 protected:
  void start(const TransportOptions& options = {}) {
    auto made = Transport::listen(options, echo_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    transport_ = std::move(made).value();
    transport_->start();
  }
  void TearDown() override {
    echo_.finish();
    if (transport_) (void)transport_->drain(1);
  }
  Echo echo_;  // goes behind the transport
  std::unique_ptr<Transport> transport_;
};

TEST_F(TransportTest, AnswersOnAConnectionThatStays) {
  start({.threads = 2});
  WireClient client(transport_->port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto answer = client.read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "GET /a");
  }
  EXPECT_EQ(transport_->counts().accepted, 1U);
}

TEST_F(TransportTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  WireClient client(transport_->port());
  std::string many;
  for (int i = 0; i < 500; ++i) {
    many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.send(many);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.read().body, "GET /" + std::to_string(i));
}

TEST_F(TransportTest, ADeferredAnswerKeepsItsPlace) {
  start();
  WireClient client(transport_->port());
  client.send(
      "GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /later HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read().body, "GET /first");
  echo_.release();
  EXPECT_EQ(client.read().body, "later");
  EXPECT_EQ(client.read().body, "GET /last");
}

TEST_F(TransportTest, ADroppedAnswerIsARefusal) {
  start();
  WireClient client(transport_->port());
  client.send("GET /dropped HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read().status, 503);
  EXPECT_EQ(client.read().body, "GET /b");
}

TEST_F(TransportTest, BodiesArriveInPiecesAndChunks) {
  start();
  WireClient client(transport_->port());
  client.send("POST /p HTTP/1.1\r\nHo");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  client.send("st: x\r\nContent-Length: 10\r\n\r\n01234");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  client.send("56789");
  EXPECT_EQ(client.read().body, "POST /p 0123456789");
  client.send("PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  client.send("2;ext=1\r\nde\r\n0\r\n\r\nGET /n HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.read().body, "PUT /c abcde");
  EXPECT_EQ(client.read().body, "GET /n");
}

TEST_F(TransportTest, ABodyIsInvitedIfTheClientAsks) {
  start();
  WireClient client(transport_->port());
  client.send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("ok");
  EXPECT_EQ(client.read().body, "POST /p ok");
}

TEST_F(TransportTest, LimitsAreTold) {
  TransportOptions options;
  options.limits = {.header_bytes = 1024, .body_bytes = 100};
  start(options);
  const auto status_of = [&](const std::string& request) {
    WireClient client(transport_->port());
    client.send(request);
    const int status = client.read().status;
    EXPECT_TRUE(client.closes_within(3000)) << request.substr(0, 40);
    return status;
  };
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(2000, 'a') + "\r\n\r\n"),
            431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n" +
                      std::string(128, 'c') + "\r\n0\r\n\r\n"),
            413);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"), 400);
  EXPECT_EQ(status_of("nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/3.0\r\nHost: x\r\n\r\n"), 505);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"), 501);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(
      status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
      400);
}

TEST_F(TransportTest, SlowClientsAreCut) {
  start({.idle_s = 0.2, .read_s = 0.2, .write_s = 0.2});
  WireClient idle(transport_->port()), slow(transport_->port());
  slow.send("GET / HT");
  EXPECT_EQ(slow.read().status, 408);
  EXPECT_TRUE(slow.closes_within(3000));
  EXPECT_TRUE(idle.closes_within(3000));
  EXPECT_GE(transport_->counts().timed_out, 2U);
}

TEST_F(TransportTest, AClientThatDoesNotReadIsCut) {
  start({.write_s = 0.2});
  WireClient client(transport_->port());
  for (int i = 0; i < 30; ++i) client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  while (transport_->counts().accepted == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (int i = 0; i < 100 && transport_->counts().open > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(transport_->counts().open, 0U);
  EXPECT_LT(echo_.handled, 30) << "answers must not pile up for a client that does not read";
}

TEST_F(TransportTest, LargeAnswersArriveWholeWhenTheClientIsSlow) {
  start();
  WireClient client(transport_->port());
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(client.read().body.size(), std::size_t{1} << 20);
  EXPECT_EQ(client.read().body.size(), std::size_t{1} << 20);
}

TEST_F(TransportTest, MoreConnectionsThanAllowedAreClosed) {
  start({.connections_max = 2});
  WireClient a(transport_->port()), b(transport_->port());
  a.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  b.send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(a.read().status, 200);
  EXPECT_EQ(b.read().status, 200);
  WireClient c(transport_->port());
  EXPECT_TRUE(c.closes_within(3000));
  EXPECT_EQ(transport_->counts().refused, 1U);
}

TEST_F(TransportTest, DrainFinishesWhatRuns) {
  start();
  WireClient idle(transport_->port()), busy(transport_->port());
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  while (echo_.handled < 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::size_t cut = 99;
  std::thread drainer([&] { cut = transport_->drain(5); });
  EXPECT_TRUE(idle.closes_within(3000));
  EXPECT_FALSE(WireClient(transport_->port()).connected());
  echo_.release();
  const auto answer = busy.read();
  EXPECT_EQ(answer.body, "later");
  EXPECT_NE(answer.head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(busy.closes_within(3000));
  drainer.join();
  EXPECT_EQ(cut, 0U);
}

TEST_F(TransportTest, DrainCutsWhatDoesNotEnd) {
  start();
  WireClient busy(transport_->port());
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  while (echo_.handled < 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(transport_->drain(0.1), 1U);
}

TEST_F(TransportTest, HeadHasTheLengthAndNoBody) {
  start();
  WireClient client(transport_->port());
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
  const auto head = client.read(true);
  EXPECT_NE(head.head.find("Content-Length: 7"), std::string::npos) << head.head;
  EXPECT_EQ(client.read().body, "GET /b");
  EXPECT_TRUE(client.closes_within(3000)) << "HTTP/1.0 without keep-alive";
}

TEST_F(TransportTest, LargeAnswersAreCompressedIfAsked) {
  start();
  WireClient client(transport_->port());
  client.send("GET /big HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip;q=0.8\r\n\r\n");
  const auto answer = client.read();
  EXPECT_NE(answer.head.find("Content-Encoding: gzip"), std::string::npos);
  std::string plain((std::size_t{1} << 20) + 1, '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string packed = answer.body;
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.total_out, std::size_t{1} << 20);
  inflateEnd(&stream);
}

TEST(TakesGzip, ReadsWeights) {
  EXPECT_TRUE(takes_gzip("gzip"));
  EXPECT_TRUE(takes_gzip("br;q=1.0, GZIP;q=0.5"));
  EXPECT_TRUE(takes_gzip("*"));
  EXPECT_FALSE(takes_gzip("gzip;q=0, *"));
  EXPECT_FALSE(takes_gzip("br, identity"));
  EXPECT_FALSE(takes_gzip(""));
}

TEST(Transport, RefusesAddressesThatAreNone) {
  Echo echo;
  const auto made = Transport::listen({.address = "localhost"}, echo);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace torii::server
