#include "text/model_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "support/fake_hub.h"
#include "support/temporary_folder.h"
#include "text/encoder_files.h"
#include "text/hub_name.h"
#include "text/hub_snapshot.h"
#include "text/test_model.h"

namespace torii::text {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using torii::testing::FakeHub;
using torii::testing::HttpAnswer;
using torii::testing::HttpRequest;
using torii::testing::TemporaryFolder;

constexpr const char* kId = "acme/mini-bert";
const std::string kPinned = std::string(kId) + "@" + FakeHub::kCommit;

class ModelSource : public ::testing::Test {
 protected:
  ModelSource() {
    testing::TestModel().write(model());
    fs::create_directories(model() / "1_Pooling");
    std::ofstream(model() / "1_Pooling" / "config.json") << R"({"pooling_mode_cls_token": true})";
    for (const char* name :
         {"config.json", "vocab.txt", "model.safetensors", "1_Pooling/config.json"}) {
      files_[name] = read_file(model() / name).value();
    }
    files_["README.md"] = "not wanted";
    files_["onnx/model.onnx"] = "not wanted either";
  }

  [[nodiscard]] fs::path model() const { return folder_.path() / "models" / "mini"; }
  [[nodiscard]] fs::path cache() const { return folder_.path() / "cache"; }
  [[nodiscard]] fs::path root() const { return cache() / "models" / "acme" / "mini-bert"; }
  [[nodiscard]] ModelPlaces places(const FakeHub* hub = nullptr) const {
    ModelPlaces places{.shipped = folder_.path() / "models", .cache = cache()};
    places.http = {.stall_timeout_ms = 2000, .backoff_ms = 1, .backoff_max_ms = 5};
    // Nobody answers there: a look-up that should not ask the network fails.
    places.environment = {{"HF_ENDPOINT", hub != nullptr ? hub->endpoint() : "http://127.0.0.1:9"},
                          {"HOME", (folder_.path() / "home").string()}};
    return places;
  }
  Result<ResolvedModel> resolve(const std::string& name, const ModelPlaces& places) {
    return resolve_model(name, places, reporter_);
  }
  std::string error_of(const std::string& name, const ModelPlaces& places, ErrorCode code) {
    const auto resolved = resolve(name, places);
    EXPECT_FALSE(resolved.ok());
    if (resolved.ok()) return "";
    EXPECT_EQ(resolved.error().code, code) << resolved.error().message;
    return resolved.error().message;
  }
  static std::string identity(const fs::path& folder) {
    const auto files = read_encoder_files({.model = folder});
    return files.ok() ? files->identity : files.error().message;
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> files_;
  Reporter reporter_;
};

TEST(HubName, IsOwnerAndModelAndMaybeARevision) {
  const auto plain = parse_hub_name("BAAI/bge-small-en-v1.5");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->id(), "BAAI/bge-small-en-v1.5");
  EXPECT_EQ(plain->revision, "main");
  EXPECT_EQ(parse_hub_name("a/b@v1.0")->revision, "v1.0");
  EXPECT_EQ(parse_hub_name("a/b@refs/pr/1")->revision, "refs/pr/1");
  for (const char* name :
       {"", "a", "/a/b", "./a", "../a", "a/", "a/b/c", "a/b@", "a/b@x/", "a/b@../x", "a/..",
        "a/b c", "~/a", "a/b@x@y", "https://huggingface.co/a/b", "a/.b"}) {
    EXPECT_FALSE(parse_hub_name(name)) << name;
  }
}

TEST_F(ModelSource, AFolderComesFirst) {
  EXPECT_EQ(resolve(model().string(), places())->folder, model());
  EXPECT_EQ(resolve(model().string(), places())->name, model().string());
  EXPECT_THAT(error_of("./nowhere", places(), ErrorCode::kNotFound), HasSubstr("./nowhere"));
  EXPECT_THAT(error_of("/a/b/c", places(), ErrorCode::kNotFound), HasSubstr("/a/b/c"));
}

TEST_F(ModelSource, APlainNameIsAShippedModel) {
  EXPECT_EQ(resolve("mini", places())->folder, model());
  EXPECT_EQ(resolve("mini", places())->name, "mini");
  EXPECT_THAT(error_of("maxi", places(), ErrorCode::kNotFound),
              AllOf(HasSubstr("mini"), HasSubstr("./maxi"), HasSubstr("BAAI/")));
  for (const char* name : {"", ".", ".."}) error_of(name, places(), ErrorCode::kNotFound);
}

TEST_F(ModelSource, IsDownloadedOnceAndNamedByItsCommit) {
  const FakeHub hub(kId, files_);
  const auto resolved = resolve(kId, places(&hub));
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_EQ(resolved->name, kPinned);
  EXPECT_EQ(resolved->folder, root() / FakeHub::kCommit);
  EXPECT_EQ(identity(resolved->folder), identity([&] {
              // The same model by path: the same vectors.
              return model();
            }()));
  EXPECT_FALSE(fs::exists(resolved->folder / "README.md"));
  EXPECT_FALSE(fs::exists(root() / (std::string(FakeHub::kCommit) + ".part")));
  const std::size_t asked = hub.requests().size();
  EXPECT_EQ(hub.cdn_requests().size(), 1U);

  // From now on without the network, by any of its names.
  for (const std::string& name : {std::string(kId), kPinned, std::string(kId) + "@main"}) {
    const auto again = resolve(name, places());
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->name, kPinned);
    EXPECT_EQ(again->folder, resolved->folder);
  }
  EXPECT_EQ(hub.requests().size(), asked);
}

