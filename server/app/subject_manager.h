// Use cases on whom an issuer's tokens may name.
#ifndef WARDER_SERVER_APP_SUBJECT_MANAGER_H_
#define WARDER_SERVER_APP_SUBJECT_MANAGER_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/ledger_checker.h"
#include "server/base/random.h"
#include "server/ledger/subject_sets.h"

namespace warder::app {

// "issuers/shop/subjectSet".
std::string SubjectSetName(const IssuerId& issuer);

// What is loaded of an issuer.
struct SubjectSetFacts {
  size_t count = 0;  // of different ones
  absl::Time load_time;
  std::string loaded_by;
  size_t size_bytes = 0;
};

// A part of the filter, as a gateway fetches it.
struct SubjectFilterPart {
  uint64_t load = 0;  // 0: nothing is loaded
  size_t parts = 0;
  std::string secret;
  std::string filter;  // FuseFilter8::Serialize; "": it is held already
};

// Thread-safe. Errors common to all: PERMISSION_DENIED, audited; NOT_FOUND: no
// such issuer. Where the disk fails after the change is on record, the answer
// is UNAVAILABLE: send it again.
class SubjectManager {
 public:
  static constexpr size_t kLongestSubject = 255;

  // All outlive this.
  SubjectManager(ChangeRunner& runner, Random& random, LedgerChecker& checker,
                 ledger::SubjectSets& sets)
      : runner_(runner), random_(random), checker_(checker), sets_(sets) {}

  // Puts more subjects into its argument; returns false once there are none.
  using Source =
      absl::FunctionRef<absl::StatusOr<bool>(std::vector<std::string>& more)>;

  // Replaces the issuer's subjects by all that `source` gives. Blocks for
  // `source`, for the disk, and for a microsecond a subject; takes up to 24
  // bytes of memory each meanwhile. Nothing changes where it fails, or where
  // the request only validates.
  //   INVALID_ARGUMENT  subjects[i]: empty, too long or not UTF-8; subjects:
  //                     none came, or more than SubjectSet::kMost
  //   FAILED_PRECONDITION WRONG_STATE  fewer than nine in ten of those that are
  //                                    loaded, and not `allow_fewer`
  //   RESOURCE_EXHAUSTED RATE_LIMITED  another load is under way
  //   UNAVAILABLE STORE_UNAVAILABLE
  //   what `source` returns, and ChangeRunner::Run
  absl::StatusOr<SubjectSetFacts> Load(const Request& request,
                                       const IssuerId& issuer, bool allow_fewer,
                                       Source source);
  // NOT_FOUND: nothing is loaded.
  absl::StatusOr<SubjectSetFacts> Get(const Request& request,
                                      const IssuerId& issuer);
  // Holds no token to its subject any more. NOT_FOUND: nothing is loaded.
  absl::Status Delete(const Request& request, const IssuerId& issuer);

  // Returns the part, unless it is the first and `held` is what is loaded. For
  // gateways alone: by the filter and its secret guesses can be tried.
  // INVALID_ARGUMENT part: there is none of that number.
  absl::StatusOr<SubjectFilterPart> FetchPart(const Request& request,
                                              const IssuerId& issuer,
                                              int32_t part, uint64_t held);

 private:
  // Returns OK where the caller may and the issuer exists.
  absl::Status Admit(const Request& request, Permission permission,
                     const IssuerId& issuer);
  absl::StatusOr<std::vector<uint64_t>> ReadAll(const IssuerId& issuer,
                                                Source source);

  ChangeRunner& runner_;
  Random& random_;
  LedgerChecker& checker_;
  ledger::SubjectSets& sets_;
  std::atomic<bool> loading_ = false;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_SUBJECT_MANAGER_H_
