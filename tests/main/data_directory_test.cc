#include "server/main/data_directory.h"

#include <sys/stat.h>

#include <filesystem>

#include "server/base/clock.h"
#include "server/base/status_macros.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_app.h"

namespace warder {

class DataDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    config_.data_directory = dir_.File("d");
    ASSERT_OK(InitDataDirectory(config_, "admin", TestStart()));
  }
  crypto::Sealer MustReadSealer() {
    auto kek = crypto::ReadKeyEncryptionKey(config_.KeyEncryptionKeyFile());
    EXPECT_OK(kek.status());
    return crypto::Sealer(*std::move(kek));
  }
  TempDir dir_;
  Config config_;
};

TEST_F(DataDirectoryTest, SecretsAreReadableByTheOwnerAlone) {
  for (const char* file :
       {"key-encryption-key", "authority-key", "clients/admin-key.pem"}) {
    struct stat info {};
    ASSERT_EQ(stat((config_.data_directory + "/" + file).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0u) << file;
  }
}

TEST_F(DataDirectoryTest, WhoMadeItIsRecordedAsAbleToReadEveryKey) {
  ASSERT_OK_AND_ASSIGN(auto store,
                       OpenStore(config_, MustReadSealer(), TestStart()));
  ASSERT_OK(store->Read([](app::ReadTransaction& txn) -> absl::Status {
    auto custodies = txn.ListCustodies("admin");
    RETURN_IF_ERROR(custodies.status());
    EXPECT_EQ(custodies->size(), 2u);
    return absl::OkStatus();
  }));
}

TEST_F(DataDirectoryTest, InitNeverOverwrites) {
  EXPECT_THAT(InitDataDirectory(config_, "admin", TestStart()),
              FailsWith(Reason::kAlreadyExists));
}

TEST_F(DataDirectoryTest, AnInterruptedInitIsNotTakenUpSilently) {
  std::filesystem::remove(config_.data_directory + "/authority.pem");
  EXPECT_THAT(InitDataDirectory(config_, "admin", TestStart()),
              FailsWith(Reason::kConfiguration, "interrupted"));
}

TEST_F(DataDirectoryTest, AWrongKeyEncryptionKeyIsRefused) {
  EXPECT_OK(OpenStore(config_, MustReadSealer(), TestStart()));
  std::filesystem::remove(config_.KeyEncryptionKeyFile());
  ASSERT_OK(crypto::WriteNewKeyEncryptionKey(config_.KeyEncryptionKeyFile()));
  EXPECT_THAT(OpenStore(config_, MustReadSealer(), TestStart()),
              FailsWith(Reason::kKeyEncryptionKey, "not the one that sealed"));
  EXPECT_THAT(LoadAuthority(config_, MustReadSealer()),
              FailsWith(Reason::kKeyEncryptionKey));
}

TEST_F(DataDirectoryTest, OneProcessAtATime) {
  ASSERT_OK_AND_ASSIGN(const auto lock,
                       DirectoryLock::Take(config_.data_directory));
  EXPECT_THAT(DirectoryLock::Take(config_.data_directory),
              FailsWith(Reason::kDataDirectoryInUse,
                        "process " + std::to_string(getpid())));
}

TEST_F(DataDirectoryTest, ADirectoryWithoutADatabaseSaysWhatToDo) {
  std::filesystem::remove(config_.data_directory + "/warder.db");
  EXPECT_THAT(OpenStore(config_, MustReadSealer(), TestStart()),
              FailsWith(Reason::kConfiguration, "warderd init"));
}

}  // namespace warder