TEST_F(ModelSource, ARevisionMayHoldSlashes) {
  const FakeHub hub(kId, files_);
  EXPECT_EQ(resolve(std::string(kId) + "@refs/pr/1", places(&hub))->name, kPinned);
  EXPECT_EQ(resolve(std::string(kId) + "@refs/pr/1", places())->name, kPinned);
}

TEST_F(ModelSource, TheCacheOfOtherToolsIsUsed) {
  const fs::path other = folder_.path() / "hf" / "hub" / "models--acme--mini-bert";
  fs::create_directories(other / "snapshots");
  fs::create_directories(other / "refs");
  std::ofstream(other / "refs" / "main") << FakeHub::kCommit;
  fs::copy(model(), other / "snapshots" / FakeHub::kCommit, fs::copy_options::recursive);
  ModelPlaces with = places();
  with.environment["HF_HOME"] = (folder_.path() / "hf").string();
  const auto resolved = resolve(kId, with);
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_EQ(resolved->folder, other / "snapshots" / FakeHub::kCommit);
  EXPECT_EQ(resolved->name, kPinned);
  with.environment.erase("HF_HOME");
  with.environment["HF_HUB_CACHE"] = (folder_.path() / "hf" / "hub").string();
  EXPECT_TRUE(resolve(kPinned, with).ok());
  // A part of a model is none.
  fs::remove(other / "snapshots" / FakeHub::kCommit / "model.safetensors");
  error_of(kId, with, ErrorCode::kIo);
}

TEST_F(ModelSource, OfflineAndWithoutACacheItSaysWhatToDo) {
  ModelPlaces offline = places();
  offline.environment["HF_HUB_OFFLINE"] = "1";
  EXPECT_THAT(error_of(kId, offline, ErrorCode::kNotFound), HasSubstr("HF_HUB_OFFLINE"));
  ModelPlaces homeless = places();
  homeless.cache.clear();
  EXPECT_THAT(error_of(kId, homeless, ErrorCode::kInvalidArgument), HasSubstr("--cache=DIR"));
  EXPECT_THAT(error_of(kId, places(), ErrorCode::kIo), HasSubstr("127.0.0.1:9"));
}

TEST_F(ModelSource, NamesThatTheHubDoesNotKnow) {
  const FakeHub hub(kId, files_);
  EXPECT_THAT(error_of("acme/maxi", places(&hub), ErrorCode::kNotFound),
              AllOf(HasSubstr("acme/maxi"), HasSubstr("spelling")));
  EXPECT_THAT(error_of(std::string(kId) + "@v9", places(&hub), ErrorCode::kNotFound),
              HasSubstr("no revision 'v9'"));
}

