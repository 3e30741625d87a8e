#include "server/storage/database.h"

#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/mman.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace warder::storage {

// SOCI puts SQLite's C interface into a namespace of its own.
using namespace sqlite_api;  // NOLINT

namespace {

// What all connections keep pages in: a large departure holds twenty thousand
// until its commit. The kernel backs it two mebibytes at a time, as they are
// used; past its end SQLite goes on with malloc.
constexpr size_t kPoolBytes = 128 << 20;
constexpr size_t kHugePageBytes = 2 << 20;
// A page of 4 KiB and what SQLite keeps beside it.
constexpr size_t kPoolSlotBytes = 4096 + 320;

// Settings of the whole process. Without effect, and harmless, once SQLite is
// in use.
void ConfigureSqlite() {
  // Each connection stands behind a mutex of ours; SQLite need not lock too.
  sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  void* pool =
      mmap(nullptr, kPoolBytes + kHugePageBytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pool == MAP_FAILED) return;
  size_t space = kPoolBytes + kHugePageBytes;
  std::align(kHugePageBytes, kPoolBytes, pool, space);
  madvise(pool, kPoolBytes, MADV_HUGEPAGE);
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, pool,
                 static_cast<int>(kPoolSlotBytes),
                 static_cast<int>(kPoolBytes / kPoolSlotBytes));
}

sqlite3* Handle(soci::session& sql) {
  return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
}

void Exec(soci::session& sql, const std::string& text) {
  char* message = nullptr;
  const int result =
      sqlite3_exec(Handle(sql), text.c_str(), nullptr, nullptr, &message);
  if (result == SQLITE_OK) return;
  const std::string why = message == nullptr ? "" : message;
  sqlite3_free(message);
  throw soci::sqlite3_soci_error(why, result);
}

}  // namespace

void OpenSqlite(const DatabaseOptions& options, soci::session& sql) {
  static const bool configured = (ConfigureSqlite(), true);
  static_cast<void>(configured);
  sql.open(soci::sqlite3, absl::StrCat("db=\"", options.path, "\""));
  // A thousand small blocks at hand: running a trigger takes several. Refused,
  // it is slower and nothing else.
  sqlite3_db_config(Handle(sql), SQLITE_DBCONFIG_LOOKASIDE, nullptr, 1200,
                    1000);
  sqlite3_busy_timeout(
      Handle(sql),
      static_cast<int>(absl::ToInt64Milliseconds(options.busy_timeout)));
  Exec(sql,
       "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
       "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
       "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;"
       // A large departure is written once, at its commit.
       "PRAGMA cache_spill=OFF;"
       // Store::Maintain moves the log; a large commit does not wait for it.
       "PRAGMA wal_autocheckpoint=50000;");
  if (options.max_pages > 0) {
    Exec(sql, absl::StrCat("PRAGMA max_page_count=", options.max_pages));
  }
}

void KeepPages(soci::session& sql, int kibibytes) {
  Exec(sql, absl::StrCat("PRAGMA cache_size=-", kibibytes));
}

absl::Status RunScript(soci::session& sql, const std::string& script) {
  Exec(sql, script);
  return absl::OkStatus();
}

Begin::Begin(soci::session& sql) : sql_(sql) { Exec(sql_, "BEGIN IMMEDIATE"); }

Begin::~Begin() {
  if (!open_) return;
  // Where SQLite has rolled back by itself, this answers with an error.
  sqlite3_exec(Handle(sql_), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Begin::Commit() {
  Exec(sql_, "COMMIT");
  open_ = false;
}

}  // namespace warder::storage
