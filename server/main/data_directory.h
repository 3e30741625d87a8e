// The data directory of one warderd.
//
//   key-encryption-key   32 bytes, base64url, mode 0600 (unless configured)
//   authority.pem        certificate of the private CA
//   authority-key        its key, sealed
//   warder.db            the store
//   lock                 held by the running warderd
//   clients/             what `warderd init` made for the first client
#ifndef WARDER_SERVER_MAIN_DATA_DIRECTORY_H_
#define WARDER_SERVER_MAIN_DATA_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/crypto/seal.h"
#include "server/main/config.h"
#include "server/storage/sql_store.h"
#include "server/vault/private_authority.h"

namespace warder {

// Holds the directory's lock file while it lives.
class DirectoryLock {
 public:
  // FAILED_PRECONDITION DATA_DIRECTORY_IN_USE naming the process that holds it.
  static absl::StatusOr<DirectoryLock> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

struct InitResult {
  std::string profile_file;  // for `warder --profile`
  std::string authority_file;
};

// Makes the data directory: key-encryption key, CA, store, and a first client
// of role `security` named `client`. Nothing is overwritten.
//
//   ALREADY_EXISTS     the directory holds a CA already
//   INVALID_ARGUMENT   `client` is not a name
//   FAILED_PRECONDITION, UNAVAILABLE  as the parts
absl::StatusOr<InitResult> InitDataDirectory(const Config& config,
                                             const std::string& client,
                                             absl::Time now);

// The data directory of a warderd that does not run, held while this lives.
struct IdleDirectory {
  DirectoryLock lock;
  crypto::Sealer sealer;
  std::unique_ptr<storage::SqlStore> store;
};

// Takes the directory and opens its store. FAILED_PRECONDITION
// DATA_DIRECTORY_IN_USE; as OpenStore.
absl::StatusOr<IdleDirectory> OpenIdleDirectory(const Config& config,
                                                absl::Time now);

// Makes another client of role `security`, at the machine itself: the way back
// in when nobody with that role is left. For a warderd that does not run.
//
//   ALREADY_EXISTS       the client's files are there
//   INVALID_ARGUMENT     `client` is not a name
//   FAILED_PRECONDITION  OWNER_NOT_ACTIVE: an owner of that name has departed;
//                        DATA_DIRECTORY_IN_USE; as the parts
absl::StatusOr<InitResult> IssueClient(const Config& config,
                                       const std::string& client,
                                       absl::Time now);

// Opens the store and checks that `sealer` holds the key it was sealed under.
//
//   FAILED_PRECONDITION  KEY_ENCRYPTION_KEY: another key; CONFIGURATION: the
//                        directory was never initialised
absl::StatusOr<std::unique_ptr<storage::SqlStore>> OpenStore(
    const Config& config, const crypto::Sealer& sealer, absl::Time now);

// Loads the CA. FAILED_PRECONDITION as above.
absl::StatusOr<std::unique_ptr<vault::PrivateAuthority>> LoadAuthority(
    const Config& config, const crypto::Sealer& sealer);

}  // namespace warder

#endif  // WARDER_SERVER_MAIN_DATA_DIRECTORY_H_
