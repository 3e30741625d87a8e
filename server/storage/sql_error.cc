#include "server/storage/sql_error.h"

#include <soci/sqlite3/soci-sqlite3.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::storage {
namespace {

absl::Status Unavailable(absl::string_view what, absl::string_view text) {
  return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
               absl::StrCat("the database ", what, " (", text, ")"));
}

// A constraint: one of our triggers, a unique index, or a foreign key.
absl::Status Constraint(const std::string& text) {
  for (const Reason reason : {Reason::kOwnerNotActive, Reason::kDeputyRequired,
                              Reason::kWrongState}) {
    const size_t at = text.find(absl::StrCat(ReasonName(reason), ": "));
    if (at != std::string::npos) {
      return Precondition(
          reason, absl::StrCat("the schema refuses: ", text.substr(at)));
    }
  }
  if (absl::StrContains(text, "UNIQUE") ||
      absl::StrContains(text, "ALREADY_EXISTS: ")) {
    return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                 absl::StrCat("already exists (", text, ")"));
  }
  return Precondition(Reason::kWrongState,
                      absl::StrCat("the schema refuses (", text, ")"));
}

}  // namespace

absl::Status SqlError(const std::exception& error) {
  const std::string text = error.what();
  const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  if (sqlite == nullptr) {
    return Internal(absl::StrCat("database access failed: ", text));
  }
  switch (sqlite->result() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(
          "is locked by another process; end it or wait, and "
          "retry",
          text);
    case SQLITE_FULL:
      return Unavailable("cannot grow: the disk is full; free space and retry",
                         text);
    case SQLITE_IOERR:
      return Unavailable(
          "cannot be read or written; look at the disk and the "
          "kernel log",
          text);
    case SQLITE_CANTOPEN:
      return Unavailable("cannot be opened; check path and permissions", text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Unavailable("is read-only; check permissions", text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt,
                   absl::StrCat("the database is damaged (", text,
                                "); stop warderd, keep the file, and restore "
                                "the last backup"));
    case SQLITE_CONSTRAINT: return Constraint(text);
    default:
      return Internal(
          absl::StrCat("statement failed (", sqlite->result(), "): ", text));
  }
}

absl::Status Conflict(absl::string_view name) {
  return Error(absl::StatusCode::kAborted, Reason::kConflict,
               absl::StrCat(name,
                            " was changed by another writer; retry with "
                            "the same request_id"));
}

}  // namespace warder::storage