TEST_F(ModelSource, AGatedModelNeedsTheTokenAndTheTokenStaysThere) {
  FakeHub hub(kId, files_);
  hub.require("hf_secret");
  EXPECT_THAT(error_of(kId, places(&hub), ErrorCode::kIo),
              AllOf(HasSubstr("HF_TOKEN"), HasSubstr("accept its terms")));
  ModelPlaces with = places(&hub);
  with.environment["HF_TOKEN"] = "hf_wrong";
  EXPECT_THAT(error_of(kId, with, ErrorCode::kIo), Not(HasSubstr("hf_wrong")));
  with.environment["HF_TOKEN"] = "hf_secret";
  EXPECT_TRUE(resolve(kId, with).ok());
  ASSERT_EQ(hub.cdn_requests().size(), 1U);
  EXPECT_EQ(hub.cdn_requests()[0].header("authorization"), "");

  with.environment["HF_TOKEN"] = "hf_a\r\nX-Evil: 1";
  EXPECT_THAT(error_of("acme/b", with, ErrorCode::kInvalidArgument), Not(HasSubstr("Evil")));
  with.environment["HF_TOKEN"] = "hf_secret";
  with.environment["HF_ENDPOINT"] = "http://hub.invalid";
  EXPECT_THAT(error_of("acme/b", with, ErrorCode::kInvalidArgument), HasSubstr("in the clear"));
  with.environment["HF_ENDPOINT"] = "file:///etc";
  EXPECT_THAT(error_of("acme/b", with, ErrorCode::kInvalidArgument), HasSubstr("HF_ENDPOINT"));
}

TEST_F(ModelSource, AServerInTroubleIsAskedAgain) {
  std::atomic<int> faults = 4;
  const FakeHub hub(kId, files_, [&](const HttpRequest&, HttpAnswer& answer) {
    if (faults-- > 0) answer = {.status = 500};
  });
  EXPECT_TRUE(resolve(kId, places(&hub)).ok());
}

TEST_F(ModelSource, ABrokenDownloadGoesOnInTheNextCall) {
  const std::size_t size = files_["model.safetensors"].size();
  const std::size_t half = size / 2;
  std::atomic<bool> broken = true;
  const FakeHub hub(kId, files_, [&](const HttpRequest& request, HttpAnswer& answer) {
    if (!broken || !request.target.starts_with("/blob/")) return;
    if (request.header("range").empty()) {
      answer.send_bytes_max = half;
    } else {
      answer = {.status = 404};
    }
  });
  error_of(kId, places(&hub), ErrorCode::kNotFound);
  EXPECT_FALSE(find_snapshot(root(), "main"));
  broken = false;
  const std::size_t before = hub.requests().size();
  const auto resolved = resolve(kId, places(&hub));
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_EQ(identity(resolved->folder), identity(model()));
  EXPECT_EQ(hub.cdn_requests().back().header("range"), "bytes=" + std::to_string(half) + "-");
  EXPECT_EQ(hub.requests().size(), before + 3) << "revision, tree, weights: the rest was there";
}

TEST_F(ModelSource, ChangedBytesAreRefusedAndDeleted) {
  for (const std::string victim : {"config.json", "model.safetensors"}) {
    const FakeHub hub(kId, files_, [&](const HttpRequest& request, HttpAnswer& answer) {
      if (request.target.find(victim) != std::string::npos && answer.status == 200) {
        answer.body.back() ^= 1;
      }
    });
    EXPECT_THAT(error_of(kId, places(&hub), ErrorCode::kCorrupt),
                AllOf(HasSubstr(victim), HasSubstr("expected"), HasSubstr("found"),
                      Not(HasSubstr("signature"))));
    for (const auto& entry : fs::recursive_directory_iterator(root())) {
      EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr(victim)));
    }
    fs::remove_all(root());
  }
}

