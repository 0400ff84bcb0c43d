#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "features/encoder.h"
#include "model/bundle.h"
#include "recommend/filter.h"
#include "recommend/rank.h"
#include "store/store.h"

/// The online half of recommend/: what one tenant's service knows, and its answers. A Shop holds
/// one publication, loaded whole and immutable, and over it what arrived since, record by record.
/// Batch candidates and these answers come from the same rank().
namespace torii::recommend {

/// Something just looked at, liked, bought.
struct SessionEvent {
  std::string item_id;
  std::string type;          ///< "view", "click", "cart", "purchase", ...; empty = view
  std::int64_t time_ms = 0;  ///< 0 = in the order of the list, newest last
};

/// What the shop's people want, whatever the model says. All keys are optional.
struct Rules {
  struct Boost {
    Filter filter;
    double add = 0.0;  ///< to the score of every item that passes, -1e6 to 1e6
  };
  struct Cap {
    std::string key;        ///< attribute: at most `count` items of the answer share a value of it
    std::size_t count = 0;  ///< at least 1
  };
  struct Pin {
    std::string item_id;
    std::size_t place = 0;  ///< from 0; filters and what was bought still count
  };
  std::vector<Boost> boosts;
  std::vector<Cap> caps;
  std::vector<Pin> pins;
  /// MMR (Carbonell and Goldstein 1998): 0 = by score alone, 1 = by difference alone.
  double diversity = 0.0;
  [[nodiscard]] bool empty() const {
    return boosts.empty() && caps.empty() && pins.empty() && diversity == 0.0;
  }
};
/// {"boosts": [{"filter": {...}, "add": 0.1}], "caps": [{"key": "brand", "count": 2}],
///  "pins": [{"item_id": "a", "place": 0}], "diversity": 0.3}; at most 32 of each.
[[nodiscard]] Result<Rules> parse_rules(const Json& json);

/// Who asks, and for what. Borrowed texts live as long as the call.
struct ShopRequest {
  std::string_view user_id = {};   ///< may be empty or unknown
  const Json* features = nullptr;  ///< an object: column -> value; overrides what is stored
  std::span<const SessionEvent> session = {};
  std::span<const std::string> categories = {};  ///< wishes of somebody new
  std::size_t k = 10;                            ///< 1 to 1000
  std::size_t offset = 0;                        ///< skips that many; offset + k <= 1000
  const Filter* filter = nullptr;
  std::span<const std::string> exclude = {};  ///< item ids; unknown ones are ignored
  std::span<const std::string> cart = {};     ///< likewise; what lies in the cart now
  const Rules* rules = nullptr;
  /// Which of the user's own items never come back. Cart and negative events always count.
  enum class Exclude : std::uint8_t { kSeen, kBought, kNothing } exclude_own = Exclude::kSeen;
  bool explain = false;
  bool with_vector = false;
};

class ItemsEdition;  // the items as they are at one moment; immutable

/// An answer; items are places in `edition`, which it keeps alive.
struct ShopAnswer {
  std::shared_ptr<const ItemsEdition> edition;
  std::vector<retrieval::Scored> items;  ///< best first
  Source source = Source::kFallback;
  std::uint64_t model_version = 0;
  std::int64_t published_ms = 0;  ///< age_s is counted from here
  std::string reason;             ///< for people; filled if explain
  Json explanation;               ///< filled if explain, see docs/serving.md
  std::vector<float> vector;      ///< filled if with_vector: what was searched with; may be empty
};

/// The items of a moment. Places are those of ShopAnswer::items.
class ItemsEdition {
 public:
  virtual ~ItemsEdition() = default;
  [[nodiscard]] virtual std::string_view id(std::uint32_t item) const = 0;
  /// The id as a JSON text with its quotes, escaped once: written to answers as it is.
  [[nodiscard]] virtual std::string_view id_json(std::uint32_t item) const = 0;
  /// Its attributes as a JSON object.
  [[nodiscard]] virtual std::string_view attributes_json(std::uint32_t item) const = 0;
  [[nodiscard]] virtual std::span<const float> embedding(std::uint32_t item) const = 0;
  /// Of its texts, at length 1 and with the 8 bits of precision that search needs; empty if it has
  /// none.
  [[nodiscard]] virtual std::vector<float> text_embedding(std::uint32_t item) const = 0;
  [[nodiscard]] virtual std::optional<std::uint32_t> find(std::string_view id) const = 0;
  [[nodiscard]] virtual float popularity(std::uint32_t item) const = 0;
  [[nodiscard]] virtual std::size_t size() const = 0;  ///< items that are there and not deleted
};

/// What a Shop is made with; the same for all publications of a tenant.
struct ShopOptions {
  /// Catalogues above this many items are searched by HNSW, smaller ones exactly. 0 = always
  /// exactly.
  std::size_t approximate_from = 1'000'000;
  /// Attributes with a meaning; the publication's roles fill what is empty.
  std::string title, in_stock, hidden;
  std::vector<std::string> categories;
  /// Hours after which an event counts half in "popular and recent".
  double popularity_half_life_h = 72.0;
  /// Events of one user that form a vector at most, newest first.
  std::size_t events_of_vector_max = 50;
  std::vector<std::string> negative_types = {"negative_view", "return"};
  std::vector<std::string> bought_types = {"purchase"};
};

/// A publication in memory with its bundle: read once, then shared and immutable.
class LoadedPublication;
/// Reads version `info` from the store and opens its bundle (a local folder). The parts must belong
/// together (bundle id, width, metric; kCorrupt otherwise). Time: seconds for a million users.
[[nodiscard]] Result<std::shared_ptr<const LoadedPublication>> load_publication(
    store::Store& store, std::string_view tenant, const store::Publication& info,
    const std::filesystem::path& bundle, const ShopOptions& options, ThreadPool& pool,
    Reporter& reporter);

/// One tenant's state. Threads: every const member concurrently with every other; apply() and
/// adopt() from one thread at a time, beside readers.
class Shop {
 public:
  /// now_ms: injected clock. texts: of the bundle's encoder, may be null (texts of new users and
  /// items then count as missing, search goes by words alone); calls take turns.
  struct Context {
    std::function<std::int64_t()> now_ms;
    std::function<std::shared_ptr<text::TextVectors>(const model::Bundle&)> open_texts;
  };
  Shop(ShopOptions options, Context context);
  ~Shop();

