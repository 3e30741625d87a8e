// Use cases on keys whose private half a workload keeps.
#ifndef WARDER_SERVER_APP_EXTERNAL_KEY_MANAGER_H_
#define WARDER_SERVER_APP_EXTERNAL_KEY_MANAGER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/vault.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/domain/key.h"

namespace warder::app {

struct KeyChallenge {
  std::string text;  // to sign, whole
  absl::Time expire_time;
  std::string issuer_uri;  // the `iss` of the key's tokens
};

struct RegisterKeyCommand {
  IssuerId issuer;
  std::string public_jwk;
  std::string challenge;  // KeyChallenge::text
  std::string proof;      // its signature, in JOSE form
  absl::Duration lease = kDefaultLease;
  bool immediate = false;

  static constexpr absl::Duration kDefaultLease = absl::Hours(1);
};

// Thread-safe. Errors common to all: PERMISSION_DENIED (not role signer;
// NOT_GRANTED: no grant of the caller says external_keys), audited; NOT_FOUND:
// no such issuer; what ChangeRunner::Run lists.
class ExternalKeyManager {
 public:
  static constexpr absl::Duration kChallengeLife = absl::Minutes(5);
  // Of one caller; past it the oldest goes.
  static constexpr size_t kMostChallenges = 8;

  // All outlive this.
  ExternalKeyManager(ChangeRunner& runner, Random& random,
                     const PossessionVerifier& verifier)
      : runner_(runner), random_(random), verifier_(verifier) {}

  // Returns a text that is good once and for the caller alone. In memory: it
  // does not outlive the process.
  absl::StatusOr<KeyChallenge> CreateChallenge(const Request& request,
                                               const IssuerId& issuer);

  // Publishes the key, see domain::Register. The challenge is spent whatever
  // comes of it. That the caller has the private half in hand is on record. One
  // signature verification; blocks for one store transaction.
  //
  //   FAILED_PRECONDITION  WRONG_STATE: no such challenge of the caller and
  //                        issuer, or it is over or spent; DEPUTY_REQUIRED
  //   as PossessionVerifier::Verify and domain::Register; ALREADY_EXISTS also
  //   for a key that has ended, and for another issuer's
  absl::StatusOr<domain::Key> Register(const Request& request,
                                       const RegisterKeyCommand& command);

  // See domain::RenewLease.
  absl::StatusOr<domain::Key> Renew(const Request& request,
                                    const IssuerId& issuer, const KeyId& key,
                                    absl::Duration lease);

 private:
  struct Open {
    std::string text;
    absl::Duration until;  // uptime
  };

  // Returns OK where the caller may register keys with the issuer.
  absl::Status Admit(const Request& request, const IssuerId& issuer);
  absl::Status Spend(const Request& request, const RegisterKeyCommand& command);

  ChangeRunner& runner_;
  Random& random_;
  const PossessionVerifier& verifier_;

  Mutex mu_;
  // By the caller's name, the oldest first. Nobody has more than a few, and who
  // may have any has a grant.
  std::map<std::string, std::vector<Open>> challenges_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_EXTERNAL_KEY_MANAGER_H_
