#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace torii::text {

/// A model on the hub: "BAAI/bge-small-en-v1.5", with "@main", "@v1.0" or "@<commit>" behind it if
/// a certain revision is meant.
struct HubName {
  std::string owner;
  std::string model;
  std::string revision = "main";

  [[nodiscard]] std::string id() const { return owner + "/" + model; }
  /// With the commit in place of the revision: names the same files for ever.
  [[nodiscard]] std::string pinned(std::string_view commit) const {
    return id() + "@" + std::string(commit);
  }
};

/// nullopt if it cannot be one: not two words of letters, digits and . _ - around one slash (with
/// at most one @ and such a word, slashes allowed, behind). Does not look at the disk.
[[nodiscard]] std::optional<HubName> parse_hub_name(std::string_view name);

/// 40 lower-case hexadecimal digits.
[[nodiscard]] bool is_commit(std::string_view text);

}  // namespace torii::text
