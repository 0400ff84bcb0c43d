#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace torii::server {

/// Takes apart one JSON object of a request, strictly: what is there must have the right type and
/// size, and what nobody asked for is an error. Each call names the place ("events/3/type").
class JsonReader {
 public:
  JsonReader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {}

  /// An object, and nothing but these keys in it.
  [[nodiscard]] Result<void> check(std::initializer_list<std::string_view> keys) const;
  [[nodiscard]] const Json* find(std::string_view key) const { return object_.find(key); }

  // Null where the key is missing. Bounds are those of the text's bytes, or of the number.
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view key, std::size_t min,
                                                        std::size_t max) const;
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(std::string_view key, std::int64_t min,
                                                            std::int64_t max) const;
  [[nodiscard]] Result<std::optional<double>> number(std::string_view key, double min,
                                                     double max) const;
  [[nodiscard]] Result<std::optional<bool>> flag(std::string_view key) const;
  /// A list of texts, empty if missing; each 1 to bytes_max bytes.
  [[nodiscard]] Result<std::vector<std::string>> texts(std::string_view key, std::size_t count_max,
                                                       std::size_t bytes_max) const;
  /// A list of anything; null if missing.
  [[nodiscard]] Result<const Json::Array*> list(std::string_view key, std::size_t count_min,
                                                std::size_t count_max) const;
  [[nodiscard]] Result<const Json*> object(std::string_view key) const;
  [[nodiscard]] std::string place_of(std::string_view key) const;
  [[nodiscard]] Error missing(std::string_view key, std::string_view what) const;

 private:
  const Json& object_;
  std::string place_;
};

}  // namespace torii::server
