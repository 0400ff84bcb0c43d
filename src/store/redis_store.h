#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/redis_connection.h"
#include "store/rows.h"

namespace torii::store {

/// The store in one Redis server. Every change is one script (redis_scripts.h); rows of
/// publications are read in pages, and compared with their checksum at the end.
class RedisStore final : public Store {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& uri,
                                                           const Environment& environment,
                                                           const OpenOptions& options);
  RedisStore(RedisUri uri, const OpenOptions& options)
      : redis_(std::move(uri), options), clock_(options.clock) {}

  [[nodiscard]] std::string shown() const override { return redis_.shown(); }
  [[nodiscard]] Result<Durability> durability() override;
  [[nodiscard]] Result<std::uint64_t> identity() override;

  [[nodiscard]] Result<Appended> append(std::string_view tenant,
                                        std::span<const Record> records) override;
  [[nodiscard]] Result<Erased> erase_user(std::string_view tenant, std::string_view user_id,
                                          std::int64_t time_ms) override;
  [[nodiscard]] Result<std::optional<Record>> find_record(std::string_view tenant, RecordKind kind,
                                                          std::string_view id) override;
  [[nodiscard]] Result<std::vector<Record>> read_records(std::string_view tenant,
                                                         std::uint64_t after,
                                                         std::size_t limit) override;
  [[nodiscard]] Result<std::vector<Record>> read_events_of(std::string_view tenant,
                                                           std::string_view user_id) override;
  [[nodiscard]] Result<std::uint64_t> last_seq(std::string_view tenant) override;

  [[nodiscard]] Result<std::unique_ptr<Draft>> begin_publication(std::string_view tenant) override;
  [[nodiscard]] Result<std::vector<Publication>> publications(std::string_view tenant) override;
  [[nodiscard]] Result<std::uint64_t> current_version(std::string_view tenant) override;
  [[nodiscard]] Result<void> activate(std::string_view tenant, std::uint64_t version,
                                      std::string_view by, std::int64_t time_ms) override;
  [[nodiscard]] Result<std::vector<Activation>> activations(std::string_view tenant) override;
  [[nodiscard]] Result<void> read_items(std::string_view tenant, std::uint64_t version,
                                        const ItemSink& sink) override;
  [[nodiscard]] Result<void> read_users(std::string_view tenant, std::uint64_t version,
                                        const UserSink& sink) override;
  [[nodiscard]] Result<std::optional<PublishedUser>> find_user(std::string_view tenant,
                                                               std::uint64_t version,
                                                               std::string_view id) override;

  [[nodiscard]] Result<void> put_key(const ApiKey& key) override;
  [[nodiscard]] Result<std::vector<ApiKey>> keys() override;
  [[nodiscard]] Result<std::uint64_t> keys_revision() override;
  [[nodiscard]] Result<std::vector<std::string>> tenants() override;

  [[nodiscard]] Result<Collected> gc(std::string_view tenant, const Retention& retention,
                                     std::int64_t now_ms) override;
  [[nodiscard]] Result<std::vector<std::string>> verify() override;

  [[nodiscard]] Result<TenantState> tenant_state(std::string_view tenant) override;
  [[nodiscard]] Result<void> begin_restore() override;
  [[nodiscard]] Result<void> restore_records(std::string_view tenant,
                                             std::span<const Record> records) override;
  [[nodiscard]] Result<void> restore_state(std::string_view tenant,
                                           const TenantState& state) override;
  [[nodiscard]] Result<void> end_restore() override;

 private:
  friend class RedisDraft;

  /// What is noted of a publication's rows.
  struct Stored {
    std::string number;
    RowTotals items, users;
    std::uint64_t places = 0;  ///< of users: rows that were added, erased ones among them
    std::string info;
  };

  /// A command or script for which a second try after a lost connection does no harm.
  [[nodiscard]] Result<RedisReply> ask(const std::vector<std::string_view>& words);
  [[nodiscard]] Result<RedisReply> ask_script(const char* text, std::string_view prefix,
                                              const std::vector<std::string_view>& arguments);
  [[nodiscard]] std::int64_t now_ms() const;
  [[nodiscard]] Error damaged(std::string_view what) const;
  [[nodiscard]] Result<std::vector<Record>> records_of(const RedisReply& reply) const;

  /// kNotFound.
  [[nodiscard]] Result<std::string> find_publication(std::string_view tenant,
                                                     std::uint64_t version);
  /// nullopt: it is not there (any more).
  [[nodiscard]] Result<std::optional<Stored>> stored(const std::string& number);
  [[nodiscard]] Result<RowTotals> scan_items(const Stored& stored, const ItemSink& sink);
  [[nodiscard]] Result<RowTotals> scan_users(const Stored& stored, const UserSink& sink);
  [[nodiscard]] Result<std::optional<PublishedUser>> find_row(const std::string& number,
                                                              std::string_view id);
  /// Rows that were read against what is noted, unless that has changed meanwhile.
  [[nodiscard]] Result<void> compare(std::string_view where, const Stored& before,
                                     const RowTotals* items, const RowTotals* users);
  [[nodiscard]] Result<void> verify_tenant(const std::string& tenant,
                                           std::vector<std::string>& wrong);
  [[nodiscard]] Result<std::uint64_t> remove_old_events(std::string_view tenant,
                                                        std::int64_t before_ms);

  RedisConnection redis_;
  std::function<std::int64_t()> clock_;
};

/// "torii:t:<tenant>:"
[[nodiscard]] std::string redis_prefix(std::string_view tenant);

}  // namespace torii::store
