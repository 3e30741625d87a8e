#include "server/storage/sql_store.h"

#include <fstream>

#include "server/base/status_macros.h"
#include "server/storage/migrator.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_app.h"

namespace warder {

using storage::DatabaseOptions;
using storage::SqlStore;

namespace {

// The directory outlives the store it holds.
class StoreInTempDir : public app::Store {
 public:
  StoreInTempDir() {
    auto opened = SqlStore::Open({.path = dir_.File("warder.db")}, TestStart());
    EXPECT_OK(opened.status());
    store_ = *std::move(opened);
  }
  absl::Status Mutate(
      absl::FunctionRef<absl::Status(app::Transaction&)> body) override {
    return store_->Mutate(body);
  }
  absl::Status Maintain() override { return store_->Maintain(); }
  absl::Status Read(
      absl::FunctionRef<absl::Status(app::ReadTransaction&)> body) override {
    return store_->Read(body);
  }

 private:
  TempDir dir_;
  std::unique_ptr<SqlStore> store_;
};

void ExpectRefused(soci::session& sql, const std::string& statement,
                   const std::string& why) {
  try {
    sql << statement;
    ADD_FAILURE() << statement << " went through";
  } catch (const soci::soci_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(why)) << statement;
  }
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         testing::Values(StoreFactory([] {
                           return std::make_unique<StoreInTempDir>();
                         })));

class SqlStoreTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SqlStore>> Open(int max_pages = 0) {
    return SqlStore::Open({.path = path_,
                           .busy_timeout = absl::Milliseconds(50),
                           .max_pages = max_pages},
                          TestStart());
  }
  TempDir dir_;
  const std::string path_ = dir_.File("warder.db");
};

TEST_F(SqlStoreTest, WhatWasCommittedIsThereAfterReopening) {
  {
    ASSERT_OK_AND_ASSIGN(auto store, Open());
    TestApp app(store.get());
    app.MustSetUp();
    app::CreateOwnerCommand zoe;
    zoe.id = OwnerId("zoe");
    ASSERT_OK(app.owners.Create(app.As("hr/hook", "r-1"), zoe));
  }
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  TestApp app(store.get());
  EXPECT_EQ(app.Keys("shop").size(), 1u);
  // A retry that arrives after the restart gets the answer of before.
  const size_t events = app.Events().size();
  app::CreateOwnerCommand zoe;
  zoe.id = OwnerId("zoe");
  ASSERT_OK_AND_ASSIGN(const auto owner,
                       app.owners.Create(app.As("hr/hook", "r-1"), zoe));
  EXPECT_EQ(owner.id, OwnerId("zoe"));
  EXPECT_EQ(app.Events().size(), events);
}

TEST_F(SqlStoreTest, ANewerSchemaIsRefusedAndNotTouched) {
  { ASSERT_OK(Open()); }
  {
    soci::session sql;
    storage::OpenSqlite({.path = path_}, sql);
    sql << "INSERT INTO schema_migrations VALUES (999, 'later', 'x', 0)";
  }
  EXPECT_THAT(Open(), FailsWith(Reason::kSchemaTooNew, "version 999"));
}

TEST_F(SqlStoreTest, ADatabaseOfTheFirstSchemaIsBroughtUpToDate) {
  const auto& all = storage::SqliteMigrations();
  {
    soci::session sql;
    storage::OpenSqlite({.path = path_}, sql);
    ASSERT_OK(storage::Migrate(sql, {all[0]}, TestStart()));
    sql << "INSERT INTO owners VALUES ('alice', 'Alice', '', '', 'ACTIVE', 1, "
           "1, 0, 1)";
    sql << "INSERT INTO departures VALUES ('alice', 5, 1, 'hr/hook', 0, 0, "
           "'[]')";
  }
  ASSERT_OK_AND_ASSIGN(const auto store, Open());
  ASSERT_OK(store->Read([](app::ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto alice, txn.FindOwner(OwnerId("alice")));
    EXPECT_EQ(alice->kind, domain::OwnerKind::kPerson);
    ASSIGN_OR_RETURN(const auto leaving, txn.FindDeparture(OwnerId("alice")));
    EXPECT_EQ(leaving->source, "rpc");
    return absl::OkStatus();
  }));
}

