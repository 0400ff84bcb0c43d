#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace torii::pipeline {

/// A cron expression: minute, hour, day of the month, month, day of the week (0 or 7 is Sunday);
/// each `*`, numbers, ranges `1-5`, steps `*/15`, lists; months and days of the week also by their
/// first three letters. Where both days are restricted either counts, as cron(5) has it.
class Cron {
 public:
  /// Errors: kInvalidArgument, with the field and what it may hold.
  [[nodiscard]] static Result<Cron> parse(std::string_view text);

  /// The first time after `after_ms` (since 1970, UTC) at which a clock in `zone` ("Europe/Berlin")
  /// shows a minute that matches. A minute that a change of the clock leaves out counts as the
  /// moment of the change; of one that comes twice the first counts. Errors: kInvalidArgument (no
  /// such zone; nothing matches within eight years, such as on 30 February).
  [[nodiscard]] Result<std::int64_t> next(const std::string& zone, std::int64_t after_ms) const;

 private:
  [[nodiscard]] bool is_day(unsigned month, unsigned day, unsigned weekday) const;

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  bool any_day_ = false, any_weekday_ = false;
};

}  // namespace torii::pipeline
