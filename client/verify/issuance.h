// Who can say whether a token was ever issued.
#ifndef WARDER_CLIENT_VERIFY_ISSUANCE_H_
#define WARDER_CLIENT_VERIFY_ISSUANCE_H_

#include "absl/strings/string_view.h"
#include "client/verify/token_observer.h"

namespace warder::client {

enum class Issuance { kIssued, kNeverIssued, kIndeterminate };

// Returns "issued", "never_issued", "indeterminate": the value of the header
// Warder-Issued.
absl::string_view IssuanceName(Issuance issuance);

// When a verifier asks for it; the server says which, for each issuer.
enum class IssuanceMode { kObserve, kStepUp, kEnforce };

// "OBSERVE", "STEP_UP", "ENFORCE", as on the wire; another name is kObserve.
absl::string_view IssuanceModeName(IssuanceMode mode);
IssuanceMode IssuanceModeNamed(absl::string_view name);

// Thread-safe. Whoever verifies waits for it: it answers within a second.
class IssuanceChecker {
 public:
  virtual ~IssuanceChecker() = default;

  // Returns whether the ledger has the token; kIndeterminate also where it
  // cannot be asked.
  virtual Issuance Check(const SeenToken& token) = 0;
};

// Thread-safe; does not block.
class SubjectChecker {
 public:
  virtual ~SubjectChecker() = default;

  // Returns whether it is known whom the issuer's tokens may name, and this is
  // none of them.
  virtual bool IsUnknown(absl::string_view issuer,
                         absl::string_view subject) const = 0;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_VERIFY_ISSUANCE_H_