TEST_F(SqlStoreTest, AChangedMigrationIsRefused) {
  { ASSERT_OK(Open()); }
  {
    soci::session sql;
    storage::OpenSqlite({.path = path_}, sql);
    sql << "UPDATE schema_migrations SET checksum = 'other'";
  }
  EXPECT_THAT(Open(), FailsWith(Reason::kStoreCorrupt, "migration 1"));
}

TEST_F(SqlStoreTest, AFileThatIsNoDatabaseIsCalledDamaged) {
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_THAT(Open(), FailsWith(Reason::kStoreCorrupt, path_));
}

TEST_F(SqlStoreTest, ALockedDatabaseIsUnavailableForChangesOnly) {
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  TestApp app(store.get());
  app.MustSetUp();
  soci::session other;
  storage::OpenSqlite({.path = path_}, other);
  storage::Begin lock(other);
  const auto key = app.MustFindKey("shop", domain::KeyState::kActive);
  EXPECT_THAT(app.keys.Revoke(app.As("security/sam"),
                              {.issuer = IssuerId("shop"), .key = key.id}),
              FailsWith(Reason::kStoreUnavailable, "locked"));
  EXPECT_THAT(app.KeySet(), testing::HasSubstr(key.id.value()));
  EXPECT_OK(app.keys.Get(app.As("auditor/ann"), IssuerId("shop"), key.id));
}

TEST_F(SqlStoreTest, AFullDiskChangesNothing) {
  { ASSERT_OK(Open()); }
  const auto pages = std::filesystem::file_size(path_) / 4096;
  ASSERT_OK_AND_ASSIGN(auto store, Open(static_cast<int>(pages) + 4));
  TestApp app(store.get());
  absl::Status status;
  int made = 0;
  for (int i = 0; i < 3000 && status.ok(); ++i) {
    app::CreateOwnerCommand command;
    command.id = OwnerId("owner" + std::to_string(i));
    command.display_name = std::string(200, 'x');
    status = app.owners.Create(app.As("hr/hook"), command).status();
    made += status.ok() ? 1 : 0;
  }
  EXPECT_THAT(status, FailsWith(Reason::kStoreUnavailable, "disk is full"));
  int found = 0;
  ASSERT_OK(store->Read([&](app::ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto owners, txn.ListOwners("", 10000));
    found = static_cast<int>(owners.size());
    return absl::OkStatus();
  }));
  EXPECT_EQ(found, made);
}

TEST_F(SqlStoreTest, ARemovedFileIsNoticedBeforeAnythingIsLost) {
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  TestApp app(store.get());
  app.MustSetUp();
  std::filesystem::rename(path_, path_ + ".moved");
  const auto key = app.MustFindKey("shop", domain::KeyState::kActive);
  EXPECT_THAT(app.keys.Revoke(app.As("security/sam"),
                              {.issuer = IssuerId("shop"), .key = key.id}),
              FailsWith(Reason::kStoreUnavailable, "removed or replaced"));
}

TEST_F(SqlStoreTest, AuditEventsCanNeitherChangeNorGo) {
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  TestApp app(store.get());
  app.MustSetUp();
  soci::session sql;
  storage::OpenSqlite({.path = path_}, sql);
  ExpectRefused(sql, "DELETE FROM events", "never deleted");
  ExpectRefused(sql, "UPDATE events SET actor = 'x'", "never change");
  ExpectRefused(sql, "UPDATE keys SET sealed = 'x', state = 'RETIRING'",
                "CHECK constraint");
}

