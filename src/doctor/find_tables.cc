#include "doctor/find_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <unordered_set>
#include <utility>

#include "data/table.h"
#include "doctor/column_roles.h"

namespace torii::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilesMax = 500;

struct File {
  std::string path;
  char delimiter = 0;
  std::vector<std::string> columns;
};

Result<std::vector<std::string>> files_of(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::exists(path, error)) {
      return make_error(ErrorCode::kNotFound, "--data={}: there is no such file or folder", path);
    }
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> here;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      std::error_code ignored;
      const std::string name = at->path().filename().string();
      if (name.starts_with('.') || !at->is_regular_file(ignored)) continue;
      here.push_back(at->path().string());
    }
    if (error) return make_error(ErrorCode::kIo, "{}: {}", path, error.message());
    std::sort(here.begin(), here.end());
    files.insert(files.end(), here.begin(), here.end());
  }
  if (files.size() > kFilesMax) {
    return invalid("--data: {} files are more than {} to look through; name the tables",
                   files.size(), kFilesMax);
  }
  return files;
}

// The header; a single name with separators in it is read again with the right one.
Result<File> look(const std::string& path) {
  TORII_TRY(std::vector<std::string> columns, data::column_names(path));
  File file{path, 0, std::move(columns)};
  if (file.columns.size() != 1) return file;
  for (const char delimiter : {';', '\t', '|', ','}) {
    if (file.columns.front().find(delimiter) == std::string::npos) continue;
    TORII_TRY(file.columns, data::column_names(path, {.delimiter = delimiter}));
    file.delimiter = delimiter;
    return file;
  }
  return file;
}

std::size_t understood(const std::vector<std::string>& columns) {
  std::size_t count = 0;
  for (std::size_t role = 0; role < kRoles; ++role) {
    if (find_role(static_cast<Role>(role), columns)) ++count;
  }
  return count;
}

std::string name_of(const std::string& path) {
  return fs::path(path).filename().string();
}

// The ids of one column as texts.
struct Ids {
  std::size_t rows = 0;
  std::unordered_set<std::string> distinct;
};
Result<Ids> read_ids(const File& file, const std::string& column) {
  TORII_TRY(const data::Table table, data::read_table(file.path, {.columns = {column},
                                                                  .delimiter = file.delimiter,
                                                                  .text_columns = {column}}));
  Ids ids;
  ids.rows = table.rows();
  const data::Column& values = table.columns().front();
  for (std::size_t row = 0; row < ids.rows; ++row) {
    if (!values.is_null(row)) ids.distinct.insert(values.text_at(row));
  }
  return ids;
}

double share_joined(const Ids& wanted, const Ids& there) {
  if (wanted.distinct.empty()) return 0.0;
  const auto found = std::ranges::count_if(
      wanted.distinct, [&](const std::string& id) { return there.distinct.contains(id); });
  return static_cast<double>(found) / static_cast<double>(wanted.distinct.size());
}

// A table that describes the ids of the interactions.
struct EntityTable {
  const File* file = nullptr;
  std::string column;
  bool named = false;   // by its column or its file name, not by its values alone
  double joined = 0.0;  // share of the ids of the interactions that it holds
  std::size_t columns = 0;
  [[nodiscard]] bool better_than(const EntityTable& other) const {
    if (named != other.named) return named;
    return joined != other.joined ? joined > other.joined : columns > other.columns;
  }
};

// Whether the name of a file speaks of users (items).
bool file_speaks_of(Role role, const std::string& path) {
  std::string name = name_of(path);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::vector<std::string_view> words =
      role == Role::kUser
          ? std::vector<std::string_view>{"user",    "customer", "people",    "person",  "member",
                                          "visitor", "client",   "household", "account", "buyer"}
          : std::vector<std::string_view>{"item",  "product", "catalog", "article",
                                          "movie", "film",    "book",    "track",
                                          "song",  "offer",   "goods",   "listing"};
  return std::ranges::any_of(words, [&](auto word) { return name.find(word) != name.npos; });
}

class Search {
 public:
  explicit Search(std::vector<File> files) : files_(std::move(files)) {}

  Result<FoundTables> run(FoundTables found) {
    found_ = std::move(found);
    const File* rows = interactions();
    if (rows == nullptr) return nothing_found();
    take_interactions(*rows);
    const data::InteractionOptions& names = found_.options.interactions;
    TORII_TRY(const Ids users, read_ids(*rows, names.user_id));
    TORII_TRY(const Ids items, read_ids(*rows, names.item_id));
    take_entity(Role::kUser, users, *rows, found_.options.users);
    take_entity(Role::kItem, items, *rows, found_.options.items);
    const auto& options = found_.options;
    for (const File& file : files_) {
      if (file.path == options.interactions.path || file.path == options.users.path ||
          file.path == options.items.path) {
        continue;
      }
      found_.others.push_back(
          fmt::format("{}: columns {}", name_of(file.path), fmt::join(file.columns, ", ")));
    }
    return std::move(found_);
  }

 private:
  // Rows of a candidate: what one column says, or 0 if it cannot be read.
  static std::size_t rows_of(const File& file) {
    const auto table = data::read_table(
        file.path, {.columns = {file.columns[*find_role(Role::kUser, file.columns)]},
                    .delimiter = file.delimiter});
    return table.ok() ? table->rows() : 0;
  }