TEST_F(ModelSource, AWrongFirstHalfCostsOneMoreDownload) {
  const FakeHub hub(kId, files_);
  const fs::path part = root() / (std::string(FakeHub::kCommit) + ".part");
  fs::create_directories(part);
  std::ofstream(part / "model.safetensors.download") << "wrong from the start";
  const std::string& weights = files_["model.safetensors"];
  std::ofstream(part / "model.safetensors.download.etag")
      << "\"" << git_blob_hex(std::as_bytes(std::span(weights))) << "\"";
  const auto resolved = resolve(kId, places(&hub));
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_EQ(hub.cdn_requests().size(), 2U);
  EXPECT_EQ(identity(resolved->folder), identity(model()));
}

TEST_F(ModelSource, WrongSizesAreRefused) {
  const FakeHub hub(kId, files_, [&](const HttpRequest& request, HttpAnswer& answer) {
    if (request.target.ends_with("vocab.txt") && answer.status == 200) answer.body += "more";
    if (request.target.ends_with("config.json") && answer.status == 200) answer.body.pop_back();
  });
  const auto resolved = resolve(kId, places(&hub));
  ASSERT_FALSE(resolved.ok());
  EXPECT_THAT(resolved.error().message, HasSubstr("expected"));
  EXPECT_FALSE(find_snapshot(root(), "main"));
}

TEST_F(ModelSource, OtherFamiliesAreRefusedBeforeTheirWeightsAreFetched) {
  auto other = files_;
  other["config.json"] = R"({"model_type": "gpt2"})";
  const FakeHub hub(kId, other);
  EXPECT_THAT(error_of(kId, places(&hub), ErrorCode::kUnsupported), HasSubstr("gpt2"));
  EXPECT_EQ(hub.cdn_requests().size(), 0U);
  other = files_;
  other.erase("model.safetensors");
  other["pytorch_model.bin"] = "x";
  const FakeHub old("acme/old", other);
  EXPECT_THAT(error_of("acme/old", places(&old), ErrorCode::kUnsupported),
              HasSubstr("model.safetensors"));
}

TEST_F(ModelSource, AnswersThatAreNoHubs) {
  for (const std::string body :
       {"", "<html>", "[]", "{}", R"({"sha": "../../etc"})", R"({"sha": 7})"}) {
    const FakeHub hub(kId, files_, [&](const HttpRequest& request, HttpAnswer& answer) {
      if (request.target.find("/revision/") != std::string::npos) answer = {.body = body};
    });
    EXPECT_THAT(error_of(kId, places(&hub), ErrorCode::kIo), HasSubstr("HF_ENDPOINT")) << body;
  }
  for (const std::string body : {"{}", R"([{"type":"file","path":"config.json"}])",
                                 R"([{"type":"file","path":"config.json","size":-1,"oid":"x"}])",
                                 R"([{"type":"file","path":"config.json","size":1,"oid":"x"}])"}) {
    const FakeHub hub(kId, files_, [&](const HttpRequest& request, HttpAnswer& answer) {
      if (request.target.find("/tree/") != std::string::npos) answer = {.body = body};
    });
    EXPECT_FALSE(resolve(kId, places(&hub)).ok()) << body;
  }
}

TEST_F(ModelSource, TwoAtOnceDownloadOnce) {
  const FakeHub hub(kId, files_,
                    [&](const HttpRequest&, HttpAnswer& answer) { answer.pause_ms = 20; });
  std::vector<std::string> folders(3);
  std::vector<std::thread> threads;
  for (std::string& folder : folders) {
    threads.emplace_back([&] {
      Reporter silent;
      const auto resolved = resolve_model(kId, places(&hub), silent);
      folder = resolved.ok() ? resolved->folder.string() : resolved.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& folder : folders) EXPECT_EQ(folder, root() / FakeHub::kCommit);
  EXPECT_EQ(hub.cdn_requests().size(), 1U);
}

TEST_F(ModelSource, ACacheThatCannotBeWritten) {
  std::ofstream(cache()) << "a file";
  const FakeHub hub(kId, files_);
  EXPECT_THAT(error_of(kId, places(&hub), ErrorCode::kIo), HasSubstr("make the folder"));
}

}  // namespace
}  // namespace torii::text
