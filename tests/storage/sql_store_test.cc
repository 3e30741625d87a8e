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
    sql << "INSERT INTO schema_migrations VALUES (2, 'later', 'x', 0)";
  }
  EXPECT_THAT(Open(), FailsWith(Reason::kSchemaTooNew, "version 2"));
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
  EXPECT_THROW(sql << "DELETE FROM events", soci::soci_error);
  EXPECT_THROW(sql << "UPDATE events SET actor = 'x'", soci::soci_error);
  EXPECT_THROW(sql << "DELETE FROM owners", soci::soci_error);
  EXPECT_THROW(sql << "UPDATE keys SET sealed = 'x', state = 'RETIRING'",
               soci::soci_error);
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
