#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace torii::data {

/// What some programs put before UTF-8; nothing that a reader should see.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The fields of the first record of `text`, which must hold it whole; a byte order mark is
/// skipped. With `quoting`, "a,b" is one field and "" inside quotes is one quote.
[[nodiscard]] std::vector<std::string> csv_fields(std::string_view text, char delimiter,
                                                  bool quoting);

/// Whether `text` holds the end of its first record (a line end outside quotes).
[[nodiscard]] bool has_whole_record(std::string_view text, bool quoting);

enum class AtomicType { kToken, kTokenSeq, kFloat, kFloatSeq };

/// A header of RecBole's atomic files: "user_id:token".
struct AtomicHeader {
  std::string name;
  AtomicType type = AtomicType::kToken;
};
/// nullopt unless every header ends in :token, :token_seq, :float or :float_seq.
[[nodiscard]] std::optional<std::vector<AtomicHeader>> atomic_headers(
    const std::vector<std::string>& headers);

}  // namespace torii::data
