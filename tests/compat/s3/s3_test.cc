// The S3 side of blob.h against a real server, and against one that misbehaves. Run by with_s3.py,
// which starts both and says where they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "blob/blob.h"

namespace torii::blob {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Environment server() {
  Environment environment;
  for (const char* name :
       {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
    environment[name] = variable(name);
  }
  environment["TORII_S3_TIMEOUT_S"] = "30";
  return environment;
}

Environment faults(const std::string& timeout_s = "20") {
  Environment environment = server();
  environment["AWS_ENDPOINT_URL"] = variable("TORII_TEST_FAULTS");
  environment["TORII_S3_TIMEOUT_S"] = timeout_s;
  return environment;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void put_text(const std::string& name, std::string_view text, const Environment& environment) {
  const auto written = put(name, bytes_of(text), Existing::kReplace, environment);
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_TRUE(*written);
}

Result<std::string> get_text(const std::string& name, const Environment& environment) {
  TORII_TRY(const auto object, open(name, environment));
  std::string text(object->size(), '\0');
  TORII_TRY_VOID(object->read(0, std::as_writable_bytes(std::span(text))));
  TORII_TRY_VOID(object->check_unchanged());
  return text;
}

std::string fault_of(const std::string& name, const Environment& environment) {
  const auto text = get_text(name, environment);
  return text.ok() ? "no error: " + *text : text.error().message;
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(S3, KeepsBytesAndReadsRanges) {
  const std::string name = "s3://shop/a folder/été+plus=x.bin";
  put_text(name, "0123456789", server());
  const auto object = open(name, server());
  ASSERT_TRUE(object.ok()) << object.error().message;
  EXPECT_EQ((*object)->size(), 10U);
  std::string part(4, '\0');
  ASSERT_TRUE((*object)->read(3, std::as_writable_bytes(std::span(part))).ok());
  EXPECT_EQ(part, "3456");
  EXPECT_TRUE((*object)->read(10, {}).ok());
  EXPECT_TRUE((*object)->check_unchanged().ok());
}

TEST(S3, AnEmptyObjectIsOne) {
  put_text("s3://shop/empty", "", server());
  EXPECT_EQ(*get_text("s3://shop/empty", server()), "");
}

TEST(S3, LargeObjectsGoInParts) {
  std::string text(std::size_t{36} << 20, 'x');
  for (std::size_t i = 0; i < text.size(); i += 1000) text[i] = static_cast<char>('a' + i % 23);
  put_text("s3://shop/large", text, server());
  const auto back = get_text("s3://shop/large", server());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_TRUE(*back == text);
}

TEST(S3, ReplacesOrKeeps) {
  const std::string name = "s3://shop/kept";
  put_text(name, "one", server());
  const auto kept = put(name, bytes_of("two"), Existing::kKeep, server());
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  EXPECT_FALSE(*kept);
  EXPECT_EQ(*get_text(name, server()), "one");
  const auto made = put("s3://shop/new-one", bytes_of("1"), Existing::kKeep, server());
  EXPECT_TRUE(made.ok() && *made);
}

TEST(S3, ListsMoreThanAPageInOrder) {
  std::vector<std::string> expected;
  for (int i = 0; i < 1005; ++i) {
    expected.push_back(fmt::format("s3://shop/many/day={}/part-{:04}", i % 7, i));
    put_text(expected.back(), "x", server());
  }
  put_text("s3://shop/many-more/x", "x", server());  // the same letters, another folder
  std::sort(expected.begin(), expected.end());
  for (const std::string folder : {"s3://shop/many", "s3://shop/many/"}) {
    const auto entries = list(folder, server());
    ASSERT_TRUE(entries.ok()) << entries.error().message;
    std::vector<std::string> names;
    for (const Entry& entry : *entries) names.push_back(entry.name);
    EXPECT_EQ(names, expected);
    EXPECT_EQ(entries->front().size, 1U);
  }
  const auto one = list("s3://shop/many/day=0/part-0000", server());
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->size(), 1U);
}

TEST(S3, TellsThatTheObjectWasReplaced) {
  const std::string name = "s3://shop/replaced";
  put_text(name, "0123456789", server());
  const auto object = open(name, server());
  ASSERT_TRUE(object.ok());
  put_text(name, "abc", server());
  const auto unchanged = (*object)->check_unchanged();
  ASSERT_FALSE(unchanged.ok());
  EXPECT_EQ(unchanged.error().code, ErrorCode::kCorrupt);
  std::string part(5, '\0');
  const auto status = (*object)->read(5, std::as_writable_bytes(std::span(part)));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("was replaced while it was read"));
}

TEST(S3, SaysWhatIsMissing) {
  const auto key = get_text("s3://shop/not/there.parquet", server());
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(key.error().message, HasSubstr("no such object in bucket 'shop'"));
  const auto bucket = get_text("s3://no-such-bucket/x", server());
  ASSERT_FALSE(bucket.ok());
  EXPECT_EQ(bucket.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(bucket.error().message, HasSubstr("has no bucket 'no-such-bucket'"));
  const auto folder = list("s3://shop/nothing/here", server());
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(put("s3://no-such-bucket/x", {}, Existing::kReplace, server()).ok());
}

TEST(S3, WrongCredentialsAreRefusedAndNeverPrinted) {
  if (variable("TORII_TEST_S3") == "moto") {
    // moto takes any signature: the store of faults refuses instead.
    EXPECT_THAT(fault_of("s3://shop/denied/x", faults()), HasSubstr("access denied"));
    return;
  }
  Environment wrong = server();
  wrong["AWS_SECRET_ACCESS_KEY"] = "wrong-and-secret";
  put_text("s3://shop/secret", "x", server());
  EXPECT_THAT(fault_of("s3://shop/secret", wrong),
              AllOf(HasSubstr("access denied"), HasSubstr("check AWS_ACCESS_KEY_ID"),
                    Not(HasSubstr("wrong-and-secret"))));
  Environment nobody = server();
  nobody.erase("AWS_ACCESS_KEY_ID");
  nobody.erase("AWS_SECRET_ACCESS_KEY");
  EXPECT_THAT(fault_of("s3://shop/secret", nobody), HasSubstr("no credentials are set"));
}

TEST(S3, AServerThatIsDownIsToldOf) {
  Environment down = server();
  down["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9";
  down["AWS_MAX_ATTEMPTS"] = "3";
  EXPECT_THAT(fault_of("s3://shop/x", down),
              AllOf(HasSubstr("http://127.0.0.1:9 cannot be reached"), HasSubstr("3 attempts"),
                    HasSubstr("AWS_ENDPOINT_URL")));
}

TEST(S3, SpeaksHttpsWithThoseItTrusts) {
  Environment https = faults();
  https["AWS_ENDPOINT_URL"] = variable("TORII_TEST_HTTPS");
  https["AWS_MAX_ATTEMPTS"] = "2";
  EXPECT_THAT(fault_of("s3://shop/x", https),
              AllOf(HasSubstr("is not trusted"), HasSubstr("AWS_CA_BUNDLE")));
  https["AWS_CA_BUNDLE"] = variable("TORII_TEST_CA");
  put_text("s3://shop/x", "over tls", https);
  EXPECT_EQ(*get_text("s3://shop/x", https), "over tls");
}

TEST(S3Faults, PassingFaultsAreOvercome) {
  for (const std::string kind : {"flaky", "reset", "torn"}) {
    const std::string name = "s3://shop/" + kind + "/x";
    const std::string text(100'000, kind[0]);
    put_text(name, text, faults());
    const auto back = get_text(name, faults());
    ASSERT_TRUE(back.ok()) << kind << ": " << back.error().message;
    EXPECT_TRUE(*back == text) << kind;
  }
}

TEST(S3Faults, LastingFaultsEndAfterTheAttempts) {
  Environment environment = faults();
  environment["AWS_MAX_ATTEMPTS"] = "4";
  EXPECT_THAT(fault_of("s3://shop/busy/x", environment),
              AllOf(HasSubstr("failed in all of 4 attempts"), HasSubstr("try again later")));
}

// "open aborted tries-of-part-1 tries-of-part-2" of uploads to that key.
std::string uploads_of(const std::string& key) {
  return *get_text("s3://_uploads/" + key, faults());
}

TEST(S3Faults, APartThatFailsIsSentAgainAndNoOther) {
  const std::string text(std::size_t{36} << 20, 'p');
  for (const std::string kind : {"part", "cut"}) {
    const std::string key = kind + "/x";
    put_text("s3://shop/" + key, text, faults("60"));
    EXPECT_EQ(uploads_of(key), "0 0 1 3") << kind;
    const auto back = get_text("s3://shop/" + key, faults("60"));
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_TRUE(*back == text) << kind;
  }
}

TEST(S3Faults, AnUploadThatCannotEndIsNoObject) {
  const std::string text(std::size_t{36} << 20, 'p');
  Environment environment = faults("60");
  environment["AWS_MAX_ATTEMPTS"] = "3";
  for (const std::string kind : {"noparts", "noend"}) {
    const std::string key = kind + "/x";
    const auto written = put("s3://shop/" + key, bytes_of(text), Existing::kReplace, environment);
    ASSERT_FALSE(written.ok()) << kind;
    EXPECT_THAT(written.error().message,
                AllOf(HasSubstr("s3://shop/" + key), HasSubstr("failed in all of 3 attempts"),
                      HasSubstr("try again later")));
    EXPECT_EQ(open("s3://shop/" + key, environment).error().code, ErrorCode::kNotFound) << kind;
  }
  // Its parts are taken back before put() returns; the library cannot do so any more once the last
  // request, which makes an object of them, has failed.
  EXPECT_EQ(uploads_of("noparts/x"), "0 1 1 3");
}

TEST(S3Faults, ADeniedRequestIsNotTriedAgain) {
  const double seconds = seconds_of(
      [] { EXPECT_THAT(fault_of("s3://shop/denied/y", faults()), HasSubstr("access denied")); });
  EXPECT_LT(seconds, 2.0);
}

TEST(S3Faults, AServerThatHangsIsGivenUp) {
  for (const std::string kind : {"hang", "trickle"}) {
    put_text("s3://shop/" + kind + "/x", std::string(10'000, 'x'), faults());
    const double seconds = seconds_of([&] {
      EXPECT_THAT(fault_of("s3://shop/" + kind + "/x", faults("2")),
                  AllOf(HasSubstr("no full answer within 2 s"), HasSubstr("TORII_S3_TIMEOUT_S")))
          << kind;
    });
    EXPECT_LT(seconds, 8.0) << kind;
  }
}

TEST(S3Faults, AnotherVersionAtTheEndIsCorrupt) {
  put_text("s3://shop/swap/x", "0123456789", faults());
  EXPECT_THAT(fault_of("s3://shop/swap/x", faults()), HasSubstr("was replaced while it was read"));
}

}  // namespace
}  // namespace torii::blob
