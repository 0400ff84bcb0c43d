#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/json.h"
#include "base/reporter.h"
#include "base/result.h"

/// What a shop's service remembers: publications (a model's answers, each an immutable version),
/// the records that arrived since (users, items, events), and the keys of its API. One contract
/// over SQLite, PostgreSQL and Redis, held by one conformance suite. docs/formats/store.md has the
/// layout.
///
/// Everything belongs to a tenant, a name of 1 to 64 characters of [a-z0-9_-]; tenants never see
/// each other. Ids are texts of 1 to 512 bytes of UTF-8 without NUL; payloads and attributes are
/// JSON objects of at most 16 MiB.
namespace torii::store {

inline constexpr std::string_view kDefaultTenant = "default";
[[nodiscard]] Result<void> check_tenant(std::string_view tenant);

// ---- records

/// kErasure: a user of that id was erased at this moment and told anew later; what was of the id
/// before holds no more. Only erase_user() makes them; until the user is told anew its tombstone, a
/// kUser without payload, says the same.
enum class RecordKind : std::uint8_t { kEvent, kUser, kItem, kErasure };

/// One thing that the service was told: an event, or the state of a user or an item.
struct Record {
  RecordKind kind = RecordKind::kEvent;
  std::string id;       ///< of the event (whoever sends it chooses it), of the user or of the item
  std::string user_id;  ///< events: whose it is; else empty
  std::int64_t time_ms = 0;  ///< when it happened, since 1970 UTC
  std::string payload;       ///< a JSON object; empty: the user or item was deleted
  std::uint64_t seq = 0;     ///< filled by the store: rises with every change of a tenant
  [[nodiscard]] bool operator==(const Record&) const = default;
};

/// Type in the payload of events that are no interactions: a row of a Feast feature view that a
/// client pushed (server/pushed_rows.h). Whoever reads events passes them over.
inline constexpr std::string_view kPushedRowType = "feast_row";

/// Records of one append() at most.
inline constexpr std::size_t kAppendMax = 100'000;

struct Appended {
  std::uint64_t seq = 0;  ///< of the last change of the tenant, this call's included
  /// One for each record: 0 for an event whose id was there already (nothing was changed).
  std::vector<std::uint8_t> is_new;
};

/// What was removed with a user.
struct Erased {
  std::uint64_t seq = 0;
  bool user = false;         ///< there was a record of the user
  std::uint64_t events = 0;  ///< of the user
  std::uint64_t lists = 0;   ///< rows in publications, all versions that are kept
};

// ---- publications

/// What a publication is and where it came from. `version` is assigned by the commit: the next
/// whole number of the tenant, from 1.
struct Publication {
  std::uint64_t version = 0;
  std::string bundle_id;      ///< SHA-256 of the manifest of the bundle that is served
  std::string fit_bundle_id;  ///< of the one that was judged; the same unless a refit is served
  std::string bundle_uri;     ///< where its files were copied to; folder or s3://
  std::string fit_bundle_uri;
  std::string metric;            ///< "dot", "cosine", "euclidean"
  std::uint64_t width = 0;       ///< D of the embeddings
  std::uint64_t text_width = 0;  ///< E of the items' text embeddings; 0: none
  std::uint64_t items = 0, users = 0;
  std::uint64_t k = 0;            ///< entries of a list at most
  std::uint64_t records_seq = 0;  ///< records up to here were part of its data
  std::int64_t created_ms = 0;
  std::string created_by;  ///< "user@host"
  Json gate;               ///< the judgement, and "forced": true
  Json lineage;            ///< data fingerprints, settings, run
  Json roles;  ///< columns with a meaning: {"title": "title", "categories": ["genres"], ...}
  /// PublishedUser::seen says what was bought (kBoughtMark). Publications of before do not.
  bool marks_bought = false;
  std::string checksum;  ///< of all rows, see Draft::commit
};

/// An item as published; its place in the publication is its dense index.
struct PublishedItem {
  std::string id;
  std::string attributes;        ///< JSON object: its row in the data, and whatever came by API
  std::vector<float> embedding;  ///< [D]
  std::vector<float> text_embedding;  ///< [E] or empty (an item without text)
  float popularity = 0.0F;            ///< positive interactions
};

/// On an entry of PublishedUser::seen: the user bought the item. The rest is its dense index, so a
/// publication has fewer items than this.
inline constexpr std::uint32_t kBoughtMark = 1U << 31;
[[nodiscard]] constexpr std::uint32_t item_of_seen(std::uint32_t entry) {
  return entry & ~kBoughtMark;
}

/// A user as published.
struct PublishedUser {
  std::string id;
  std::uint8_t source = 0;           ///< recommend::Source of the list
  std::string attributes;            ///< JSON object
  std::vector<float> embedding;      ///< [D]
  std::vector<std::uint32_t> items;  ///< best first; dense indices
  std::vector<float> scores;         ///< beside items
  /// What the user has in the data, ascending by dense index; what was bought with kBoughtMark.
  std::vector<std::uint32_t> seen;
};

/// When a version was made current, and by whom.
struct Activation {
  std::uint64_t version = 0;
  std::int64_t time_ms = 0;
  std::string by;
  [[nodiscard]] bool operator==(const Activation&) const = default;
};

/// A publication on its way: rows under a name of their own that no reader sees. Going out of scope
/// without commit() removes them (a killed process's rows go with the next gc()). Must go before
/// its store, whose other calls may be used meanwhile. Errors besides the store's: kInvalidArgument
/// (a row that cannot be: see the fields above; users out of order; numbers that are not finite),
/// kNotFound (gc() has removed it: nothing was added for hours).
class Draft {
 public:
  virtual ~Draft() = default;
  /// In dense order, in blocks of any size; users ascending by id (bytes).
  [[nodiscard]] virtual Result<void> add_items(std::span<const PublishedItem> items) = 0;
  [[nodiscard]] virtual Result<void> add_users(std::span<const PublishedUser> users) = 0;
  /// Reads everything back and compares it with what was added (counts and a hash over all rows;
  /// kCorrupt), then gives it the next version and makes that current, in one transaction. Returns
  /// the version. info's counts, k, version and checksum are filled by the store. Rows of users who
  /// were erased after info.records_seq are left out, also of those who are back: the rows are of
  /// before.
  [[nodiscard]] virtual Result<std::uint64_t> commit(const Publication& info) = 0;
  /// For restore() alone: the same, but under info.version, and nothing becomes current.
  [[nodiscard]] virtual Result<void> commit_as(const Publication& info) = 0;
};

// ---- keys

enum Scope : std::uint8_t { kRead = 1, kWrite = 2, kAdmin = 4 };

/// A key of the API. The key itself is shown once, when it is made; the store has its hash.
struct ApiKey {
  std::string id;  ///< public part, 1 to 32 characters of [A-Za-z0-9]
  std::string tenant;
  std::string name;  ///< for people
  std::uint8_t scopes = 0;
  std::string hash;  ///< SHA-256 of the whole key, hexadecimal
  std::int64_t created_ms = 0;
  std::int64_t expires_ms = 0;  ///< 0 = never
  std::int64_t revoked_ms = 0;  ///< 0 = valid
  [[nodiscard]] bool operator==(const ApiKey&) const = default;
};

// ---- the store

/// What gc() may remove, tenant by tenant. The current publication always stays, with its bundle.
struct Retention {
  std::uint64_t publications = 5;  ///< newest committed ones that stay
  double events_days = 0;          ///< older events go; 0 = all stay
  double drafts_hours = 24;        ///< rows of a publication that was never finished
};
struct Collected {
  std::uint64_t publications = 0, drafts = 0, events = 0;
  std::vector<std::string> bundle_ids;  ///< that no publication of any tenant names any more
};

/// What a backup holds of a tenant besides its rows.
struct TenantState {
  std::uint64_t seq = 0;           ///< last_seq()
  std::uint64_t last_version = 0;  ///< of all that there were; the next commit counts on
  std::uint64_t current = 0;
  std::vector<Activation> activations;
  [[nodiscard]] bool operator==(const TenantState&) const = default;
};

/// An open store. One thread at a time; open another for another thread or process: what one has
/// committed the next call of any other sees. A lost connection is taken up again by the next call.
/// Errors of every call: kIo (connection, lock, disk), kResourceExhausted (full), kCorrupt,
/// kInvalidArgument (a tenant or id that is none), kUnsupported (schema of a newer torii).
class Store {
 public:
  virtual ~Store() = default;
  /// "sqlite:shop.db"; without passwords.
  [[nodiscard]] virtual std::string shown() const = 0;
  /// Whether append() survives a power cut; false says what to set ("appendfsync is everysec").
  struct Durability {
    bool durable = true;
    std::string why;
  };
  [[nodiscard]] virtual Result<Durability> durability() = 0;
  /// A number that the store was given when it was made: another one tells that the place was
  /// emptied and filled anew, for example from a backup. 0: made by a torii that gave none. Cheap:
  /// servers ask every second.
  [[nodiscard]] virtual Result<std::uint64_t> identity() = 0;

