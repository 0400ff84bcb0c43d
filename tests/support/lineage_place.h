#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "pipeline/lineage_store.h"
#include "support/process.h"

namespace torii::pipeline {

/// Where a test keeps its lineage: a file of its folder, or, beside with_postgres.py, a database of
/// its own of that server.
class LineagePlace {
 public:
  explicit LineagePlace(const std::filesystem::path& folder)
      : uri_("sqlite:" + (folder / "lineage.db").string()) {
    const char* server = std::getenv("TORII_TEST_POSTGRES");
    if (server == nullptr) return;
    environment_["PGPASSWORD"] = std::getenv("TORII_TEST_POSTGRES_PASSWORD");
    const std::string name = "test_" + folder.filename().string();
    const auto connection = sql::open(server, environment_, {.access = sql::Access::kWrite});
    if (!connection.ok()) throw std::runtime_error(connection.error().message);
    const auto made = (*connection)->execute("CREATE DATABASE " + sql::quote_name(name));
    if (!made.ok()) throw std::runtime_error(made.error().message);
    uri_ = server;
    const std::size_t query = std::min(uri_.find('?'), uri_.size());
    const std::size_t slash = uri_.rfind('/', query);
    uri_.replace(slash + 1, query - slash - 1, name);
  }
  [[nodiscard]] const std::string& uri() const { return uri_; }
  [[nodiscard]] const Environment& environment() const { return environment_; }
  [[nodiscard]] bool is_shared() const { return !uri_.starts_with("sqlite:"); }
  [[nodiscard]] LineageStore open() const {
    auto store = LineageStore::open_at(uri_, environment_);
    if (!store.ok()) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }

 private:
  std::string uri_;
  Environment environment_;
};

}  // namespace torii::pipeline
