#include "server/storage/migrator.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/storage/database.h"
#include "server/storage/sql_error.h"

namespace warder::storage {
namespace {

struct Applied {
  int version = 0;
  std::string checksum;
};

std::vector<Applied> ReadApplied(soci::session& sql) {
  sql << "CREATE TABLE IF NOT EXISTS schema_migrations ("
         "version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
         "checksum TEXT NOT NULL, apply_us INTEGER NOT NULL)";
  std::vector<Applied> applied;
  Applied row;
  soci::statement st =
      (sql.prepare << "SELECT version, checksum FROM schema_migrations "
                      "ORDER BY version",
       soci::into(row.version), soci::into(row.checksum));
  st.execute(false);
  while (st.fetch()) applied.push_back(row);
  return applied;
}

absl::Status Check(const std::vector<Applied>& applied,
                   const std::vector<Migration>& known) {
  for (size_t i = 0; i < applied.size(); ++i) {
    if (i >= known.size()) {
      return Precondition(
          Reason::kSchemaTooNew,
          absl::StrCat("the database has schema version ",
                       applied.back().version, ", this warderd knows ",
                       known.size(), "; run the newer warderd that wrote it"));
    }
    if (applied[i].version != known[i].version ||
        applied[i].checksum != known[i].checksum) {
      return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt,
                   absl::StrCat("migration ", applied[i].version,
                                " was applied with other contents than this "
                                "warderd carries; run the build that made the "
                                "database"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> Migrate(soci::session& sql,
                            const std::vector<Migration>& migrations,
                            absl::Time now) {
  return Guard([&]() -> absl::StatusOr<int> {
    const std::vector<Applied> applied = ReadApplied(sql);
    RETURN_IF_ERROR(Check(applied, migrations));
    int count = 0;
    for (size_t i = applied.size(); i < migrations.size(); ++i) {
      const Migration& migration = migrations[i];
      Begin begin(sql);
      RETURN_IF_ERROR(RunScript(sql, migration.text));
      const int version = migration.version;
      const std::string name = migration.name;
      const std::string checksum = migration.checksum;
      const long long apply_us = absl::ToUnixMicros(now);
      sql << "INSERT INTO schema_migrations (version, name, checksum, apply_us)"
             " VALUES (:version, :name, :checksum, :apply)",
          soci::use(version), soci::use(name), soci::use(checksum),
          soci::use(apply_us);
      begin.Commit();
      ++count;
    }
    return count;
  });
}

}  // namespace warder::storage
