// Verifies tokens of Warder's issuers, as RFC 8725 asks, by key sets that a
// stream keeps current (watch.h).
//
//   VerifierOptions options;
//   options.audiences = {"https://api.example"};
//   Verifier verifier(options, clock);
//   …                                        // watch.h calls Apply and Confirm
//   const Verdict verdict = verifier.Verify(token, clock.TimeNow());
//   if (!verdict.ok()) Deny(verdict.refusal, verdict.detail);
//
// A token is good when all of this holds:
//
// clang-format off
//   its form         three base64url parts, strict JSON, no name twice, no key
//                    of its own (jwk, jku, x5u, x5c), nothing critical
//   its key          `kid` is in a published set and `alg` is that key's own
//   its signature    in JOSE form, R || S for ES*
//   its claims       `iss` is the key's issuer, `aud` names one of ours,
//                    `typ` is one of ours, iat - skew <= now,
//                    nbf - skew <= now < exp + skew, and it lives no longer
//                    than the issuer lets tokens live
//   its issuance     the ledger has it, where its key, its issuer's mode or a
//                    subject that nobody has need that: issuance.h
// clang-format on
//
// Cut off from the server for longer than max_staleness, it refuses everything,
// unless it was told to serve stale sets, which it then says of each verdict.
#ifndef WARDER_CLIENT_VERIFY_VERIFIER_H_
#define WARDER_CLIENT_VERIFY_VERIFIER_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/verify/issuance.h"
#include "client/verify/key_sets.h"
#include "client/verify/snapshot_cell.h"
#include "client/verify/token_cache.h"
#include "client/verify/token_observer.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/strict_json.h"

namespace warder::client {

// Why a token was refused. RefusalName gives its name on the wire.
enum class Refusal {
  kNone,
  kTooLong,
  kMalformed,        // not three parts, not base64url, not JSON
  kDuplicateMember,  // a name twice in header or claims
  kNoAlgorithm,      // alg "none"
  kKeyInHeader,      // jwk, jku, x5u, x5c
  kCritical,         // crit, b64
  kNoKeyId,
  kUnknownKey,      // revoked, retired, or never ours
  kWrongAlgorithm,  // not the key's own
  kSignatureForm,   // ES* in DER, or of another length
  kBadSignature,
  kWrongType,
  kWrongIssuer,
  kWrongAudience,
  kBadTime,  // exp, iat or nbf absent or no number
  kExpired,
  kNotYetValid,
  kIssuedInFuture,
  kLivesTooLong,
  kDrillIssuer,      // its issuer exists for drills
  kNeverIssued,      // the ledger lacks it: somebody has a copy of the key
  kIssuanceUnknown,  // its key needs the ledger, which could not say
  kStale,            // cut off for too long
  kNoKeySet,         // none has been received yet
};

// "unknown_key", for headers and logs.
absl::string_view RefusalName(Refusal refusal);

// Whoever serves stale sets does so for a day at most: the server counts on it.
inline constexpr absl::Duration kServesStaleFor = absl::Hours(24);

// A compact JWS, cut at its dots, and the address of who shows it.
struct TokenParts {
  absl::string_view header, payload, signature, signing_input, source;
};

struct VerifierOptions {
  // One of them must stand in `aud`. Must not be empty.
  std::vector<std::string> audiences;
  // Values of the header `typ`, compared without case and "application/".
  std::vector<std::string> types = {"JWT", "at+jwt"};
  absl::Duration clock_skew = absl::Minutes(1);
  absl::Duration max_staleness = absl::Minutes(5);
  bool serve_stale = false;
  // Accept tokens of issuers that exist for drills; for probes.
  bool accept_drills = false;
  size_t max_token_bytes = 16 * 1024;
  // Verified tokens that are remembered, until the next change of any set; 0:
  // none.
  size_t cached_tokens = 0;
  // Is told of tokens that carry the signature of their key; nullptr: nobody
  // is. Outlives the verifier.
  TokenObserver* observer = nullptr;
  // Asked where the key of a token, or the mode of its issuer, wants it.
  // Without one, tokens of keys that need the ledger are refused. Outlives the
  // verifier.
  IssuanceChecker* issuance = nullptr;
  // Whom tokens may name: of one that names nobody the ledger is asked,
  // whatever the mode, and it is refused where it was never issued. nullptr:
  // any. Outlives the verifier.
  const SubjectChecker* subjects = nullptr;
};

// INVALID_ARGUMENT naming the field.
absl::Status ValidateOptions(const VerifierOptions& options);

struct Verdict {
  Refusal refusal = Refusal::kNone;
  std::string detail;  // for people: what was seen
  // Of a good token; of a stale one that is served, too.
  std::shared_ptr<const VerifiedToken> token;
  bool stale = false;   // verified by a set of unknown age
  bool cached = false;  // it was seen before

