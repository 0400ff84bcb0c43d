#include "pipeline/cron.h"

#include <gtest/gtest.h>

#include <ctime>

namespace torii::pipeline {
namespace {

std::int64_t utc(int year, int month, int day, int hour, int minute) {
  std::tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  return std::int64_t{timegm(&parts)} * 1000;
}

std::int64_t next(const char* text, const char* zone, std::int64_t after) {
  const auto cron = Cron::parse(text);
  EXPECT_TRUE(cron.ok()) << cron.error().message;
  const auto time = cron->next(zone, after);
  EXPECT_TRUE(time.ok()) << time.error().message;
  return time.ok() ? *time : -1;
}

TEST(Cron, TakesTheNextMinuteThatMatches) {
  const std::int64_t now = utc(2026, 11, 26, 13, 7);  // a Thursday
  EXPECT_EQ(next("* * * * *", "UTC", now), utc(2026, 11, 26, 13, 8));
  EXPECT_EQ(next("0 2 * * *", "UTC", now), utc(2026, 11, 27, 2, 0));
  EXPECT_EQ(next("*/15 * * * *", "UTC", now), utc(2026, 11, 26, 13, 15));
  EXPECT_EQ(next("5/20 * * * *", "UTC", now), utc(2026, 11, 26, 13, 25));
  EXPECT_EQ(next("0 9-17/4 * * MON-FRI", "UTC", now), utc(2026, 11, 26, 17, 0));
  EXPECT_EQ(next("0 0 1 jan *", "UTC", now), utc(2027, 1, 1, 0, 0));
  EXPECT_EQ(next("0 0 29 2 *", "UTC", now), utc(2028, 2, 29, 0, 0));
  EXPECT_EQ(next("30 6 * * 7", "UTC", now), utc(2026, 11, 29, 6, 30));
  EXPECT_EQ(next("0 2 1,28 * *", "UTC", now), utc(2026, 11, 28, 2, 0));
  EXPECT_EQ(next("0 2 13 * 6", "UTC", now), utc(2026, 11, 28, 2, 0));   // either day counts
  EXPECT_EQ(next("7 13 * * *", "UTC", now), utc(2026, 11, 27, 13, 7));  // not now again
}

TEST(Cron, KeepsToTheClockOfAZone) {
  EXPECT_EQ(next("0 2 * * *", "Europe/Berlin", utc(2026, 11, 26, 13, 0)), utc(2026, 11, 27, 1, 0));
  EXPECT_EQ(next("0 2 * * *", "Europe/Berlin", utc(2026, 7, 1, 13, 0)), utc(2026, 7, 2, 0, 0));
  EXPECT_EQ(next("0 2 * * *", "Asia/Kolkata", utc(2026, 7, 1, 13, 0)), utc(2026, 7, 1, 20, 30));
  // 29 March 2026, 02:00 becomes 03:00 in Berlin (at 01:00 UTC).
  EXPECT_EQ(next("30 2 * * *", "Europe/Berlin", utc(2026, 3, 28, 12, 0)), utc(2026, 3, 29, 1, 0));
  EXPECT_EQ(next("30 2 * * *", "Europe/Berlin", utc(2026, 3, 29, 1, 0)), utc(2026, 3, 30, 0, 30));
  // 25 October 2026, 03:00 becomes 02:00 (at 01:00 UTC): 02:30 comes twice, and counts once.
  EXPECT_EQ(next("30 2 * * *", "Europe/Berlin", utc(2026, 10, 24, 12, 0)),
            utc(2026, 10, 25, 0, 30));
  EXPECT_EQ(next("30 2 * * *", "Europe/Berlin", utc(2026, 10, 25, 0, 30)),
            utc(2026, 10, 26, 1, 30));
}

TEST(Cron, SaysWhatIsWrong) {
  for (const char* text :
       {"", "nightly", "0 2 * *", "60 2 * * *", "0 24 * * *", "0 2 0 * *", "0 2 * 13 *",
        "0 2 * * 8", "0 2 * * MOON", "5-2 * * * *", "*/0 * * * *", "1,,2 * * * *", "-1 * * * *"}) {
    EXPECT_FALSE(Cron::parse(text).ok()) << text;
  }
  EXPECT_NE(Cron::parse("0 24 * * *").error().message.find("hour: expected numbers from 0 to 23"),
            std::string::npos);
  EXPECT_FALSE(Cron::parse("0 0 30 2 *")->next("UTC", 0).ok());
  EXPECT_FALSE(Cron::parse("0 0 * * *")->next("Mars/Olympus", 0).ok());
}

}  // namespace
}  // namespace torii::pipeline
