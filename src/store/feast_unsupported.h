#pragma once

#include <string>
#include <vector>

#include "store/feast_store.h"

namespace torii::store {

/// What a Feast repository cannot do: everything but being published into.
class FeastUnsupported : public FeastStore {
 public:
  [[nodiscard]] Result<Durability> durability() override { return refused("durability"); }
  [[nodiscard]] Result<std::uint64_t> identity() override { return refused("identity"); }
  [[nodiscard]] Result<Appended> append(std::string_view, std::span<const Record>) override {
    return refused("records");
  }
  [[nodiscard]] Result<Erased> erase_user(std::string_view, std::string_view,
                                          std::int64_t) override {
    return refused("erasure");
  }
  [[nodiscard]] Result<std::optional<Record>> find_record(std::string_view, RecordKind,
                                                          std::string_view) override {
    return refused("records");
  }
  [[nodiscard]] Result<std::vector<Record>> read_records(std::string_view, std::uint64_t,
                                                         std::size_t) override {
    return refused("records");
  }
  [[nodiscard]] Result<std::vector<Record>> read_events_of(std::string_view,
                                                           std::string_view) override {
    return refused("events");
  }
  [[nodiscard]] Result<std::uint64_t> last_seq(std::string_view) override {
    return refused("records");
  }
  [[nodiscard]] Result<void> activate(std::string_view, std::uint64_t, std::string_view,
                                      std::int64_t) override {
    return refused("rollback");
  }
  [[nodiscard]] Result<std::vector<Activation>> activations(std::string_view) override {
    return refused("activations");
  }
  [[nodiscard]] Result<void> read_items(std::string_view, std::uint64_t, const ItemSink&) override {
    return refused("reading of items");
  }
  [[nodiscard]] Result<void> read_users(std::string_view, std::uint64_t, const UserSink&) override {
    return refused("reading of users");
  }
  [[nodiscard]] Result<std::optional<PublishedUser>> find_user(std::string_view, std::uint64_t,
                                                               std::string_view) override {
    return refused("reading of users");
  }
  [[nodiscard]] Result<void> put_key(const ApiKey&) override { return refused("API keys"); }
  [[nodiscard]] Result<std::vector<ApiKey>> keys() override { return refused("API keys"); }
  [[nodiscard]] Result<std::uint64_t> keys_revision() override { return refused("API keys"); }
  [[nodiscard]] Result<std::vector<std::string>> tenants() override { return refused("tenants"); }
  [[nodiscard]] Result<Collected> gc(std::string_view, const Retention&, std::int64_t) override {
    return refused("gc");
  }
  [[nodiscard]] Result<std::vector<std::string>> verify() override { return refused("verify"); }
  [[nodiscard]] Result<TenantState> tenant_state(std::string_view) override {
    return refused("backup");
  }
  [[nodiscard]] Result<void> begin_restore() override { return refused("restore"); }
  [[nodiscard]] Result<void> restore_records(std::string_view, std::span<const Record>) override {
    return refused("restore");
  }
  [[nodiscard]] Result<void> restore_state(std::string_view, const TenantState&) override {
    return refused("restore");
  }
  [[nodiscard]] Result<void> end_restore() override { return refused("restore"); }

 protected:
  [[nodiscard]] Error refused(std::string_view what) const {
    return make_error(ErrorCode::kUnsupported,
                      "{}: {}: a Feast repository holds vectors and lists; events, keys and users "
                      "need a store at sqlite:, postgres: or redis:",
                      shown(), what);
  }
};

}  // namespace torii::store
