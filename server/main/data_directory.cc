#include "server/main/data_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/audit_log.h"
#include "server/app/authorizer.h"
#include "server/app/exposure_manager.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/crypto/certificate.h"
#include "server/crypto/digest.h"

namespace warder {
namespace {

namespace fs = std::filesystem;

constexpr char kCheckName[] = "key_encryption_key_check";
constexpr char kCheckBinding[] = "warder-check-v1";
constexpr char kCheckText[] = "warder";
constexpr absl::Duration kFirstClientLifetime = absl::Hours(24 * 365);

std::string PathIn(const Config& config, absl::string_view name) {
  return absl::StrCat(config.data_directory, "/", name);
}

absl::Status Unusable(const std::string& path, absl::string_view why) {
  return Precondition(Reason::kConfiguration, absl::StrCat(path, ": ", why));
}

// Writes a new file of `mode`; it must not exist.
absl::Status WriteNew(const std::string& path, absl::string_view text,
                      mode_t mode) {
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  const bool written = fd >= 0 &&
                       write(fd, text.data(), text.size()) ==
                           static_cast<ssize_t>(text.size()) &&
                       fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (written) return absl::OkStatus();
  if (error == EEXIST) {
    return Unusable(path,
                    "is there already, so a former `warderd init` was "
                    "interrupted; if no warderd ever ran here, remove the data "
                    "directory and run it again");
  }
  return Unusable(path, absl::StrCat("cannot be written: ", strerror(error)));
}

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) {
    return Unusable(path,
                    "cannot be read; was `warderd init` run for this "
                    "data directory?");
  }
  return text.str();
}

// Records the certificate, and that whoever makes a client on this machine
// reads the key-encryption key and the store there.
absl::Status RecordClient(app::Store& store, const app::Caller& caller,
                          absl::Time expires, absl::Time now) {
  return store.Mutate([&](app::Transaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(OwnerId(caller.name)));
    if (owner && owner->state == domain::OwnerState::kDeparted) {
      return Precondition(Reason::kOwnerNotActive,
                          absl::StrCat(OwnerName(owner->id),
                                       " has departed; no certificate of that "
                                       "name is accepted. Take another name"));
    }
    const app::Sha256 sha256 = crypto::Sha256;
    ASSIGN_OR_RETURN(app::ChainWriter chain,
                     app::ChainWriter::Open(txn, sha256));
    domain::AuditEvent event;
    event.time = std::max(now, chain.last_time());
    event.actor = domain::SystemActor().principal;
    event.action = "certificate.issued";
    event.resource = absl::StrCat("certificates/", caller.Principal());
    event.detail = WriteJson({{"expires", TimeText(expires)}});
    const absl::Time at = event.time;
    RETURN_IF_ERROR(chain.Append(std::move(event)));
    for (const domain::CustodyKind kind :
         {domain::CustodyKind::kStore,
          domain::CustodyKind::kKeyEncryptionKey}) {
      RETURN_IF_ERROR(app::RecordCustody(
          txn, chain,
          {.person = caller.name,
           .kind = kind,
           .from = at,
           .until = std::nullopt,
           .note = "made a client on the machine of warderd"},
          at, domain::SystemActor()));
    }
    return absl::OkStatus();
  });
}

// Makes the key and certificate of a client of role security and a profile for
// it, and records it.
absl::StatusOr<std::string> MakeClient(const Config& config,
                                       const std::string& name,
                                       vault::PrivateAuthority& authority,
                                       app::Store& store, absl::Time now) {
  ASSIGN_OR_RETURN(const auto key,
                   crypto::PrivateKey::Generate(crypto::KeyType::kP256));
  ASSIGN_OR_RETURN(const std::string request,
                   crypto::CreateCertificateRequest(key, name));
  const app::Caller caller{app::Role::kSecurity, name};
  RETURN_IF_ERROR(RecordClient(store, caller, now + kFirstClientLifetime, now));
  ASSIGN_OR_RETURN(
      const std::string certificate,
      authority.Issue(request, caller.Uri(), kFirstClientLifetime, now));
  ASSIGN_OR_RETURN(std::string key_pem, crypto::PrivateKeyPem(key));
  const std::string base = PathIn(config, absl::StrCat("clients/", name));
  RETURN_IF_ERROR(WriteNew(base + "-key.pem", key_pem, 0600));
  Cleanse(key_pem.data(), key_pem.size());
  RETURN_IF_ERROR(WriteNew(base + ".pem", certificate, 0644));
  const std::string profile = base + ".yaml";
  RETURN_IF_ERROR(WriteNew(
      profile,
      absl::StrCat("# How `warder` reaches this service. Use it with\n"
                   "# warder --profile FILE, or WARDER_PROFILE=FILE.\n",
                   "address: ", config.grpc_address,
                   "\npublic_url: ", config.public_base_url,
                   "\ncertificate: ", base, ".pem\nprivate_key: ", base,
                   "-key.pem\nauthority: ", PathIn(config, "authority.pem"),
                   "\n"),
      0644));
  return profile;
}

}  // namespace

absl::StatusOr<DirectoryLock> DirectoryLock::Take(
    const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Unusable(directory, absl::StrCat("cannot be used: ", strerror(errno),
                                            "; run `warderd init` first, as "
                                            "the user warderd runs as"));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = "";
    const ssize_t got = read(fd, holder, sizeof(holder) - 1);
    close(fd);
    return Precondition(
        Reason::kDataDirectoryInUse,
        absl::StrCat(directory, " is in use by another warderd (process ",
                     got > 0 ? holder : "unknown",
                     "); stop it, or give this one its own data directory"));
  }
  const std::string pid = absl::StrCat(getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    const int error = errno;
    close(fd);
    return Unusable(path, absl::StrCat("cannot be written: ", strerror(error)));
  }
  return DirectoryLock(fd);
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