TEST_F(SqlStoreTest, NoStatementByHandLeavesAKeyWithoutPeople) {
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  TestApp app(store.get());
  app.MustSetUp();
  ASSERT_OK(app.issuers.Rotate(app.As("security/sam"),
                               {.issuer = IssuerId("shop"), .algorithm = {}}));
  ASSERT_OK(app.Depart("hr/hook", "carol"));
  soci::session sql;
  storage::OpenSqlite({.path = path_}, sql);
  // Each by the rule that refuses it.
  const std::pair<const char*, const char*> refused[] = {
      {"DELETE FROM keys", "never deleted"},
      {"DELETE FROM exposures", "never deleted"},
      {"DELETE FROM issuers", "never deleted"},
      {"DELETE FROM owners", "never deleted"},
      {"DELETE FROM issuer_deputies", "DEPUTY_REQUIRED"},
      {"UPDATE owners SET state = 'DEPARTED' WHERE id = 'alice'",
       "OWNER_NOT_ACTIVE"},
      {"UPDATE owners SET state = 'DEPARTED' WHERE id = 'bob'",
       "DEPUTY_REQUIRED"},
      {"UPDATE owners SET state = 'ACTIVE' WHERE id = 'carol'",
       "stays departed"},
      {"INSERT OR REPLACE INTO owners SELECT id, display_name, contact, "
       "deputy, 'DEPARTED', 1, 1, 1, 1, 'PERSON', '', 1, 0, 0, '' FROM owners WHERE id = "
       "'alice'",
       "ALREADY_EXISTS"},
      {"UPDATE keys SET owner = 'carol'", "OWNER_NOT_ACTIVE"},
      {"UPDATE keys SET public_jwk = '{}'", "keeps issuer, ID"},
      {"UPDATE keys SET id = 'x'", "keeps issuer, ID"},
      {"INSERT OR REPLACE INTO keys SELECT * FROM keys WHERE state = 'ACTIVE'",
       "ALREADY_EXISTS"},
      {"UPDATE OR REPLACE keys SET state = 'ACTIVE' WHERE state = 'PENDING'",
       "ALREADY_EXISTS"},
      {"UPDATE OR REPLACE owners SET id = 'alice' WHERE id = 'carol'",
       "keeps the ID"},
      {"UPDATE issuers SET id = 'x'", "keeps the ID"},
      {"UPDATE issuers SET owner = 'carol'", "OWNER_NOT_ACTIVE"},
      {"UPDATE issuers SET state = 'ORPHANED'", "OWNER_NOT_ACTIVE"},
      {"INSERT OR REPLACE INTO issuers SELECT * FROM issuers",
       "ALREADY_EXISTS"},
      {"UPDATE issuer_deputies SET owner = 'carol'", "DEPUTY_REQUIRED"},
      {"INSERT OR REPLACE INTO issuer_deputies (issuer, position, owner) "
       "VALUES ('shop', 0, 'carol')",
       "DEPUTY_REQUIRED"},
      {"UPDATE exposures SET person = 'x'", "may end and nothing else"},
      {"UPDATE exposures SET from_us = 1", "may end and nothing else"},
      {"INSERT OR REPLACE INTO events SELECT * FROM events", "ALREADY_EXISTS"}};
  for (const auto& [statement, why] : refused) {
    ExpectRefused(sql, statement, why);
  }
  ASSERT_OK(app.Depart("hr/hook", "bob"));
  ExpectRefused(sql, "UPDATE issuers SET deputy_vacant = 0", "DEPUTY_REQUIRED");
}

TEST_F(SqlStoreTest, ErasedPrivateHalvesAreGoneFromTheFile) {
  ASSERT_OK_AND_ASSIGN(auto store, Open());
  TestApp app(store.get());
  app.MustSetUp();
  const auto key = app.MustFindKey("shop", domain::KeyState::kActive);
  ASSERT_NE(key.sealed, "");
  const auto contains = [&] {
    std::ifstream in(path_, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    return bytes.find(key.sealed) != std::string::npos;
  };
  ASSERT_OK(store->Maintain());
  EXPECT_TRUE(contains());
  ASSERT_OK(app.keys.Revoke(app.As("security/sam"),
                            {.issuer = IssuerId("shop"), .key = key.id}));
  ASSERT_OK(store->Maintain());
  EXPECT_FALSE(contains());
}

}  // namespace warder
