// Connections, transactions and scripts: what differs between SQL engines.
#ifndef WARDER_SERVER_STORAGE_DATABASE_H_
#define WARDER_SERVER_STORAGE_DATABASE_H_

#include <soci/soci.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace warder::storage {

struct DatabaseOptions {
  std::string path;
  // How long a statement waits for another process's lock.
  absl::Duration busy_timeout = absl::Seconds(2);
  // Pages the file may have at most; 0 for no bound of ours.
  int max_pages = 0;
};

// Opens a connection: WAL, synchronous=FULL, foreign keys on, freed pages
// overwritten, a transaction kept in memory until its commit. Throws
// soci_error.
void OpenSqlite(const DatabaseOptions& options, soci::session& sql);

// Lets a connection keep `kibibytes` of pages; 8192 until then. What all
// connections keep comes from one pool of 128 MiB. Throws soci_error.
void KeepPages(soci::session& sql, int kibibytes);

// Runs a script of many statements. Throws soci_error.
absl::Status RunScript(soci::session& sql, const std::string& script);

// BEGIN IMMEDIATE now, ROLLBACK when it goes out of scope uncommitted.
class Begin {
 public:
  explicit Begin(soci::session& sql);
  ~Begin();
  Begin(const Begin&) = delete;
  Begin& operator=(const Begin&) = delete;

  // Throws soci_error; the transaction is then rolled back.
  void Commit();

 private:
  soci::session& sql_;
  bool open_ = true;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_DATABASE_H_
