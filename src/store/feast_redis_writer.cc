#include <algorithm>
#include <map>
#include <utility>

#include "feast/online_layout.h"
#include "store/feast_publications.h"
#include "store/feast_redis_uri.h"
#include "store/feast_writer.h"
#include "store/redis_connection.h"

// Redis: one hash for an item or a user, changed by one command, in batches. Which stored rows are
// newer is asked for a batch before it is written, as Feast does.
namespace torii::store {
namespace {

constexpr std::size_t kHashesAtOnce = 512;
constexpr std::size_t kHashBytesAtOnce = std::size_t{4} << 20;
constexpr int kPlaceAttempts = 100;

// Views of one join key: they share the hash.
struct HashGroup {
  std::string join_key;
  bool of_items = false;
  std::vector<std::size_t> targets;
};

// Fields of one view in a hash.
struct HashPart {
  std::size_t target = 0;
  std::string value;
};
struct Hash {
  std::string key, entity_key;
  std::vector<HashPart> parts;
};

class FeastRedisWriter final : public FeastWriter {
 public:
  FeastRedisWriter(FeastWriterInput input, RedisUri uri)
      : input_(std::move(input)), redis_(std::move(uri), input_.options) {
    const Json& store = input_.repo->config.online;
    looks_ = !store.bool_at("skip_dedup").value_or(false);
    ttl_s_ = store.int_at("key_ttl_seconds").value_or(0);
    std::map<std::pair<bool, std::string>, HashGroup> groups;
    for (std::size_t i = 0; i < input_.targets.size(); ++i) {
      const FeastTarget& target = input_.targets[i];
      fields_.push_back(feast::redis_field(target.names.view, target.names.feature));
      time_fields_.push_back(feast::redis_time_field(target.names.view));
      HashGroup& group = groups[{target.of_items(), target.names.join_key}];
      group.join_key = target.names.join_key;
      group.of_items = target.of_items();
      group.targets.push_back(i);
    }
    for (auto& [name, group] : groups) groups_.push_back(std::move(group));
  }

  [[nodiscard]] std::string shown() const override { return redis_.shown(); }

  [[nodiscard]] Result<void> check() override { return redis_.connect(); }

  [[nodiscard]] Result<std::vector<Publication>> publications() override {
    TORII_TRY(auto known, kept());
    return publications_of(std::move(known), shown());
  }

  [[nodiscard]] Result<std::uint64_t> write(const FeastCommit& commit,
                                            FeastOutcome& outcome) override {
    TORII_TRY(const auto known, kept());
    TORII_TRY(const FeastPlace place, place_publication(known, commit, shown()));
    if (place.is_there) return place.version;
    FeastOutcome done = fresh_outcome(input_.targets, *commit.rows);
    for (const HashGroup& group : groups_) {
      TORII_TRY_VOID(write_group(commit, group, done));
    }
    outcome = std::move(done);
    return remember(commit);
  }

 private:
  [[nodiscard]] std::string publications_key() const {
    return fmt::format("torii:feast:{}:publications", input_.repo->config.project);
  }

  Result<std::vector<KeptPublication>> kept() {
    const std::string key = publications_key();
    TORII_TRY(const RedisReply reply, redis_.command({"HGETALL", key}));
    std::vector<KeptPublication> known;
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
      known.push_back(
          {static_cast<std::uint64_t>(reply.elements[i].number()), reply.elements[i + 1].text});
    }
    return known;
  }

  // Of two publishers that want the same number one gets the next.
  Result<std::uint64_t> remember(const FeastCommit& commit) {
    const std::string key = publications_key();
    const std::string text = kept_text(commit.info);
    for (int attempt = 0; attempt < kPlaceAttempts; ++attempt) {
      TORII_TRY(const auto known, kept());
      TORII_TRY(const FeastPlace place, place_publication(known, commit, shown()));
      if (place.is_there) return place.version;
      const std::string version = std::to_string(place.version);
      TORII_TRY(const RedisReply is_new, redis_.command({"HSETNX", key, version, text}));
      if (is_new.number() == 0) continue;
      for (const std::uint64_t old : place.outlived) {
        const std::string number = std::to_string(old);
        TORII_TRY_VOID(redis_.command({"HDEL", key, number}));
      }
      return place.version;
    }
    return make_error(ErrorCode::kIo, "{}: others publish all the time; publish again", shown());
  }

