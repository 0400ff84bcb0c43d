#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/rows.h"
#include "store/sql_session.h"

namespace torii::store {

/// The store over SQLite and PostgreSQL. Tables: sql_schema.cc; what each transaction locks, and in
/// which order: counters (seq, then activation, then version), then rows of torii_publications.
class SqlStore final : public Store {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& uri,
                                                           const Environment& environment,
                                                           const OpenOptions& options);
  SqlStore(const std::string& uri, const Environment& environment, const OpenOptions& options)
      : session_(uri, environment, options), clock_(options.clock) {}

  [[nodiscard]] std::string shown() const override { return session_.shown(); }
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
  friend class SqlDraft;

  /// What torii_publications says of the rows.
  struct Stored {
    std::int64_t publication = 0;
    RowTotals items, users;
  };

  [[nodiscard]] Result<SqlTransaction> begin_write();
  [[nodiscard]] Result<SqlTransaction> begin_read();
  [[nodiscard]] std::int64_t now_ms() const;

  /// Counters of a tenant, in a transaction: locks it until the end and returns its value.
  [[nodiscard]] Result<std::int64_t> lock_counter(std::string_view tenant, std::string_view name);
  /// The same, and counts it up.
  [[nodiscard]] Result<std::int64_t> next_counter(std::string_view tenant, std::string_view name);
  Result<void> set_counter(std::string_view tenant, std::string_view name, std::int64_t value);
  [[nodiscard]] Result<std::int64_t> counter(std::string_view tenant, std::string_view name);
  /// first_seq: numbers from there on; nullopt: each keeps its own.
  [[nodiscard]] Result<void> insert_records(std::string_view tenant,
                                            const std::vector<const Record*>& records,
                                            std::optional<std::uint64_t> first_seq);

  // Rows of publications, in a transaction.
  [[nodiscard]] Result<std::int64_t> find_publication(std::string_view tenant,
                                                      std::uint64_t version);
  [[nodiscard]] Result<Stored> stored(std::int64_t publication);
  /// Locks it. nullopt: it is gone, being removed, or (`draft`) committed.
  [[nodiscard]] Result<std::optional<Stored>> lock_publication(std::int64_t publication);
  [[nodiscard]] Result<std::optional<Stored>> lock_draft(std::int64_t publication);
  [[nodiscard]] Result<void> set_totals(const Stored& stored);
  [[nodiscard]] Result<RowTotals> scan_items(std::int64_t publication, const ItemSink& sink);
  [[nodiscard]] Result<RowTotals> scan_users(std::int64_t publication, const UserSink& sink);
  /// Takes one user's row out; whether there was one.
  [[nodiscard]] Result<bool> erase_row(Stored& stored, const std::string& user_id);
  /// Everything read back against what is noted; kCorrupt.
  [[nodiscard]] Result<void> check_rows(std::int64_t publication);
  [[nodiscard]] Result<void> make_current(std::string_view tenant, std::uint64_t version,
                                          std::string_view by, std::int64_t time_ms);

  // gc and abandoned drafts, in steps of their own.
  [[nodiscard]] Result<void> remove_rows(std::int64_t publication);
  [[nodiscard]] Result<std::uint64_t> remove_old_events(const std::string& tenant,
                                                        std::int64_t before_ms);
  [[nodiscard]] Result<void> verify_publications(std::vector<std::string>& wrong);
  [[nodiscard]] Result<void> verify_records(std::vector<std::string>& wrong);

  SqlSession session_;
  std::function<std::int64_t()> clock_;
};

/// SQLite: commits in its scope do not wait for the disk; the next one outside makes them durable
/// with itself. For rows that nobody sees yet, and for removing.
class RelaxedCommits {
 public:
  explicit RelaxedCommits(SqlSession& session);
  ~RelaxedCommits();
  RelaxedCommits(const RelaxedCommits&) = delete;
  RelaxedCommits& operator=(const RelaxedCommits&) = delete;

 private:
  SqlSession& session_;
};

}  // namespace torii::store
