#include "server/storage/sql_store.h"

#include <sys/stat.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/storage/migrator.h"
#include "server/storage/sql_error.h"
#include "server/storage/sql_transaction.h"

namespace warder::storage {
namespace {

// A departure of ten thousand keys changes eighteen thousand pages of 4 KiB and
// reads the roots of every index over and over: they must not crowd each other
// out. The readers find what is asked often in memory, not here.
constexpr int kWriterPagesKibibytes = 104 << 10;

// A body may run again after a lost race; a second loss is the caller's.
constexpr int kAttempts = 3;

}  // namespace

struct SqlStore::Connection {
  soci::session sql;
  std::optional<SqlTransaction> transaction;
};

SqlStore::SqlStore() = default;
SqlStore::~SqlStore() = default;

absl::StatusOr<std::unique_ptr<SqlStore>> SqlStore::Open(
    const DatabaseOptions& options, absl::Time now) {
  auto store = std::unique_ptr<SqlStore>(new SqlStore());
  MutexLock write_lock(&store->write_mu_);
  MutexLock read_lock(&store->read_mu_);
  MutexLock maintain_lock(&store->maintain_mu_);
  store->writer_ = std::make_unique<Connection>();
  store->reader_ = std::make_unique<Connection>();
  store->maintainer_ = std::make_unique<Connection>();
  Connection& writer = *store->writer_;
  Connection& reader = *store->reader_;
  Connection& maintainer = *store->maintainer_;
  const absl::Status status = Guard([&]() -> absl::Status {
    OpenSqlite(options, writer.sql);
    KeepPages(writer.sql, kWriterPagesKibibytes);
    RETURN_IF_ERROR(Migrate(writer.sql, SqliteMigrations(), now).status());
    OpenSqlite(options, reader.sql);
    OpenSqlite(options, maintainer.sql);
    writer.transaction.emplace(writer.sql);
    reader.transaction.emplace(reader.sql);
    return absl::OkStatus();
  });
  if (!status.ok()) return WithContext(status, options.path);
  struct stat info {};
  if (stat(options.path.c_str(), &info) != 0) {
    return Internal(absl::StrCat(options.path, " is not there after opening"));
  }
  store->path_ = options.path;
  store->device_ = info.st_dev;
  store->inode_ = info.st_ino;
  return store;
}

absl::Status SqlStore::CheckFile() const {
  struct stat info {};
  if (stat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
               absl::StrCat("the database file ", path_,
                            " was removed or replaced while warderd runs; put "
                            "it back or restore a backup, then restart"));
}

absl::Status SqlStore::Mutate(
    absl::FunctionRef<absl::Status(app::Transaction&)> body) {
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    MutexLock lock(&write_mu_);
    Connection& writer = *writer_;
    RETURN_IF_ERROR(CheckFile());
    status = Guard([&]() -> absl::Status {
      Begin begin(writer.sql);
      writer.transaction->Start();
      RETURN_IF_ERROR(body(*writer.transaction));
      begin.Commit();
      return absl::OkStatus();
    });
    if (ReasonOf(status) != ReasonName(Reason::kConflict)) return status;
  }
  return status;
}

absl::Status SqlStore::Read(
    absl::FunctionRef<absl::Status(app::ReadTransaction&)> body) {
  MutexLock lock(&read_mu_);
  Connection& reader = *reader_;
  return Guard([&]() -> absl::Status {
    // A deferred transaction: one view, no lock that writers wait for.
    reader.sql << "BEGIN";
    reader.transaction->Start();
    absl::Status status = body(*reader.transaction);
    try {
      reader.sql << "COMMIT";
    } catch (const std::exception&) {
      reader.sql << "ROLLBACK";
      throw;
    }
    return status;
  });
}

absl::StatusOr<std::string> SqlStore::GetMeta(const std::string& name) {
  MutexLock lock(&write_mu_);
  Connection& writer = *writer_;
  return Guard([&]() -> absl::StatusOr<std::string> {
    std::string value;
    soci::indicator indicator = soci::i_null;
    writer.sql << "SELECT value FROM meta WHERE name = :name", soci::use(name),
        soci::into(value, indicator);
    return value;
  });
}

absl::Status SqlStore::SetMeta(const std::string& name,
                               const std::string& value) {
  MutexLock lock(&write_mu_);
  Connection& writer = *writer_;
  return Guard([&]() -> absl::Status {
    writer.sql << "INSERT OR REPLACE INTO meta (name, value) VALUES (:n, :v)",
        soci::use(name), soci::use(value);
    return absl::OkStatus();
  });
}

absl::Status SqlStore::Maintain() {
  MutexLock lock(&maintain_mu_);
  Connection& maintainer = *maintainer_;
  return Guard([&]() -> absl::Status {
    // The first copies while others work; what is left for the second, which
    // keeps writers out, is what came in meanwhile.
    RETURN_IF_ERROR(
        RunScript(maintainer.sql, "PRAGMA wal_checkpoint(PASSIVE)"));
    return RunScript(maintainer.sql, "PRAGMA wal_checkpoint(TRUNCATE)");
  });
}

}  // namespace warder::storage
