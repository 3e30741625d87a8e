// Brings a database to the schema this binary knows.
#ifndef WARDER_SERVER_STORAGE_MIGRATOR_H_
#define WARDER_SERVER_STORAGE_MIGRATOR_H_

#include <soci/soci.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace warder::storage {

struct Migration {
  int version;
  const char* name;
  const char* checksum;  // SHA-256 of the file, hexadecimal
  const char* text;
};

// The migrations embedded in this binary, in order.
const std::vector<Migration>& SqliteMigrations();

// Applies what is missing, each migration in a transaction of its own. Returns
// how many were applied.
//
//   FAILED_PRECONDITION  SCHEMA_TOO_NEW: the database was written by a newer
//                        warderd; nothing was changed
//   DATA_LOSS            STORE_CORRUPT: a migration applied earlier had other
//                        contents than the one in this binary
//   UNAVAILABLE          the database, see sql_error.h
absl::StatusOr<int> Migrate(soci::session& sql,
                            const std::vector<Migration>& migrations,
                            absl::Time now);

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_MIGRATOR_H_