absl::StatusOr<InitResult> InitDataDirectory(const Config& config,
                                             const std::string& client,
                                             absl::Time now) {
  ASSIGN_OR_RETURN(const std::string name,
                   app::ParseCallerName("client", client));
  std::error_code error;
  const std::string authority_file = PathIn(config, "authority.pem");
  if (fs::exists(authority_file, error)) {
    return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                 absl::StrCat(config.data_directory,
                              " is initialised already; nothing was changed"));
  }
  fs::create_directories(PathIn(config, "clients"), error);
  if (!error) {
    fs::permissions(config.data_directory, fs::perms::owner_all, error);
  }
  if (error) {
    return Unusable(config.data_directory,
                    absl::StrCat("cannot be made: ", error.message()));
  }
  ASSIGN_OR_RETURN(const DirectoryLock lock,
                   DirectoryLock::Take(config.data_directory));
  const std::string kek_file = config.KeyEncryptionKeyFile();
  if (!fs::exists(kek_file, error)) {
    RETURN_IF_ERROR(crypto::WriteNewKeyEncryptionKey(kek_file));
  }
  ASSIGN_OR_RETURN(SecretBytes kek, crypto::ReadKeyEncryptionKey(kek_file));
  const crypto::Sealer sealer(std::move(kek));

  ASSIGN_OR_RETURN(auto store, storage::SqlStore::Open(
                                   {.path = PathIn(config, "warder.db")}, now));
  ASSIGN_OR_RETURN(const std::string check,
                   sealer.Seal({reinterpret_cast<const uint8_t*>(kCheckText),
                                sizeof(kCheckText) - 1},
                               kCheckBinding));
  RETURN_IF_ERROR(store->SetMeta(kCheckName, check));

  ASSIGN_OR_RETURN(const auto sealed, vault::PrivateAuthority::Create(
                                          sealer, "Warder private CA", now));
  ASSIGN_OR_RETURN(auto authority,
                   vault::PrivateAuthority::Load(sealer, sealed));
  RETURN_IF_ERROR(
      WriteNew(PathIn(config, "authority-key"), sealed.sealed_key, 0600));
  InitResult result;
  result.authority_file = authority_file;
  ASSIGN_OR_RETURN(result.profile_file,
                   MakeClient(config, name, *authority, *store, now));
  // Last: its presence says that the directory is complete.
  RETURN_IF_ERROR(WriteNew(authority_file, sealed.certificate_pem, 0644));
  return result;
}

absl::StatusOr<IdleDirectory> OpenIdleDirectory(const Config& config,
                                                absl::Time now) {
  ASSIGN_OR_RETURN(DirectoryLock lock,
                   DirectoryLock::Take(config.data_directory));
  ASSIGN_OR_RETURN(SecretBytes kek,
                   crypto::ReadKeyEncryptionKey(config.KeyEncryptionKeyFile()));
  crypto::Sealer sealer(std::move(kek));
  ASSIGN_OR_RETURN(auto store, OpenStore(config, sealer, now));
  return IdleDirectory{std::move(lock), std::move(sealer), std::move(store)};
}

absl::StatusOr<InitResult> IssueClient(const Config& config,
                                       const std::string& client,
                                       absl::Time now) {
  ASSIGN_OR_RETURN(const std::string name,
                   app::ParseCallerName("client", client));
  ASSIGN_OR_RETURN(const IdleDirectory idle, OpenIdleDirectory(config, now));
  ASSIGN_OR_RETURN(auto authority, LoadAuthority(config, idle.sealer));
  const std::string profile = PathIn(config, absl::StrCat("clients/", name));
  std::error_code error;
  if (fs::exists(profile + ".yaml", error)) {
    return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                 absl::StrCat(profile,
                              ".yaml is there already; take another "
                              "name, or move its files away"));
  }
  InitResult result;
  result.authority_file = PathIn(config, "authority.pem");
  ASSIGN_OR_RETURN(result.profile_file,
                   MakeClient(config, name, *authority, *idle.store, now));
  return result;
}

absl::StatusOr<std::unique_ptr<storage::SqlStore>> OpenStore(
    const Config& config, const crypto::Sealer& sealer, absl::Time now) {
  const std::string path = PathIn(config, "warder.db");
  std::error_code error;
  if (!fs::exists(path, error)) {
    return Unusable(path,
                    "is not there; run `warderd init` for a new data "
                    "directory, or restore the backup of this one");
  }
  ASSIGN_OR_RETURN(auto store, storage::SqlStore::Open({.path = path}, now));
  ASSIGN_OR_RETURN(const std::string check, store->GetMeta(kCheckName));
  if (!sealer.Unseal(check, kCheckBinding).ok()) {
    return Precondition(
        Reason::kKeyEncryptionKey,
        absl::StrCat("the key-encryption key ", config.KeyEncryptionKeyFile(),
                     " is not the one that sealed ", path,
                     "; put the right one in place. Nothing was changed"));
  }
  return store;
}

absl::StatusOr<std::unique_ptr<vault::PrivateAuthority>> LoadAuthority(
    const Config& config, const crypto::Sealer& sealer) {
  vault::SealedAuthority sealed;
  ASSIGN_OR_RETURN(sealed.certificate_pem,
                   ReadAll(PathIn(config, "authority.pem")));
  ASSIGN_OR_RETURN(sealed.sealed_key, ReadAll(PathIn(config, "authority-key")));
  return vault::PrivateAuthority::Load(sealer, sealed);
}

}  // namespace warder
