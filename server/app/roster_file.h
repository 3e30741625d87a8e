// A roster: a file that names everybody who works here, as CSV or as a SCIM
// ListResponse. It comes from a spreadsheet, so it is read with patience: a row
// that cannot be read is told and left out, never guessed.
#ifndef WARDER_SERVER_APP_ROSTER_FILE_H_
#define WARDER_SERVER_APP_ROSTER_FILE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/domain/user.h"

namespace warder::app {

inline constexpr size_t kMaxRosterBytes = 64 << 20;

struct BadRow {
  int64_t line = 0;  // of a CSV file, the header is 1; of JSON, the element
  std::string why;
};

struct Roster {
  // Names, active, leave_time and time_zone are filled.
  std::vector<domain::User> people;
  std::vector<BadRow> bad_rows;  // the first 100
  int64_t bad_count = 0;
  // Words of rows that could not be read, folded: whoever is named by one is
  // neither here nor absent.
  absl::flat_hash_set<std::string> doubtful;
};

// Reads a roster. CSV (RFC 4180) is told from JSON by its first character;
// comma, semicolon and tab separate; a byte order mark, CRLF and quotes are
// understood. The header names, without regard to case, spaces and underscores:
//
//   external_id | employee_id | employee_number | id
//   user_name | login            email | mail
//   active | status              active, true, yes, employed, or empty;
//                                inactive, false, no, terminated, left
//   end_date | last_day | employment_end_time    a day or an RFC 3339 instant
//   time_zone                    of a day; `default_zone` where it is empty
//
// `rule` says which name every row needs. INVALID_ARGUMENT `roster` for a file
// that is neither, not UTF-8 as a whole (UTF-16), too large, without the column
// that `rule` compares; FAILED_PRECONDITION WRONG_STATE when more than a tenth
// of its rows cannot be read.
absl::StatusOr<Roster> ReadRoster(absl::string_view text,
                                  domain::MatchRule rule,
                                  const std::string& default_zone);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ROSTER_FILE_H_
