#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "support/process.h"
#include "support/serve_process.h"
#include "support/wire_client.h"

namespace torii::testing {

// The service as its clients meet it: the real program over sockets, on a shop that was generated,
// trained and published by the program too.
struct Answer {
  int status = 0;
  std::string head;
  std::string body;
  Json json;
};

class Serve : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    run({"generate", "--users=200", "--items=80", "--interactions=4000", "--seed=5", "--out=shop"});
    run({"train", "--data=shop", "--out=a.bundle", "--split=random:0.7/0.1/0.2", "--set",
         "train.epochs=3", "--set", "data.items.skip=[title]", "--set", "model.width=16", "--set",
         "train.patience=0"});
    run({"publish", "--bundle=a.bundle", "--data=shop", "--store=sqlite:base.db", "--force"});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  // A store of the test's own, with the publication in it.
  void SetUp() override {
    const std::string name =
        std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ".db";
    std::filesystem::copy_file(*folder_ / "base.db", *folder_ / name);
    store_ = "sqlite:" + name;
  }

  static Finished torii(std::vector<std::string> words) {
    words.insert(words.begin(), TORII_PROGRAM);
    words.emplace_back("--json");
    return run_program(words, {.folder = folder_->path()});
  }
  static Json run(const std::vector<std::string>& words) {
    const Finished finished = torii(words);
    EXPECT_EQ(finished.exit_code, 0) << words.front() << "\n" << finished.err << finished.out;
    auto json = Json::parse(finished.out, "stdout");
    return json.ok() ? *json : Json();
  }
  std::unique_ptr<ServeProcess> serve(std::vector<std::string> more = {"--open"}) const {
    more.push_back("--store=" + store_);
    more.insert(more.end(), {"--set", "serve.poll_s=0.1", "--set", "serve.threads=2"});
    auto server = std::make_unique<ServeProcess>(TORII_PROGRAM, folder_->path(), more);
    EXPECT_NE(server->port(), 0) << server->log();
    return server;
  }
  static Answer ask(int port, const std::string& method, const std::string& target,
                    const std::string& body = "", const std::string& fields = "") {
    WireClient client(port);
    std::string request = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields;
    if (!body.empty()) {
      request +=
          fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
    }
    client.send(request + "\r\n" + body);
    const auto raw = client.read(method == "HEAD");
    Answer answer{raw.status, raw.head, raw.body, {}};
    if (auto json = Json::parse(raw.body, "answer"); json.ok()) answer.json = std::move(*json);
    return answer;
  }
  static std::vector<std::string> ids_of(const Json& answer) {
    std::vector<std::string> ids;
    const Json* items = answer.find("items");
    for (std::size_t i = 0; items != nullptr && i < items->as_array().size(); ++i) {
      ids.push_back(items->as_array()[i].string_at("item_id").value_or("?"));
    }
    return ids;
  }
  static std::vector<std::string> list_of(int port, const std::string& user, int k = 10) {
    const Answer answer =
        ask(port, "GET", fmt::format("/v1/users/{}/recommendations?k={}", user, k));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return ids_of(answer.json);
  }
  static bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 200; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  static bool contains(const std::vector<std::string>& list, const std::string& id) {
    return std::ranges::find(list, id) != list.end();
  }
  inline static std::unique_ptr<TempFolder> folder_;
  std::string store_;
};
inline const std::string user = "u7";  // of the generated shop

}  // namespace torii::testing
