// Who wants to know which tokens a verifier sees.
#ifndef WARDER_CLIENT_VERIFY_TOKEN_OBSERVER_H_
#define WARDER_CLIENT_VERIFY_TOKEN_OBSERVER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder::client {

// Of SeenToken::source: what the server takes.
inline constexpr size_t kLongestSource = 64;

// A token whose signature is its key's.
struct SeenToken {
  absl::string_view issuer;  // "issuers/shop"
  absl::string_view kid;
  absl::Time issue_time;            // its `iat`
  absl::string_view signing_input;  // "header.payload"
  absl::string_view audience;  // the first of `aud`; "" where there is none
  absl::string_view source;    // the client's address; "" where it is not known
  bool ledger_required = false;  // its key is drained
};

// What is wrong with a token all the same.
enum class TokenViolation {
  kDeadKey,         // the key has left the key set
  kLifetime,        // it lives longer than the issuer lets tokens live
  kAudience,        // `aud` names none of the verifier's
  kFutureIat,       // `iat` is in the future
  kNeverIssued,     // the ledger, as far as it is held here, lacks it
  kUnknownSubject,  // likewise, or the server says so; and it names nobody
};

// Thread-safe. Called by whoever verifies: it must not block.
class TokenObserver {
 public:
  virtual ~TokenObserver() = default;

  // It was accepted, and is not remembered from before.
  virtual void Accepted(const SeenToken& token) = 0;
  // It was refused for this. kNeverIssued: or accepted with that said, where
  // its issuer's mode is STEP_UP.
  virtual void Refused(const SeenToken& token, TokenViolation violation) = 0;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_VERIFY_TOKEN_OBSERVER_H_