  Result<void> write_group(const FeastCommit& commit, const HashGroup& group,
                           FeastOutcome& outcome) {
    const feast::StringKeys keys(group.join_key);
    const std::string& project = input_.repo->config.project;
    FeastRowReader rows(*commit.rows, group.of_items);
    std::vector<Hash> batch;
    std::size_t bytes = 0;
    for (;;) {
      TORII_TRY(const bool more, rows.next());
      if (more) {
        Hash hash;
        for (const std::size_t target : group.targets) {
          auto value = rows.bytes(input_.targets[target].content);
          if (!value) continue;
          hash.parts.push_back({target, *std::move(value)});
          bytes += hash.parts.back().value.size();
        }
        if (hash.parts.empty()) continue;
        hash.entity_key = keys.of(rows.id());
        hash.key = feast::redis_key(hash.entity_key, project);
        batch.push_back(std::move(hash));
      }
      if (batch.size() >= kHashesAtOnce || bytes >= kHashBytesAtOnce || !more) {
        TORII_TRY_VOID(write_batch(commit, batch, outcome));
        batch.clear();
        bytes = 0;
      }
      if (!more) return {};
    }
  }

  // Takes out of the batch what is newer in the store.
  Result<void> leave_newer(const FeastCommit& commit, std::vector<Hash>& batch,
                           FeastOutcome& outcome) {
    std::vector<std::vector<std::string>> questions;
    for (const Hash& hash : batch) {
      std::vector<std::string> words = {"HMGET", hash.key};
      for (const HashPart& part : hash.parts) words.push_back(time_fields_[part.target]);
      questions.push_back(std::move(words));
    }
    TORII_TRY(const auto replies, redis_.commands(questions));
    const std::int64_t now_ms = commit.now_ms();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Hash& hash = batch[i];
      std::vector<HashPart> left;
      for (std::size_t j = 0; j < hash.parts.size(); ++j) {
        FeastOutcome::View& view = outcome.views[hash.parts[j].target];
        std::int64_t stored_ms = INT64_MIN;
        if (j < replies[i].elements.size() && !replies[i].elements[j].is_nil()) {
          // What is no time is of nobody: it is replaced.
          const auto time = feast::decode_time(replies[i].elements[j].text);
          if (time.ok()) stored_ms = *time;
        }
        if (stored_ms > now_ms) {
          if (view.future++ == 0) view.future_example = id_in_key(hash.entity_key);
        } else if (stored_ms > commit.info.created_ms) {
          if (view.kept++ == 0) view.kept_example = id_in_key(hash.entity_key);
          continue;
        }
        left.push_back(std::move(hash.parts[j]));
      }
      hash.parts = std::move(left);
    }
    return {};
  }

  Result<void> write_batch(const FeastCommit& commit, std::vector<Hash>& batch,
                           FeastOutcome& outcome) {
    if (batch.empty()) return {};
    std::uint64_t rows = 0;
    for (const Hash& hash : batch) rows += hash.parts.size();
    if (looks_) TORII_TRY_VOID(leave_newer(commit, batch, outcome));
    const std::string time = feast::encode_time(commit.info.created_ms);
    std::vector<std::vector<std::string>> orders;
    for (Hash& hash : batch) {
      if (hash.parts.empty()) continue;
      std::vector<std::string> words = {"HSET", hash.key};
      for (HashPart& part : hash.parts) {
        words.push_back(fields_[part.target]);
        words.push_back(std::move(part.value));
        words.push_back(time_fields_[part.target]);
        words.push_back(time);
        ++outcome.views[part.target].written;
      }
      orders.push_back(std::move(words));
      if (ttl_s_ > 0) orders.push_back({"EXPIRE", hash.key, std::to_string(ttl_s_)});
    }
    TORII_TRY_VOID(redis_.commands(orders));
    return commit.step(rows);
  }

  FeastWriterInput input_;
  RedisConnection redis_;
  std::vector<HashGroup> groups_;
  std::vector<std::string> fields_, time_fields_;  // by target
  bool looks_ = true;                              // at the times of stored rows
  std::int64_t ttl_s_ = 0;
};

}  // namespace

Result<std::unique_ptr<FeastWriter>> make_feast_redis_writer(FeastWriterInput input) {
  const feast::RepoConfig& config = input.repo->config;
  TORII_TRY(RedisUri uri,
            parse_feast_redis(config.online, config.file + ": online_store", input.environment));
  return std::unique_ptr<FeastWriter>(
      std::make_unique<FeastRedisWriter>(std::move(input), std::move(uri)));
}

}  // namespace torii::store