  [[nodiscard]] const File* interactions() const {
    std::vector<const File*> candidates;
    for (const File& file : files_) {
      if (find_role(Role::kUser, file.columns) && find_role(Role::kItem, file.columns)) {
        candidates.push_back(&file);
      }
    }
    const auto most = [&](auto&& measure) {
      std::size_t best = 0;
      for (const File* file : candidates) best = std::max<std::size_t>(best, measure(*file));
      std::erase_if(candidates, [&](const File* file) { return measure(*file) != best; });
    };
    if (candidates.size() > 1) most([](const File& file) { return understood(file.columns); });
    if (candidates.size() > 1) most(rows_of);
    return candidates.empty() ? nullptr : candidates.front();
  }

  void take_interactions(const File& file) {
    data::InteractionOptions& names = found_.options.interactions;
    names.path = file.path;
    found_.columns = file.columns;
    if (file.delimiter == '\t') {
      found_.options.delimiter = "\\t";
    } else if (file.delimiter != 0) {
      found_.options.delimiter = std::string(1, file.delimiter);
    }
    std::vector<std::string> chosen;
    const auto take = [&](Role role, std::string& name) {
      const auto place = find_role(role, file.columns);
      if (!place) return;
      name = file.columns[*place];
      chosen.push_back(fmt::format("{} = {}", role_name(role), name));
    };
    take(Role::kUser, names.user_id);
    take(Role::kItem, names.item_id);
    take(Role::kTime, names.timestamp);
    take(Role::kPosition, names.position);
    take(Role::kType, names.type);
    take(Role::kRating, names.rating);
    take(Role::kQuantity, names.quantity);
    found_.why.push_back(
        fmt::format("interactions: {} ({})", name_of(file.path), fmt::join(chosen, ", ")));
  }

  // Columns that may hold the ids: the one that is named so; in a table that names neither users
  // nor items also "id", "code" and the like. Numbers of users may be numbers of items as well, so
  // values alone decide nothing where a name does.
  static std::vector<std::string> id_columns(Role role, const File& file) {
    if (const auto place = find_role(role, file.columns)) return {file.columns[*place]};
    const Role other = role == Role::kUser ? Role::kItem : Role::kUser;
    if (find_role(other, file.columns)) return {};
    if (file_speaks_of(other, file.path) && !file_speaks_of(role, file.path)) return {};
    std::vector<std::string> names;
    for (const std::string& column : file.columns) {
      if (column == "id" || column == "ID" || column == "Id" || column == "code" ||
          column.ends_with("_id") || column.ends_with("Id")) {
        names.push_back(column);
      }
    }
    return names;
  }

  void take_entity(Role role, const Ids& wanted, const File& rows, data::EntityOptions& entity) {
    const std::string word = role == Role::kUser ? "users" : "items";
    EntityTable best;
    for (const File& file : files_) {
      if (&file == &rows || file.path == found_.options.users.path) continue;
      for (const std::string& column : id_columns(role, file)) {
        const auto ids = read_ids(file, column);
        if (!ids.ok()) continue;
        // One row each, or nearly: a table of events about an item does not describe it.
        if (ids->distinct.empty() || ids->rows > ids->distinct.size() + ids->rows / 5) continue;
        const bool named = find_role(role, file.columns) || file_speaks_of(role, file.path);
        const EntityTable candidate{&file, column, named, share_joined(wanted, *ids),
                                    file.columns.size()};
        if (candidate.joined > 0.0 && (best.file == nullptr || candidate.better_than(best))) {
          best = candidate;
        }
      }
    }
    if (best.file == nullptr) {
      found_.why.push_back(
          fmt::format("{}: no table has their ids; they are known by id only", word));
      return;
    }
    entity.path = best.file->path;
    entity.id = best.column;
    found_.why.push_back(
        fmt::format("{}: {} (id = {}, which holds {:.1f} % of the ids in the "
                    "interactions)",
                    word, name_of(entity.path), entity.id, 100.0 * best.joined));
  }

  [[nodiscard]] Error nothing_found() const {
    std::string seen;
    for (const File& file : files_) {
      seen += fmt::format("\n  {}: {}", name_of(file.path), fmt::join(file.columns, ", "));
    }
    for (const std::string& other : found_.others) seen += "\n  " + other;
    return invalid(
        "no table looks like interactions: expected one with a column for the user (user_id, "
        "customer_id, visitorid, ...) and one for the item (item_id, product_id, asin, sku, ...). "
        "Found:{}\nName the columns in a torii.yaml by hand: data.interactions.path, user_id, "
        "item_id",
        seen.empty() ? " no table" : seen);
  }

  std::vector<File> files_;
  FoundTables found_;
};

}  // namespace

Result<FoundTables> find_tables(const std::vector<std::string>& paths) {
  TORII_TRY(const std::vector<std::string> names, files_of(paths));
  FoundTables found;
  std::vector<File> files;
  for (const std::string& path : names) {
    auto file = look(path);
    if (file.ok()) {
      files.push_back(std::move(file).value());
    } else if (file.error().message.find("cannot tell the format") == std::string::npos) {
      found.others.push_back(file.error().message);
    }
  }
  return Search(std::move(files)).run(std::move(found));
}

}  // namespace torii::doctor
