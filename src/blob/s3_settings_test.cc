#include "blob/s3_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "blob/blob.h"
#include "blob/name.h"
#include "support/temporary_folder.h"

namespace torii::blob {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string fault(const Environment& environment) {
  const auto settings = s3_settings(environment);
  return settings.ok() ? "no error" : settings.error().message;
}

std::string name_fault(const std::string& name) {
  const auto parsed = parse_s3_name(name);
  return parsed.ok() ? "no error" : parsed.error().message;
}

TEST(S3Name, IsBucketAndKey) {
  const auto name = parse_s3_name("s3://my-shop/data/users 1.parquet");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->bucket, "my-shop");
  EXPECT_EQ(name->key, "data/users 1.parquet");
  EXPECT_EQ(name->text(), "s3://my-shop/data/users 1.parquet");
  EXPECT_EQ(parse_s3_name("s3://my-shop")->key, "");
  EXPECT_TRUE(is_remote("s3://my-shop"));
  EXPECT_FALSE(is_remote("s3/my-shop"));
}

TEST(S3Name, RefusesWhatNoStoreHas) {
  EXPECT_THAT(name_fault("s3://"), HasSubstr("no name of a bucket"));
  EXPECT_THAT(name_fault("s3://a b/x"), HasSubstr("no name of a bucket"));
  EXPECT_THAT(name_fault("s3:///x"), HasSubstr("no name of a bucket"));
  EXPECT_THAT(name_fault("s3://shop//x"), HasSubstr("empty part"));
  EXPECT_THAT(name_fault("s3://AKIA:secret@shop/x"),
              AllOf(HasSubstr("credentials do not belong"), Not(HasSubstr("secret@"))));
}

TEST(S3Settings, ComeFromTheMap) {
  const auto settings = s3_settings({{"AWS_ACCESS_KEY_ID", "key"},
                                     {"AWS_SECRET_ACCESS_KEY", "hush-hush"},
                                     {"AWS_SESSION_TOKEN", "token"},
                                     {"AWS_DEFAULT_REGION", "eu-west-1"},
                                     {"AWS_ENDPOINT_URL", "https://other"},
                                     {"AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000/"},
                                     {"TORII_S3_TIMEOUT_S", "2.5"}});
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  EXPECT_EQ(settings->endpoint, "127.0.0.1:9000");
  EXPECT_EQ(settings->place(), "http://127.0.0.1:9000");
  EXPECT_EQ(settings->region, "eu-west-1");
  EXPECT_EQ(settings->total_timeout_s, 2.5);
  EXPECT_EQ(settings->connect_timeout_s, 2.5);
  EXPECT_FALSE(settings->anonymous());
  EXPECT_EQ(settings->redacted("said hush-hush and token"), "said *** and ***");
}

TEST(S3Settings, NothingMeansPublicDataOnly) {
  const auto settings = s3_settings({});
  ASSERT_TRUE(settings.ok());
  EXPECT_TRUE(settings->anonymous());
  EXPECT_EQ(settings->place(), "Amazon S3");
}

TEST(S3Settings, ReadTheProfile) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / ".aws");
  std::ofstream(folder.path() / ".aws" / "credentials")
      << "[default]\naws_access_key_id = one\naws_secret_access_key=two\n\n"
         "[night]\n# a comment = none\naws_access_key_id=three\naws_secret_access_key = four==\n"
         "aws_session_token=five\n[half]\naws_access_key_id=six\n";
  Environment environment = {{"HOME", folder.path().string()}};
  EXPECT_EQ(s3_settings(environment)->access_key, "one");
  environment["AWS_PROFILE"] = "night";
  EXPECT_EQ(s3_settings(environment)->secret_key, "four==");
  EXPECT_EQ(s3_settings(environment)->session_token, "five");
  environment["AWS_PROFILE"] = "half";
  EXPECT_THAT(fault(environment), HasSubstr("needs both"));
  environment["AWS_PROFILE"] = "none";
  EXPECT_THAT(fault(environment), HasSubstr("[none]"));
  environment["AWS_ACCESS_KEY_ID"] = "a";
  environment["AWS_SECRET_ACCESS_KEY"] = "b";
  EXPECT_EQ(s3_settings(environment)->access_key, "a");
}

TEST(S3Settings, RefuseWhatCannotBeMeant) {
  EXPECT_THAT(fault({{"AWS_ACCESS_KEY_ID", "x"}}), HasSubstr("AWS_SECRET_ACCESS_KEY is not"));
  EXPECT_THAT(fault({{"AWS_ENDPOINT_URL", "ftp://x"}}), HasSubstr("expected http://host:port"));
  EXPECT_THAT(fault({{"AWS_ENDPOINT_URL", "http://me:pass@x"}}), Not(HasSubstr("pass@")));
  EXPECT_THAT(fault({{"AWS_MAX_ATTEMPTS", "many"}}), HasSubstr("AWS_MAX_ATTEMPTS"));
  EXPECT_THAT(fault({{"TORII_S3_TIMEOUT_S", "nan"}}), HasSubstr("TORII_S3_TIMEOUT_S"));
  EXPECT_THAT(fault({{"AWS_CA_BUNDLE", "/no/ca"}}), HasSubstr("AWS_CA_BUNDLE: there is no file"));
  EXPECT_THAT(fault({{"AWS_SHARED_CREDENTIALS_FILE", "/no/such/file"}}),
              HasSubstr("/no/such/file"));
}

}  // namespace
}  // namespace torii::blob
