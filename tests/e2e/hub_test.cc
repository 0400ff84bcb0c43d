#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "support/fake_hub.h"
#include "support/process.h"
#include "text/test_model.h"

// The program downloads a text model: over https, killed half-way, from two processes.
namespace torii {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::FakeHub;
using testing::Finished;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::run_program;
using testing::TempFolder;

constexpr const char* kId = "acme/mini-bert";

class HubDownload : public ::testing::Test {
 protected:
  HubDownload() {
    text::testing::TestModel small;
    small.inner_width = 40'000;  // weights of some megabytes
    small.write(folder_ / "model");
    for (const char* name : {"config.json", "vocab.txt", "model.safetensors"}) {
      files_[name] = read_file(fs::path(folder_ / "model") / name).value();
    }
    testing::write_text(folder_ / "shop/items.csv",
                        "item_id,title\n1,hello world\n2,unable\n3,world hello wording\n");
    std::string rows = "user_id,item_id\n";
    for (int user = 0; user < 8; ++user) {
      for (int item = 1; item <= 2; ++item) {
        rows += "u" + std::to_string(user) + "," + std::to_string((user + item) % 3 + 1) + "\n";
      }
    }
    testing::write_text(folder_ / "shop/interactions.csv", rows);
  }

  [[nodiscard]] std::vector<std::string> words(const std::string& out) const {
    return {TORII_PROGRAM,
            "train",
            "--data=" + folder_ / "shop",
            "--out=" + folder_ / out,
            "--split=none",
            "--threads=1",
            "--set=train.epochs=1",
            "--set=data.items.text=[title]",
            std::string("--set=model.text_model=") + kId,
            "--cache=" + folder_ / "cache"};
  }
  using Variables = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] Finished train(const Variables& variables,
                               const std::string& out = "bundle") const {
    return run_program(words(out), {.environment = variables});
  }
  [[nodiscard]] fs::path root() const { return folder_ / "cache/models/acme/mini-bert"; }

  TempFolder folder_;
  std::map<std::string, std::string> files_;
};

TEST_F(HubDownload, TheBundleNamesTheCommit) {
  const FakeHub hub(kId, files_);
  const Finished done = train({{"HF_ENDPOINT", hub.endpoint()}, {"HF_TOKEN", "hf_secret"}});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out + done.err, Not(HasSubstr("hf_secret")));
  const std::string manifest = testing::file_text(folder_ / "bundle/bundle.json");
  EXPECT_THAT(manifest, HasSubstr(std::string(kId) + "@" + FakeHub::kCommit));
  // Used again without the hub, as the settings of the bundle say.
  const Finished shown =
      run_program({TORII_PROGRAM, "recommend", "--bundle=" + folder_ / "bundle",
                   "--data=" + folder_ / "shop", "--user=u1", "--cache=" + folder_ / "cache"},
                  {.environment = {{"HF_HUB_OFFLINE", "1"}}});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
}

TEST_F(HubDownload, GoesOnAfterAKill) {
  const std::string& weights = files_["model.safetensors"];
  const FakeHub hub(kId, files_, [](const testing::HttpRequest& request, testing::HttpAnswer& a) {
    if (request.target.starts_with("/blob/") && a.status == 200) a.pause_ms = 100;
  });
  ASSERT_EQ(::setenv("HF_ENDPOINT", hub.endpoint().c_str(), 1), 0);
  const std::vector<std::string> command = words("bundle");
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  const fs::path part =
      root() / (std::string(FakeHub::kCommit) + ".part") / "model.safetensors.download";
  std::error_code ignored;
  for (int i = 0; i < 3000; ++i) {
    if (fs::exists(part, ignored) && fs::file_size(part, ignored) > weights.size() / 4) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::unsetenv("HF_ENDPOINT");
  ASSERT_TRUE(WIFSIGNALED(status)) << "killed while it was downloading";
  EXPECT_FALSE(fs::exists(root() / FakeHub::kCommit));
  const auto kept = fs::file_size(part);
  ASSERT_LT(kept, weights.size());

  const Finished done = train({{"HF_ENDPOINT", hub.endpoint()}});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(hub.cdn_requests().back().header("range"), "bytes=" + std::to_string(kept) + "-");
  EXPECT_EQ(testing::file_text(root() / FakeHub::kCommit / "model.safetensors"), weights);
}

TEST_F(HubDownload, WrongHashesEndTheCallWithNothingKept) {
  const FakeHub hub(kId, files_, [](const testing::HttpRequest& request, testing::HttpAnswer& a) {
    if (request.target.starts_with("/blob/")) a.body.back() ^= 1;
  });
  const Finished done = train({{"HF_ENDPOINT", hub.endpoint()}});
  EXPECT_EQ(done.exit_code, 2) << done.err;
  EXPECT_THAT(done.err, AllOf(HasSubstr("model.safetensors"), HasSubstr("expected SHA-256")));
  EXPECT_FALSE(fs::exists(root() / FakeHub::kCommit));
  EXPECT_FALSE(fs::exists(folder_ / "bundle"));
}

// TLS inside the whole program, whose other libraries carry an OpenSSL of their own.
TEST_F(HubDownload, SpeaksHttpsAndTrustsOnlyWhatItIsTold) {
  const FakeHub hub(kId, files_);
  const std::string certificate = folder_ / "certificate.pem";
  const Finished made =
      run_program({"/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                   "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                   "-keyout", folder_ / "key.pem", "-out", certificate});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string port = hub.endpoint().substr(hub.endpoint().rfind(':') + 1);
  const std::string key = folder_ / "key.pem";
  const std::string port_file = folder_ / "port";
  const pid_t proxy = ::fork();  // the hub has threads: nothing may be allocated before exec
  if (proxy == 0) {
    ::execl("/usr/bin/python3", "/usr/bin/python3", "-B", TORII_TLS_SCRIPT, certificate.c_str(),
            key.c_str(), port.c_str(), port_file.c_str(), nullptr);
    ::_exit(127);
  }
  for (int i = 0; i < 1000 && !fs::exists(folder_ / "port"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string endpoint = "https://localhost:" + testing::file_text(folder_ / "port");
  const Finished stranger = train({{"HF_ENDPOINT", endpoint}});
  EXPECT_EQ(stranger.exit_code, 1) << stranger.err;
  EXPECT_THAT(stranger.err, AllOf(HasSubstr("certificate"), HasSubstr("SSL_CERT_FILE")));
  // The weights lie at an http address: from https nothing leads there.
  const Finished down = train({{"HF_ENDPOINT", endpoint}, {"SSL_CERT_FILE", certificate}});
  EXPECT_EQ(down.exit_code, 1) << down.err;
  EXPECT_THAT(down.err, HasSubstr("away from https"));
  // All but the weights came by TLS and were verified.
  EXPECT_TRUE(fs::exists(root() / (std::string(FakeHub::kCommit) + ".part") / "vocab.txt"));
  EXPECT_TRUE(hub.cdn_requests().empty());
  ::kill(proxy, SIGTERM);
  ::waitpid(proxy, nullptr, 0);
}

}  // namespace
}  // namespace torii