  // Records. append(): all or nothing, durable on return, in order. An event is new by its id; a
  // user or item replaces the record of that id. A deleted item's record stays as a tombstone.
  [[nodiscard]] virtual Result<Appended> append(std::string_view tenant,
                                                std::span<const Record> records) = 0;
  /// Removes the user's record, events and published rows; leaves a tombstone, which becomes a
  /// kErasure of the same seq when the user is told anew.
  [[nodiscard]] virtual Result<Erased> erase_user(std::string_view tenant, std::string_view user_id,
                                                  std::int64_t time_ms) = 0;
  [[nodiscard]] virtual Result<std::optional<Record>> find_record(std::string_view tenant,
                                                                  RecordKind kind,
                                                                  std::string_view id) = 0;
  /// Records with seq > after, ascending by seq, at most `limit`. Every change that is committed
  /// later has a greater seq than all that this returned, so a reader that goes on from the last
  /// one misses nothing.
  [[nodiscard]] virtual Result<std::vector<Record>> read_records(std::string_view tenant,
                                                                 std::uint64_t after,
                                                                 std::size_t limit) = 0;
  /// All events of one user, by seq: for an export on demand.
  [[nodiscard]] virtual Result<std::vector<Record>> read_events_of(std::string_view tenant,
                                                                   std::string_view user_id) = 0;
  /// seq of the last change.
  [[nodiscard]] virtual Result<std::uint64_t> last_seq(std::string_view tenant) = 0;