  bool ok() const { return refusal == Refusal::kNone; }
};

// Thread-safe. Verify takes no lock but one short one of the cache.
class Verifier {
 public:
  // `options` are valid (ValidateOptions); `clock` outlives this.
  Verifier(VerifierOptions options, Clock& clock);

  // One signature verification, or none where the token is cached. Does not
  // block, unless the ledger is asked for it.
  // `source`, the address of who shows it, is told to the observer.
  Verdict Verify(absl::string_view token, absl::Time now,
                 absl::string_view source = {}) const;

  // Replaces the set of one issuer: the server says which holds. Unless it is
  // the one that is held, every cached token is forgotten. INVALID_ARGUMENT as
  // KeySets::Make; nothing changes then.
  absl::Status Apply(const PublishedSet& set);
  // Forgets the issuers that `issuers` does not name.
  absl::Status Keep(const std::vector<std::string>& issuers);
  // Checks tokens anew that were verified before: something that they are
  // checked by, and is no key set, has changed.
  void ForgetVerified();
  // The server says that nothing newer exists; `age` ago.
  void Confirm(absl::Duration age = absl::ZeroDuration());

  // Returns what is held, by issuer.
  std::map<std::string, PublishedSet> Sets() const;
  // Returns how long ago the server last confirmed; infinite before it did.
  absl::Duration Age() const;
  bool stale() const { return Age() > options_.max_staleness; }

  const VerifierOptions& options() const { return options_; }

 private:
  // What tokens are checked by at one instant.
  struct State {
    std::unique_ptr<const KeySets> sets;
    std::unique_ptr<TokenCache> cache;  // nullptr: nothing is remembered
  };

  // Replaces the sets by what `change` makes of them; it returns whether it did
  // anything. As Apply.
  absl::Status Change(
      const std::function<bool(std::map<std::string, PublishedSet>&)>& change);
  std::unique_ptr<const State> MakeState(
      std::unique_ptr<const KeySets> sets) const;
  Verdict Check(const State& state, absl::string_view token, absl::Time now,
                absl::string_view source) const;
  // Asks the ledger, where that is wanted, into `fresh`; returns why the token
  // is refused for what it said.
  std::optional<Verdict> CheckIssuance(const TrustedKey& key,
                                       const TokenParts& parts, absl::Time now,
                                       VerifiedToken& fresh) const;
  // Tells the observer, where there is one and the token has not expired.
  void TellOf(const TrustedKey& key, const Json& claims,
              const TokenParts& parts, absl::Time now,
              std::optional<TokenViolation> violation) const;
  // Tells it of a token that carries the signature of a key that has ended.
  void TellOfDeadKey(const KeySets& sets, const TokenParts& parts,
                     absl::Time now) const;

  // Constant after construction.
  const VerifierOptions options_;
  std::vector<std::string> types_;  // as they are compared
  Clock& clock_;

  // Own synchronization.
  SnapshotCell<State> state_;
  std::atomic<int64_t> confirmed_ns_;  // uptime
  Mutex apply_mu_;                     // one writer
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_VERIFY_VERIFIER_H_
