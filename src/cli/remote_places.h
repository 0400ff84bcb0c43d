#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

namespace torii::cli {

/// Lets every verb read and write places in S3: --bundle, --cache and their like are fetched into a
/// folder of this call before it runs, and what it writes to --out, --report or --answer is sent
/// when it has succeeded, a bundle's manifest last, so that no half of one can be opened. Tables
/// (--data, data.*.path, --candidates) are not touched: they are read in ranges where they are.
class RemotePlaces {
 public:
  /// `environment` has credentials and TMPDIR (/tmp unless set), where the folder is made.
  explicit RemotePlaces(const Environment& environment) : environment_(environment) {}
  RemotePlaces(const RemotePlaces&) = delete;
  RemotePlaces& operator=(const RemotePlaces&) = delete;
  ~RemotePlaces();

  /// The words with local paths for remote places. Errors: kNotFound, kIo, kResourceExhausted (the
  /// disk is full), kInvalidArgument.
  [[nodiscard]] Result<std::vector<std::string>> bring(std::vector<std::string> words);
  /// Writes what the call has made to where it was meant. Errors as above.
  [[nodiscard]] Result<void> send();
  /// The same for --answer alone, which a verb writes when it says no as well.
  [[nodiscard]] Result<void> send_answer();

  [[nodiscard]] bool empty() const { return staged_.empty(); }
  /// `text` with the names that were given in place of local paths.
  [[nodiscard]] std::string shown(std::string text) const;

 private:
  struct Staged {
    std::string flag;
    std::string uri;
    std::filesystem::path local;
    bool is_output = false;
  };
  [[nodiscard]] Result<std::filesystem::path> local_for(const std::string& uri);
  [[nodiscard]] Result<void> fetch(const Staged& staged) const;
  [[nodiscard]] Result<void> send_one(const Staged& staged) const;
  [[nodiscard]] Result<void> rewrite_answer() const;

  const Environment& environment_;
  std::filesystem::path folder_ = {};
  std::filesystem::path local_answer_ = {};
  std::vector<Staged> staged_ = {};
};

}  // namespace torii::cli