  // Publications.
  [[nodiscard]] virtual Result<std::unique_ptr<Draft>> begin_publication(
      std::string_view tenant) = 0;
  /// Newest first; committed ones.
  [[nodiscard]] virtual Result<std::vector<Publication>> publications(std::string_view tenant) = 0;
  /// 0: none yet. Cheap: servers ask every second.
  [[nodiscard]] virtual Result<std::uint64_t> current_version(std::string_view tenant) = 0;
  /// Makes an older (or newer) version current: rollback. kNotFound.
  [[nodiscard]] virtual Result<void> activate(std::string_view tenant, std::uint64_t version,
                                              std::string_view by, std::int64_t time_ms) = 0;
  /// Every commit, activation and rollback, oldest first.
  [[nodiscard]] virtual Result<std::vector<Activation>> activations(std::string_view tenant) = 0;
  using ItemSink = std::function<Result<void>(PublishedItem item)>;
  using UserSink = std::function<Result<void>(PublishedUser user)>;
  /// All rows in their order, one at a time; the sink may not call the store. kNotFound (no such
  /// version); kCorrupt, after the last row, if they are not those that were published.
  [[nodiscard]] virtual Result<void> read_items(std::string_view tenant, std::uint64_t version,
                                                const ItemSink& sink) = 0;
  [[nodiscard]] virtual Result<void> read_users(std::string_view tenant, std::uint64_t version,
                                                const UserSink& sink) = 0;
  [[nodiscard]] virtual Result<std::optional<PublishedUser>> find_user(std::string_view tenant,
                                                                       std::uint64_t version,
                                                                       std::string_view id) = 0;

