#include "feast/repo_config.h"

#include <gtest/gtest.h>

#include <string>

namespace torii::feast {
namespace {

Result<RepoConfig> parsed(const std::string& text, const Environment& environment = {}) {
  return parse_repo_config(text, "/shop/repo/feature_store.yaml", environment);
}

TEST(FeastRepoConfig, DefaultsAreFeasts) {
  const auto config = parsed("project: shop\nregistry: data/registry.db\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->registry.path, "/shop/repo/data/registry.db");
  EXPECT_EQ(config->online_type(), "sqlite");
  EXPECT_EQ(config->resolved(*config->online.string_at("path")), "/shop/repo/data/online.db");
  EXPECT_EQ(config->offline_type(), "dask");
}

TEST(FeastRepoConfig, VariablesAreExpandedAsPythonDoes) {
  const auto config = parsed(
      "project: ${NAME}\nregistry: {registry_type: file, path: $FOLDER/r.db}\n"
      "online_store: {type: redis, connection_string: \"$UNKNOWN:6379,${ALSO}\"}\n",
      {{"NAME", "shop"}, {"FOLDER", "/data"}});
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->project, "shop");
  EXPECT_EQ(config->registry.path, "/data/r.db");
  EXPECT_EQ(config->online.string_at("connection_string"), "$UNKNOWN:6379,${ALSO}");
}

TEST(FeastRepoConfig, Registries) {
  const auto sql = parsed(
      "project: a\nregistry: {registry_type: sql, path: 'postgresql+psycopg://me:pw@db:5432/f'}");
  ASSERT_TRUE(sql.ok()) << sql.error().message;
  EXPECT_EQ(sql->registry.kind, RegistryPlace::Kind::kSql);
  EXPECT_EQ(sql->registry.path, "postgres://me:pw@db:5432/f");
  EXPECT_EQ(
      parsed("project: a\nregistry: {registry_type: sql, path: 'sqlite:///r.db'}")->registry.path,
      "sqlite:/shop/repo/r.db");
  EXPECT_EQ(
      parsed("project: a\nregistry: {registry_type: sql, path: 'sqlite:////r.db'}")->registry.path,
      "sqlite:/r.db");
  const auto remote =
      parsed("project: a\nregistry: {registry_type: remote, path: 'host:6570', cert: ca.pem}");
  ASSERT_TRUE(remote.ok());
  EXPECT_TRUE(remote->registry.tls);
  EXPECT_EQ(remote->registry.certificate, "/shop/repo/ca.pem");
  EXPECT_EQ(parsed("project: a\nregistry: s3://bucket/r.db")->registry.path, "s3://bucket/r.db");
}

TEST(FeastRepoConfig, WhatCannotBeReadIsSaid) {
  EXPECT_EQ(parsed("registry: r.db").error().message,
            "/shop/repo/feature_store.yaml: `project` is missing");
  EXPECT_FALSE(parsed("project: a").ok());
  EXPECT_FALSE(parsed("- a").ok());
  EXPECT_FALSE(parsed("project: [").ok());
  EXPECT_EQ(parsed("project: a\nregistry: gs://b/r.db").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(
      parsed("project: a\nregistry: {registry_type: snowflake.registry, path: x}").error().code,
      ErrorCode::kUnsupported);
  EXPECT_EQ(parsed("project: a\nregistry: r.db\nentity_key_serialization_version: 2").error().code,
            ErrorCode::kUnsupported);
}

TEST(FeastRepoConfig, PostgresStores) {
  const auto config = parsed(
      "project: a\nregistry: r.db\nonline_store:\n  type: postgres\n  host: db\n  port: 5433\n"
      "  database: f\n  user: me\n  password: 'p@ss:1/'\n  sslmode: disable\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(postgres_uri(config->online, "x").value(),
            "postgres://me:p%40ss%3A1%2F@db:5433/f?sslmode=disable");
  EXPECT_FALSE(postgres_uri(Json::object().set("host", "db"), "x").ok());
}

}  // namespace
}  // namespace torii::feast
