#include "server/base/time_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder {
namespace {

constexpr int64_t kMostDays = 1000000;

}  // namespace

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> ParseTime(absl::string_view text) {
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &why) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return FieldError("time",
                      absl::StrCat("\"", text, "\" is not RFC 3339 (", why,
                                   "); write 2026-01-02T03:04:05Z"));
  }
  return time;
}

absl::StatusOr<absl::Time> EndOfDay(absl::string_view date,
                                    absl::string_view zone) {
  absl::CivilDay day;
  if (date.size() != 10 || !absl::ParseCivilTime(date, &day) ||
      absl::FormatCivilTime(day) != date) {
    return FieldError("date", absl::StrCat("\"", date.substr(0, 40),
                                           "\" is not a day such as "
                                           "2026-12-31"));
  }
  // A name of the database, and no path out of it.
  const bool plain = !zone.empty() && zone.size() <= 64 &&
                     absl::ascii_isupper(zone[0]) &&
                     std::all_of(zone.begin(), zone.end(), [](char c) {
                       return absl::ascii_isalnum(c) || c == '/' || c == '_' ||
                              c == '-' || c == '+';
                     });
  absl::TimeZone loaded;
  if (!plain || !absl::LoadTimeZone(zone, &loaded)) {
    return FieldError("time_zone",
                      absl::StrCat("\"", zone.substr(0, 64),
                                   "\" is not an IANA time zone such as "
                                   "Europe/Berlin (Debian package tzdata)"));
  }
  return absl::FromCivil(day + 1, loaded);
}

std::string DurationText(absl::Duration duration) {
  std::string text;
  if (duration < absl::ZeroDuration()) {
    text = "-";
    duration = -duration;
  }
  const int64_t days = absl::IDivDuration(duration, absl::Hours(24), &duration);
  if (days > 0) absl::StrAppend(&text, days, "d");
  if (duration != absl::ZeroDuration() || days == 0) {
    absl::StrAppend(&text, absl::FormatDuration(duration));
  }
  return text;
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  const absl::Status bad = FieldError(
      "duration", absl::StrCat("\"", text.substr(0, 40),
                               "\" is not a duration; write 30d, 12h, 1h30m, "
                               "45s or 250ms"));
  absl::Duration days = absl::ZeroDuration();
  absl::string_view rest = text;
  const size_t d = text.find('d');
  if (d != absl::string_view::npos) {
    int64_t n = 0;
    if (!absl::SimpleAtoi(text.substr(0, d), &n) || n < 0 || n > kMostDays) {
      return bad;
    }
    days = absl::Hours(24 * n);
    rest = text.substr(d + 1);
  }
  absl::Duration tail = absl::ZeroDuration();
  if (rest.empty() && d == absl::string_view::npos) return bad;
  if (!rest.empty() && !absl::ParseDuration(rest, &tail)) return bad;
  if (tail < absl::ZeroDuration() ||
      days + tail > absl::Hours(24 * kMostDays)) {
    return bad;
  }
  return days + tail;
}

}  // namespace warder
