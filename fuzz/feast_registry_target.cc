#include <set>
#include <string>

#include "base/check.h"
#include "feast/entity_key.h"
#include "feast/online_layout.h"
#include "feast/registry.h"
#include "feast/service.h"
#include "feast/value.h"
#include "fuzz/target.h"

namespace torii::fuzz {
namespace {

using namespace feast;  // NOLINT: the subject

void read_registry(std::string_view bytes) {
  RegistryBuilder builder("p", "registry.db");
  if (!builder.add_registry(bytes).ok()) return;
  auto registry = builder.finish();
  if (!registry.ok()) return;
  Repo repo;
  repo.config.file = "feature_store.yaml";
  repo.registry = std::move(registry).value();
  for (const FeatureService& service : repo.registry.services) {
    const auto views = resolve_service(repo, service.name);
    if (!views.ok()) continue;
    TORII_CHECK(!views->empty(), "a service that resolves has views");
  }
  for (const FeatureView& view : repo.registry.views) {
    TORII_CHECK(repo.registry.view(view.name) != nullptr, "a view is found by its name");
    (void)find_written_view(repo, view.name, WrittenType::kVector, "user", "embedding");
    (void)find_written_view(repo, view.name, WrittenType::kTexts, "user", "ids");
  }
}

void read_parts(std::string_view bytes) {
  RegistryBuilder builder("p", "registry.db");
  (void)builder.add_entity(bytes);
  (void)builder.add_view(bytes);
  (void)builder.add_other_view(bytes);
  (void)builder.add_service(bytes);
  (void)builder.finish();
  (void)RegistryBuilder::listed(bytes, "server");
}

void read_value(std::string_view bytes) {
  const auto value = decode_value(bytes);
  if (!value.ok()) return;
  const std::string again = encode_value(*value);
  const auto back = decode_value(again);
  TORII_CHECK(back.ok() && encode_value(*back) == again, "a value survives its bytes");
  (void)value_text(*value);
  const auto vector = vector_bytes(*value);
  TORII_CHECK(!vector || vector->size() > 2, "no vector is empty");
  (void)value_json(*value).dump();
}

void read_key(std::string_view bytes) {
  const auto key = decode_entity_key(bytes);
  if (!key.ok()) return;
  // Keys that another writer left in another order, or twice, are read all the same.
  const auto again = encode_entity_key(*key);
  if (!again.ok()) return;
  const auto back = decode_entity_key(*again);
  TORII_CHECK(back.ok() && back->size() == key->size(), "a key survives its bytes");
}

}  // namespace

// Input: bytes that may be any of the messages and keys that torii reads of Feast.
void run_feast_registry(std::string_view input) {
  read_registry(input);
  read_parts(input);
  read_value(input);
  read_key(input);
  if (const auto time = decode_time(input); time.ok()) (void)shown_time(*time);
}

}  // namespace torii::fuzz
