#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/table.h"
#include "support/process.h"
#include "support/tables.h"

// What the cases of broken input are made of.
namespace torii {

namespace fs = std::filesystem;
using testing::file_text;
using testing::Finished;
using testing::run_program;
using testing::RunOptions;
using testing::TempFolder;
using testing::write_text;
using Words = std::vector<std::string>;

// One call: what it must say on stderr (an error, or a warning when it goes well) and its exit
// code.
struct Call {
  Words words;
  int exit_code = 2;
  std::vector<std::string> says;
  std::vector<std::pair<std::string, std::string>> environment = {};
};
struct Case {
  std::string name;
  std::function<void(const fs::path& folder)> make;  // DATA is <folder>/data
  std::vector<Call> calls;
};

inline std::string interactions_csv(int users = 20, int items = 15, int each = 6) {
  std::string rows = "user_id,item_id,timestamp\n";
  for (int u = 0; u < users; ++u) {
    for (int n = 0; n < each; ++n) {
      rows += fmt::format("u{:02},i{:02},{}\n", u, (u * 3 + n * 2) % items, 1700000000 + n);
    }
  }
  return rows;
}
inline std::string items_csv(int items = 15) {
  std::string text = "item_id,price,kind\n";
  for (int i = 0; i < items; ++i) text += fmt::format("i{:02},{}.5,k{}\n", i, i, i % 3);
  return text;
}
inline std::string users_csv(int users = 20) {
  std::string text = "user_id,age\n";
  for (int u = 0; u < users; ++u) text += fmt::format("u{:02},{}\n", u, 20 + u);
  return text;
}

inline void good(const fs::path& folder) {
  write_text(folder / "data/interactions.csv", interactions_csv());
  write_text(folder / "data/items.csv", items_csv());
  write_text(folder / "data/users.csv", users_csv());
}
inline auto good_but(const std::string& name, const std::string& text) {
  return [=](const fs::path& folder) {
    good(folder);
    write_text(folder / "data" / name, text);
  };
}
inline auto only(const std::string& name, const std::string& text) {
  return [=](const fs::path& folder) { write_text(folder / "data" / name, text); };
}
// The bundle of the good shop with something done to it.
inline auto bundle_but(const std::function<void(const fs::path& bundle)>& change) {
  return [=](const fs::path& folder) {
    good(folder);
    fs::copy(folder.parent_path() / "good.bundle", folder / "bundle", fs::copy_options::recursive);
    change(folder / "bundle");
  };
}
inline void flip(const fs::path& path, std::size_t from_end) {
  std::string text = file_text(path);
  char& byte = text[text.size() - from_end];
  byte = static_cast<char>(byte ^ 1);
  write_text(path, text);
}
inline void replace_in(const fs::path& path, const std::string& old, const std::string& now) {
  std::string text = file_text(path);
  const std::size_t at = text.find(old);
  ASSERT_NE(at, std::string::npos) << path;
  write_text(path, text.replace(at, old.size(), now));
}
inline void write_table(const fs::path& path, std::vector<data::Column> columns) {
  fs::create_directories(path.parent_path());
  const auto written = data::write_parquet(path, data::Table(std::move(columns), "test"));
  ASSERT_TRUE(written.ok()) << written.error().message;
}

inline Call train(int exit_code, std::vector<std::string> says, Words more = {}) {
  Words words = {"train", "--data=data", "--out=out/b.bundle", "--set=train.epochs=2",
                 "--set=model.width=8"};
  words.insert(words.end(), more.begin(), more.end());
  return {words, exit_code, std::move(says)};
}
inline Call judge(int exit_code, std::vector<std::string> says) {
  return {{"evaluate", "--baseline=popularity", "--data=data", "--split=loo"},
          exit_code,
          std::move(says)};
}
inline Call candidates(int exit_code, std::vector<std::string> says, Words more = {}) {
  Words words = {"candidates", "--bundle=../good.bundle", "--data=data", "--out=out/c.parquet"};
  words.insert(words.end(), more.begin(), more.end());
  return {words, exit_code, std::move(says)};
}
inline Call recommend(int exit_code, std::vector<std::string> says,
                      const std::string& user = "u01") {
  return {{"recommend", "--bundle=../good.bundle", "--data=data", "--user=" + user},
          exit_code,
          std::move(says)};
}
inline std::vector<Call> with_bundle(int exit_code, const std::vector<std::string>& says) {
  return {
      {{"bundle", "verify", "bundle"}, exit_code, says},
      {{"candidates", "--bundle=bundle", "--data=data", "--out=out/c.parquet"}, exit_code, says},
      {{"recommend", "--bundle=bundle", "--data=data", "--user=u01"}, exit_code, says}};
}

/// Faults of the tables themselves; of where they lie, of files and of databases and stores; of
/// the configuration, of flags and of bundles.
std::vector<Case> table_cases();
std::vector<Case> place_cases();
std::vector<Case> bundle_cases();

}  // namespace torii