  // Keys and tenants.
  [[nodiscard]] virtual Result<void> put_key(const ApiKey& key) = 0;  ///< new, or replaces by id
  /// Of all tenants, by id.
  [[nodiscard]] virtual Result<std::vector<ApiKey>> keys() = 0;
  /// Changes with every put_key(). Cheap: servers ask every second.
  [[nodiscard]] virtual Result<std::uint64_t> keys_revision() = 0;
  /// Every tenant with a publication, record or key, ascending.
  [[nodiscard]] virtual Result<std::vector<std::string>> tenants() = 0;

  // Maintenance.
  [[nodiscard]] virtual Result<Collected> gc(std::string_view tenant, const Retention& retention,
                                             std::int64_t now_ms) = 0;
  /// Every row of every publication against its checksum, records against the order of their seq.
  /// Returns what is wrong, one sentence each; empty: all is well.
  [[nodiscard]] virtual Result<std::vector<std::string>> verify() = 0;

  // For backup() and restore() alone.
  [[nodiscard]] virtual Result<TenantState> tenant_state(std::string_view tenant) = 0;
  /// Until end_restore() nobody can open the store. kInvalidArgument: it is not empty.
  [[nodiscard]] virtual Result<void> begin_restore() = 0;
  /// Records with the seq that they had, ascending.
  [[nodiscard]] virtual Result<void> restore_records(std::string_view tenant,
                                                     std::span<const Record> records) = 0;
  [[nodiscard]] virtual Result<void> restore_state(std::string_view tenant,
                                                   const TenantState& state) = 0;
  [[nodiscard]] virtual Result<void> end_restore() = 0;
};

/// Version of the schema that this program writes; older ones are upgraded by migrate().
inline constexpr int kSchemaVersion = 1;

struct OpenOptions {
  /// kUse: an empty place gets the schema; an older one is kUnsupported and says
  /// `torii store migrate`. kMigrate: an older one is upgraded, in one transaction.
  enum class Schema : std::uint8_t { kUse, kMigrate } schema = Schema::kUse;
  /// Of one statement or command, and of waiting for a lock.
  double timeout_s = 30;
  std::function<bool()> cancelled = {};
  /// Milliseconds since 1970 UTC, for the age of drafts; the system's clock if empty.
  std::function<std::int64_t()> clock = {};
  /// For stores that write everything at the commit (open_feast()): where rows wait until then (the
  /// system's temporary folder if empty), and who is told of progress and repeated attempts.
  std::string scratch = {};
  Reporter* reporter = nullptr;
};

/// sqlite:FILE, postgres://..., redis://[user[:password]@]host[:port][/db]. Other schemes and
/// rediss:// are kUnsupported. Passwords may come from the environment (PGPASSWORD,
/// TORII_REDIS_PASSWORD); no message holds one.
[[nodiscard]] Result<std::unique_ptr<Store>> open(const std::string& uri,
                                                  const Environment& environment,
                                                  const OpenOptions& options = {});
[[nodiscard]] bool is_store(std::string_view uri);

/// Writes everything that a store holds into one file (docs/formats/store_backup.md; versioned,
/// sized, checksummed), whatever the back end; restores it into an empty store of any back end
/// (kInvalidArgument if it is not empty). The file appears whole or not at all.
struct BackedUp {
  std::uint64_t tenants = 0, publications = 0, records = 0, keys = 0;
};
[[nodiscard]] Result<BackedUp> backup(Store& store, const std::string& file);
[[nodiscard]] Result<BackedUp> restore(Store& store, const std::string& file);

}  // namespace torii::store
