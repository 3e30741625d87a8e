#include "server/ledger/subject_sets.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/atomic_file.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/ledger/byte_reader.h"

namespace warder::ledger {
namespace {

constexpr char kSuffix[] = ".subjects";
constexpr char kStaged[] = ".staged";

absl::Status Unavailable(const std::string& path,
                         const std::error_code& error) {
  return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
               absl::StrCat(path, ": ", error.message()));
}

absl::Status Sync(const std::string& path) {
  const int failed = SyncDirectoryOf(path);
  if (failed == 0) return absl::OkStatus();
  return Unavailable(path, {failed, std::generic_category()});
}

}  // namespace

absl::StatusOr<std::unique_ptr<SubjectSets>> SubjectSets::Open(
    const std::string& directory, const Ledger& ledger) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all,
                                 error);
  }
  std::unique_ptr<SubjectSets> sets(new SubjectSets(directory, ledger));
  std::filesystem::directory_iterator entries;
  if (!error) entries = std::filesystem::directory_iterator(directory, error);
  if (error) return Unavailable(directory, error);
  std::vector<std::string> issuers;
  for (; !error && entries != std::filesystem::directory_iterator();
       entries.increment(error)) {
    const std::filesystem::path& path = entries->path();
    if (path.extension() == kSuffix) issuers.push_back(path.stem().string());
    std::error_code ignored;  // the next one that is staged takes its place
    if (path.extension() == kStaged) std::filesystem::remove(path, ignored);
  }
  if (error) return Unavailable(directory, error);
  for (const std::string& issuer : issuers) sets->Read(issuer);
  return sets;
}

std::string SubjectSets::PathOf(const std::string& issuer) const {
  return absl::StrCat(directory_, "/", issuer, kSuffix);
}

void SubjectSets::Read(const std::string& issuer) {
  const std::string path = PathOf(issuer);
  const auto bytes = ReadBytes(path);
  auto subjects = bytes.ok() ? ReadSubjects(*bytes)
                             : absl::StatusOr<LoadedSubjects>(bytes.status());
  absl::Status status = subjects.status();
  if (subjects.ok() &&
      subjects->secret_mark != MarkOf(SecretOf(IssuerId(issuer)))) {
    status = Damaged("it was loaded beside another ledger");
  }
  if (!status.ok()) {
    Log(LogLevel::kError, "subjects.not_read",
        {{"file", path},
         {"error", std::string(status.message())},
         {"next", absl::StrCat("no token of ", IssuerName(IssuerId(issuer)),
                               " is held to its subjects; load them again: "
                               "warder subjects load")}});
    return;
  }
  MutexLock lock(&mu_);
  loaded_[issuer] =
      std::make_shared<const LoadedSubjects>(*std::move(subjects));
}

SubjectsPtr SubjectSets::Find(const IssuerId& issuer) const {
  MutexLock lock(&mu_);
  const auto it = loaded_.find(issuer.value());
  return it == loaded_.end() ? nullptr : it->second;
}

bool SubjectSets::IsUnknown(const IssuerId& issuer,
                            absl::string_view subject) const {
  const SubjectsPtr subjects = Find(issuer);
  return subjects != nullptr &&
         !subjects->set.Contains(SecretOf(issuer).DigestOf(subject));
}

SubjectSecret SubjectSets::SecretOf(const IssuerId& issuer) const {
  return ledger_.SubjectSecretOf(issuer);
}

absl::Status SubjectSets::Stage(const IssuerId& issuer,
                                const LoadedSubjects& subjects) {
  return WriteAtomically(PathOf(issuer.value()) + kStaged,
                         WriteSubjects(subjects), FileMode::kOwnerOnly);
}

absl::Status SubjectSets::Install(const IssuerId& issuer,
                                  SubjectsPtr subjects) {
  const std::string path = PathOf(issuer.value());
  std::error_code error;
  std::filesystem::rename(path + kStaged, path, error);
  if (error) return Unavailable(path, error);
  Swap(issuer, std::move(subjects));
  return Sync(path);
}

absl::Status SubjectSets::Remove(const IssuerId& issuer) {
  const std::string path = PathOf(issuer.value());
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) return Unavailable(path, error);
  Swap(issuer, nullptr);
  return Sync(path);
}

void SubjectSets::Swap(const IssuerId& issuer, SubjectsPtr subjects) {
  MutexLock lock(&mu_);
  // What was there is freed without the lock.
  loaded_[issuer.value()].swap(subjects);
}

}  // namespace warder::ledger