  /// Swaps the publication; records that were applied before hold over the new one too. Readers go
  /// on with the old one until they are done.
  [[nodiscard]] Result<void> adopt(std::shared_ptr<const LoadedPublication> publication);
  /// Takes records in the order of their seq; each acts from now on. Unknown items in events are
  /// kept for when the item comes. Records that cannot be read are counted, not an error.
  void apply(std::span<const store::Record> records);
  [[nodiscard]] std::uint64_t applied_seq() const;
  [[nodiscard]] bool ready() const;  ///< a publication was adopted

  /// Scratch of one thread: no allocation on the path of a known user once it is warm.
  class Workspace;
  [[nodiscard]] std::unique_ptr<Workspace, void (*)(Workspace*)> make_workspace() const;

  /// Never random; always an answer if there is any item left. Errors: kInvalidArgument (features
  /// of unknown columns or other types, k out of range), kUnsupported (texts without encoder).
  /// Known users without wishes are answered from the published list (kPrecomputed) if it still
  /// yields k items.
  [[nodiscard]] Result<void> recommend(const ShopRequest& request, Workspace& workspace,
                                       ShopAnswer& answer) const;
  /// True if recommend() would be answered from a list or by popularity, in microseconds: the
  /// caller may run it where it stands. False: it scans, encodes or searches.
  [[nodiscard]] bool is_quick(const ShopRequest& request) const;
  /// Several requests that scan, in one pass over the items: same answers as one by one.
  void recommend_together(std::span<const ShopRequest> requests, Workspace& workspace,
                          std::span<Result<ShopAnswer>> answers) const;

  /// Nearest to an item, itself left out. kNotFound.
  [[nodiscard]] Result<ShopAnswer> similar(std::string_view item_id, const ShopRequest& request,
                                           Workspace& workspace) const;
  /// The given items (at most 1000; unknown ones are left out) in the order for that user.
  [[nodiscard]] Result<ShopAnswer> rank_items(const ShopRequest& request,
                                              std::span<const std::string> item_ids,
                                              Workspace& workspace) const;
  /// Text to items: exact words and meaning, fused (reciprocal ranks). request: filter, k, offset.
  [[nodiscard]] Result<ShopAnswer> search(std::string_view text, const ShopRequest& request,
                                          Workspace& workspace) const;

  struct Category {
    std::string key;  ///< the column
    std::string value;
    std::uint64_t items = 0;
  };
  /// What the catalogue really holds, most items first.
  [[nodiscard]] std::vector<Category> categories() const;
  [[nodiscard]] std::shared_ptr<const ItemsEdition> items() const;
  /// The stored state of a user who came by API; nullopt if none did (ask the store's publication).
  [[nodiscard]] std::optional<Json> user(std::string_view user_id) const;
  [[nodiscard]] bool knows_user(std::string_view user_id) const;
  /// Item ids with their event types that this user has here, newest first: for exports,
  /// explanations.
  [[nodiscard]] std::vector<SessionEvent> events_of(std::string_view user_id,
                                                    std::size_t limit) const;
  /// Checks a user's or item's JSON against the model's columns before it is stored: types of
  /// columns that the model reads, sizes. Errors kInvalidArgument, naming the column.
  [[nodiscard]] Result<void> check_user(const Json& attributes) const;
  [[nodiscard]] Result<void> check_item(const Json& attributes) const;

  [[nodiscard]] store::Publication publication() const;  ///< only if ready()
  struct Counts {
    std::uint64_t users = 0, items = 0, new_items = 0, new_users = 0, unreadable_records = 0;
    double retrieval_recall = 1.0;  ///< of HNSW at k 100, measured at load; 1 if exact
    const char* recall_of = "";     ///< measured with vectors of "users" or "items"; "" if exact
    std::uint64_t bytes = 0;        ///< about
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace torii::recommend
