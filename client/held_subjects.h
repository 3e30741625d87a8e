// What a gateway holds of whom an issuer's tokens may name.
#ifndef WARDER_CLIENT_HELD_SUBJECTS_H_
#define WARDER_CLIENT_HELD_SUBJECTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/verify/issuance.h"
#include "server/base/mutex.h"
#include "server/ledger/subject_set.h"

namespace warder::client {

// Thread-safe.
class HeldSubjects : public SubjectChecker {
 public:
  // One HMAC, where subjects of the issuer are held.
  bool IsUnknown(absl::string_view issuer,
                 absl::string_view subject) const override;

  // Which load is held of the issuer; 0: none.
  uint64_t LoadOf(const std::string& issuer) const;
  void Take(const std::string& issuer, ledger::SubjectSecret secret,
            ledger::SubjectSet set);
  void Forget(const std::string& issuer);
  // Forgets the issuers that `issuers` does not name.
  void Keep(const std::vector<std::string>& issuers);

  // Returns how many subjects are held.
  size_t size() const;

 private:
  struct Held {
    ledger::SubjectSecret secret;
    ledger::SubjectSet set;
  };
  std::shared_ptr<const Held> Find(absl::string_view issuer) const;

  mutable Mutex mu_;
  std::map<std::string, std::shared_ptr<const Held>, std::less<>> issuers_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_HELD_SUBJECTS_H_
