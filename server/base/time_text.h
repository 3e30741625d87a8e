// Instants and durations as people and files write them.
#ifndef WARDER_SERVER_BASE_TIME_TEXT_H_
#define WARDER_SERVER_BASE_TIME_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder {

// Returns RFC 3339 in UTC with seconds: "2026-01-02T03:04:05Z".
std::string TimeText(absl::Time time);

// Returns the instant of RFC 3339 text; INVALID_ARGUMENT otherwise.
absl::StatusOr<absl::Time> ParseTime(absl::string_view text);

// Returns when the day `date`, "2026-12-31", ends in the IANA time zone `zone`,
// "Europe/Berlin": the first instant of the next day there. INVALID_ARGUMENT
// for no such day or zone. Reads the system's tzdata; may block on the disk
// once for each zone.
absl::StatusOr<absl::Time> EndOfDay(absl::string_view date,
                                    absl::string_view zone);

// Returns the largest exact units: "30d", "1h30m", "90s" is "1m30s".
std::string DurationText(absl::Duration duration);

// Returns the duration of "30d", "12h", "1h30m", "45s", "250ms";
// INVALID_ARGUMENT otherwise. Days are 24 hours.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_TIME_TEXT_H_
