// app::Store on SQLite.
#ifndef WARDER_SERVER_STORAGE_SQL_STORE_H_
#define WARDER_SERVER_STORAGE_SQL_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/store.h"
#include "server/base/mutex.h"
#include "server/storage/database.h"

namespace warder::storage {

// Thread-safe: one connection writes, one reads, one maintains, each behind its
// own mutex, so reads never wait for writers (WAL).
class SqlStore : public app::Store {
 public:
  // Opens or creates the database and migrates it. Errors as Migrate.
  static absl::StatusOr<std::unique_ptr<SqlStore>> Open(
      const DatabaseOptions& options, absl::Time now);
  ~SqlStore() override;

  absl::Status Mutate(
      absl::FunctionRef<absl::Status(app::Transaction&)> body) override;
  absl::Status Read(
      absl::FunctionRef<absl::Status(app::ReadTransaction&)> body) override;

  // A fact about the store itself; "" when it was never set.
  absl::StatusOr<std::string> GetMeta(const std::string& name);
  absl::Status SetMeta(const std::string& name, const std::string& value);

  // Copies the write-ahead log into the database file and empties it, so that
  // erased private halves are gone from both.
  absl::Status Maintain() override;

 private:
  struct Connection;

  SqlStore();

  // UNAVAILABLE when the database file was removed or replaced under us: what
  // were written then would be lost.
  absl::Status CheckFile() const;

  // Constant after construction.
  std::string path_;
  uint64_t device_ = 0;
  uint64_t inode_ = 0;

  Mutex write_mu_;
  Mutex read_mu_;
  std::unique_ptr<Connection> writer_ ABSL_GUARDED_BY(write_mu_);
  std::unique_ptr<Connection> reader_ ABSL_GUARDED_BY(read_mu_);
  // For Maintain, so that a long copy keeps nobody waiting.
  Mutex maintain_mu_;
  std::unique_ptr<Connection> maintainer_ ABSL_GUARDED_BY(maintain_mu_);
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_SQL_STORE_H_
