// The one switch from database failures to statuses, by number.
#ifndef WARDER_SERVER_STORAGE_SQL_ERROR_H_
#define WARDER_SERVER_STORAGE_SQL_ERROR_H_

#include <exception>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder::storage {

// Returns what `error`, thrown by SOCI, means:
//
//   UNAVAILABLE          locked, full, unreadable, gone; with what to do next
//   DATA_LOSS            the file is damaged or no database
//   FAILED_PRECONDITION  a trigger refused; its reason is kept
//   ALREADY_EXISTS       a unique value is taken
//   INTERNAL             a statement that should not have been sent
absl::Status SqlError(const std::exception& error);

// Runs `body` and returns what it returns, or what it threw as a status.
template <typename Body>
auto Guard(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return SqlError(error);
  }
}

// Returns ABORTED for a row that moved since it was loaded.
absl::Status Conflict(absl::string_view name);

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_SQL_ERROR_H_
