#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "feast/entity_key.h"
#include "feast/online_layout.h"
#include "feast/registry.h"
#include "feast/service.h"
#include "feast/value.h"
#include "support/shared_dir.h"

// Bytes that Feast 0.67 itself wrote, and registries of 0.49 and 0.67.
namespace torii::feast {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

class FeastGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto folder = torii::testing::shared_dir();
    if (!folder) GTEST_SKIP() << "TORII_SHARED_DIR is not set: no golden bytes of Feast";
    folder_ = *folder / "feast";
    auto text = read_file(folder_ / "golden.json");
    ASSERT_TRUE(text.ok()) << text.error().message;
    auto parsed = Json::parse(*text, "golden.json");
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    golden_ = std::move(parsed).value();
  }

  [[nodiscard]] Registry registry(const char* file, const std::string& project) const {
    auto bytes = read_file(folder_ / file);
    EXPECT_TRUE(bytes.ok());
    RegistryBuilder builder(project, file);
    EXPECT_TRUE(builder.add_registry(*bytes).ok());
    auto found = builder.finish();
    EXPECT_TRUE(found.ok()) << found.error().message;
    return std::move(found).value();
  }

  std::filesystem::path folder_;
  Json golden_;
};

// {"string_val": "x"} of the golden file, as Python prints the messages.
Value value_of(const Json& named) {
  const auto& [name, json] = named.as_object().front();
  static const std::map<std::string, ValueType> kTypes = {
      {"bytes_val", ValueType::kBytes},
      {"string_val", ValueType::kString},
      {"int32_val", ValueType::kInt32},
      {"int64_val", ValueType::kInt64},
      {"unix_timestamp_val", ValueType::kUnixTimestamp},
  };
  const ValueType type = kTypes.at(name);
  if (type == ValueType::kString) return {type, json.as_string()};
  if (type == ValueType::kBytes) return {type, from_hex(json.as_string())};
  return {type, json.is_int() ? json.as_int() : std::int64_t{std::stoll(json.as_string())}};
}

TEST_F(FeastGolden, EntityKeys) {
  std::size_t checked = 0;
  for (const Json& row : golden_.find("entity_keys")->as_array()) {
    EntityKey key;
    const auto& names = row.find("join_keys")->as_array();
    const auto& values = row.find("values")->as_array();
    for (std::size_t i = 0; i < names.size(); ++i) {
      key.push_back({names[i].as_string(), value_of(values[i])});
    }
    const auto bytes = encode_entity_key(key);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    EXPECT_EQ(hex(*bytes), *row.string_at("hex")) << *row.string_at("name");
    EXPECT_EQ(hex(redis_key(*bytes, *golden_.string_at("project"))),
              *row.string_at("redis_key_hex"));
    const auto back = decode_entity_key(*bytes);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(encode_entity_key(*back).value(), *bytes);
    if (names.size() == 1 && key[0].value.type == ValueType::kString) {
      EXPECT_EQ(StringKeys(key[0].join_key).of(std::get<std::string>(key[0].value.held)), *bytes);
    }
    ++checked;
  }
  EXPECT_EQ(checked, 12U);
}

TEST_F(FeastGolden, ValuesReadAndWriteTheSameBytes) {
  std::size_t checked = 0;
  for (const Json& row : golden_.find("values")->as_array()) {
    const std::string name = *row.string_at("name");
    const std::string bytes = from_hex(*row.string_at("hex"));
    const auto value = decode_value(bytes);
    ASSERT_TRUE(value.ok()) << name;
    EXPECT_EQ(hex(encode_value(*value)), *row.string_at("hex")) << name;
    const auto expected = row.string_at("pgvector_text");
    const auto vector = vector_bytes(*value);
    EXPECT_EQ(expected.has_value() && *expected != "[]", vector.has_value()) << name;
    if (expected && vector) {  // the same float32 numbers
      const auto parsed = Json::parse(*expected, name);
      ASSERT_TRUE(parsed.ok()) << *expected;
      Value same = Value::floats({});
      for (const Json& number : parsed->as_array()) {
        std::get<std::vector<float>>(same.held).push_back(static_cast<float>(number.as_double()));
      }
      EXPECT_EQ(hex(*vector), hex(*vector_bytes(same))) << name;
    }
    ++checked;
  }
  EXPECT_EQ(checked, 28U);
}

