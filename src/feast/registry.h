#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "feast/value.h"

namespace torii::feast {

struct Field {
  std::string name;
  ValueType type = ValueType::kInvalid;
  int vector_length = 0;  ///< 0: not declared
};

struct Entity {
  std::string name;
  std::string join_key;
  ValueType type = ValueType::kInvalid;
};

/// Where rows of a view lie.
struct Source {
  enum class Kind : std::uint8_t { kNone, kFile, kPostgres, kPush, kOther };
  Kind kind = Kind::kNone;
  std::string name;
  std::string type;  ///< for messages: "file", "PostgreSQLSource", "type 4"
  std::map<std::string, std::string> fields;  ///< column of the source -> feature name
  std::string timestamp_field;
  std::string created_timestamp_field;  ///< may be empty
  std::string uri;                      ///< kFile
  std::string s3_endpoint;              ///< kFile; may be empty
  std::string table;                    ///< kPostgres: one of these two
  std::string query;
  /// The column of the source that becomes this feature or join key.
  [[nodiscard]] std::string column_of(const std::string& feature) const;
};

struct FeatureView {
  std::string name;
  std::vector<std::string> entities;  ///< names, not join keys
  std::vector<Field> keys;            ///< join keys, in the order of the entities
  std::vector<Field> features;
  double ttl_s = 0;  ///< 0: none
  Source batch;
  Source stream;  ///< a push source, or kNone
  bool online = false;
  [[nodiscard]] const Field* feature(std::string_view feature_name) const;
};

struct Projection {
  std::string view;
  std::string alias;                             ///< may be empty
  std::vector<std::string> features;             ///< none: of a view that has none
  std::map<std::string, std::string> join_keys;  ///< the view's -> the name in the service
};

struct FeatureService {
  std::string name;
  std::vector<Projection> projections;
};

/// What a project of a registry offers; everything ordered by name.
struct Registry {
  std::string project;
  std::vector<Entity> entities;
  std::vector<FeatureView> views;
  std::vector<FeatureService> services;
  std::vector<std::string> other_views;  ///< on demand and stream views: known by name alone
  [[nodiscard]] const Entity* entity(std::string_view name) const;
  [[nodiscard]] const FeatureView* view(std::string_view name) const;
  [[nodiscard]] const FeatureService* service(std::string_view name) const;
};

/// Puts a registry together from its parts: a whole file, or messages of one kind as SQL tables and
/// registry servers give them, which were asked for the project and may not name it. `where` names
/// the registry in messages. Errors of the adders: kCorrupt (not such a message).
class RegistryBuilder {
 public:
  RegistryBuilder(std::string project, std::string where);
  ~RegistryBuilder();
  [[nodiscard]] Result<void> add_registry(std::string_view bytes);
  [[nodiscard]] Result<void> add_entity(std::string_view bytes);
  [[nodiscard]] Result<void> add_view(std::string_view bytes);
  [[nodiscard]] Result<void> add_other_view(std::string_view bytes);
  [[nodiscard]] Result<void> add_service(std::string_view bytes);
  /// Another project that the registry holds, for a message.
  void note_project(const std::string& name);
  /// The same from a whole registry.
  void note_projects(std::string_view bytes);
  [[nodiscard]] bool empty() const;  ///< nothing of the project was added yet
  /// The answer of a registry server's List call: the messages in it.
  [[nodiscard]] static Result<std::vector<std::string>> listed(std::string_view bytes,
                                                               std::string_view where);
  /// Errors: kNotFound (nothing of that project: names those that are there), kCorrupt (a view of
  /// an entity that is not there).
  [[nodiscard]] Result<Registry> finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Body of a registry server's request for one project.
[[nodiscard]] std::string list_request(std::string_view project);

}  // namespace torii::feast
