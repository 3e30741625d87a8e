// The subjects of every issuer that feeds them: a file each, and in memory.
#ifndef WARDER_SERVER_LEDGER_SUBJECT_SETS_H_
#define WARDER_SERVER_LEDGER_SUBJECT_SETS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/ids.h"
#include "server/base/mutex.h"
#include "server/ledger/ledger.h"
#include "server/ledger/subject_set.h"

namespace warder::ledger {

using SubjectsPtr = std::shared_ptr<const LoadedSubjects>;

// Thread-safe.
class SubjectSets {
 public:
  // Opens the directory, or makes it, and reads what is there: a tenth of a
  // second for thirty million subjects. A file that is damaged, or of another
  // ledger's secrets, is logged and counts as not loaded. `ledger` outlives
  // this.
  //   UNAVAILABLE STORE_UNAVAILABLE  it cannot be read, or made
  static absl::StatusOr<std::unique_ptr<SubjectSets>> Open(
      const std::string& directory, const Ledger& ledger);

  // Returns what is loaded, or nullptr.
  SubjectsPtr Find(const IssuerId& issuer) const;
  // Returns whether subjects are loaded and this is none of them.
  bool IsUnknown(const IssuerId& issuer, absl::string_view subject) const;
  // Returns by what subjects of the issuer become digests.
  SubjectSecret SecretOf(const IssuerId& issuer) const;

  // Writes `subjects` beside what is loaded, so that Install is quick. One at a
  // time for an issuer. Blocks for the disk.
  //   UNAVAILABLE STORE_UNAVAILABLE
  absl::Status Stage(const IssuerId& issuer, const LoadedSubjects& subjects);
  // Puts what was staged in the place of what is loaded. What a process that
  // ended had only staged is forgotten.
  //   UNAVAILABLE STORE_UNAVAILABLE  nothing has changed; or it has, and may be
  //                                  undone by a power cut
  absl::Status Install(const IssuerId& issuer, SubjectsPtr subjects);
  // Forgets what is loaded. Errors as Install.
  absl::Status Remove(const IssuerId& issuer);

 private:
  SubjectSets(std::string directory, const Ledger& ledger)
      : directory_(std::move(directory)), ledger_(ledger) {}

  std::string PathOf(const std::string& issuer) const;
  void Read(const std::string& issuer);
  void Swap(const IssuerId& issuer, SubjectsPtr subjects);

  const std::string directory_;
  const Ledger& ledger_;

  mutable Mutex mu_;
  std::map<std::string, SubjectsPtr> loaded_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_SUBJECT_SETS_H_