TEST_F(FeastGolden, RedisFields) {
  for (const auto& [view, fields] : golden_.find("redis_hash_fields")->as_object()) {
    for (const auto& [field, expected] : fields.as_object()) {
      if (field == "_ts") {
        EXPECT_EQ(hex(redis_time_field(view)), expected.as_string());
        continue;
      }
      EXPECT_EQ(hex(redis_field(view, field.substr(view.size() + 1))), expected.as_string());
    }
  }
}

TEST_F(FeastGolden, RegistriesOfBothVersions) {
  for (const char* file : {"registry_feast049.db", "registry_feast067.db"}) {
    const Registry found = registry(file, "feast_rec_sys");
    EXPECT_EQ(found.services.size(), 7U) << file;
    ASSERT_NE(found.view("item_features"), nullptr) << file;
    const FeatureView& items = *found.view("item_features");
    EXPECT_EQ(items.keys.size(), 1U);
    EXPECT_EQ(items.keys[0].name, "item_id");
    EXPECT_EQ(items.keys[0].type, ValueType::kString);
    EXPECT_EQ(items.features.size(), 10U);
    EXPECT_EQ(items.feature("rating_count")->type, ValueType::kInt64);
    EXPECT_EQ(items.feature("discounted_price")->type, ValueType::kDouble);
    EXPECT_EQ(items.batch.kind, Source::Kind::kFile);
    EXPECT_EQ(items.batch.timestamp_field, "arrival_date");
    EXPECT_TRUE(items.batch.uri.ends_with("recommendation_items.parquet")) << items.batch.uri;
    EXPECT_DOUBLE_EQ(items.ttl_s, 5 * 365 * 86400.0);
    const FeatureView& lists = *found.view("user_items");
    EXPECT_EQ(lists.features[0].type, ValueType::kStringList);
    EXPECT_EQ(lists.stream.kind, Source::Kind::kPush);
    EXPECT_EQ(lists.stream.name, "user_items_push_source");
    EXPECT_EQ(lists.batch.kind, Source::Kind::kFile);
    EXPECT_EQ(lists.batch.timestamp_field, "event_timestamp");
    const FeatureView& interactions = *found.view("interactions_features");
    ASSERT_EQ(interactions.keys.size(), 2U);
    EXPECT_FALSE(interactions.online);
    const FeatureService* service = found.service("interaction_service");
    ASSERT_NE(service, nullptr);
    EXPECT_EQ(service->projections[0].view, "interactions_features");
    EXPECT_EQ(service->projections[0].features.size(), 6U);
  }
}

TEST_F(FeastGolden, RegistryOfAnotherProjectNamesIt) {
  auto bytes = read_file(folder_ / "registry_feast067.db");
  RegistryBuilder builder("other_shop", "registry.db");
  ASSERT_TRUE(builder.add_registry(*bytes).ok());
  const auto found = builder.finish();
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_NE(found.error().message.find("'other_shop'"), std::string::npos);
  EXPECT_NE(found.error().message.find("feast_rec_sys"), std::string::npos);
}

TEST_F(FeastGolden, TornRegistriesAreErrorsOrReadAsFarAsTheyGo) {
  auto bytes = read_file(folder_ / "registry_feast049.db");
  for (std::size_t size = 0; size < bytes->size(); size += 97) {
    RegistryBuilder builder("feast_rec_sys", "registry.db");
    if (builder.add_registry(std::string_view(*bytes).substr(0, size)).ok()) {
      (void)builder.finish();
    }
  }
}

TEST_F(FeastGolden, ServicesResolve) {
  Repo repo;
  repo.config.file = "feature_store.yaml";
  repo.registry = registry("registry_feast067.db", "feast_rec_sys");
  const auto views = resolve_service(repo, "interaction_service");
  ASSERT_TRUE(views.ok()) << views.error().message;
  ASSERT_EQ(views->size(), 1U);
  EXPECT_EQ(views->front().keys.size(), 2U);
  EXPECT_EQ(views->front().timestamp, "timestamp");
  const auto none = resolve_service(repo, "user_servce");
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("did you mean 'user_service'?"), std::string::npos)
      << none.error().message;
  const auto written =
      find_written_view(repo, "user_items", WrittenType::kTexts, "user", "top_k_item_ids");
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(written->join_key, "user_id");
  EXPECT_EQ(written->push_source, "user_items_push_source");
  const auto missing = find_written_view(repo, "lists", WrittenType::kTexts, "user", "top");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("name=\"lists\""), std::string::npos);
  const auto wrong = find_written_view(repo, "user_items", WrittenType::kVector, "user", "v");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("Array(Float32)"), std::string::npos);
}

}  // namespace
}  // namespace torii::feast
