// SignJwt: claims in, compact JWS out. Reads the published snapshot and the
// vault; never the store. No token leaves before it is in the ledger.
#ifndef WARDER_SERVER_APP_TOKEN_SIGNER_H_
#define WARDER_SERVER_APP_TOKEN_SIGNER_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/signer_usage.h"
#include "server/base/random.h"
#include "server/base/strict_json.h"
#include "server/ledger/ledger.h"

namespace warder::app {

struct SignJwtCommand {
  IssuerId issuer;
  std::optional<domain::Algorithm> algorithm;  // empty: the policy's first
  std::string subject;                         // `sub`; may be empty
  std::vector<std::string> audiences;          // `aud`; at least one
  std::optional<absl::Duration> lifetime;      // empty: the grant's longest
  std::string token_type;  // header `typ`; empty: the grant's first
  std::string claims;      // a JSON object of further claims, or ""
};

struct SignedToken {
  std::string token;
  KeyId key;
  std::string token_id;  // `jti`
  absl::Time issue_time;
  absl::Time expire_time;
};

// Thread-safe.
class TokenSigner {
 public:
  // Tokens of one SignBatch.
  static constexpr size_t kMostOfOneBatch = 1000;

  // All outlive this.
  TokenSigner(ChangeRunner& runner, Random& random, ledger::Ledger& ledger,
              SignerUsage& usage)
      : runner_(runner), random_(random), ledger_(ledger), usage_(usage) {}

  // Returns a signed token. The server fixes `alg`, `kid`, `typ`, `iss`,
  // `iat`, `exp` and `jti`; the grant of the caller must allow audiences,
  // subject, type, lifetime and rate. Blocks for one signature and for the
  // write of its record; no store access unless denied.
  //
  //   PERMISSION_DENIED    NOT_GRANTED, audited: which part of which grant
  //   NOT_FOUND            no such issuer
  //   INVALID_ARGUMENT     audiences, subject, token_type, lifetime: out of
  //                        bounds; claims: not a JSON object, past 16 KiB, or
  //                        naming a claim the server fixes
  //   FAILED_PRECONDITION  NO_SIGNING_KEY: nothing signs for the issuer now
  //   RESOURCE_EXHAUSTED   RATE_LIMITED: past the grant's max_per_second
  //   UNAVAILABLE          VAULT_UNAVAILABLE; STORE_UNAVAILABLE: its record
  //                        cannot be written, as on a full disk
  absl::StatusOr<SignedToken> Sign(const Request& request,
                                   const SignJwtCommand& command);

  // As Sign, for each of `commands` and in their order, all or none of them: an
  // error begins with "requests[i]". One write for all of their records. What
  // was counted against the rate before an error stays so.
  //   INVALID_ARGUMENT  requests: none, or more than kMostOfOneBatch
  absl::StatusOr<std::vector<SignedToken>> SignBatch(
      const Request& request, std::span<const SignJwtCommand> commands);

  // Returns what Sign would for a caller that Admit lets in; it is in no ledger
  // yet and must not be handed out before Record has taken it.
  absl::StatusOr<SignedToken> SignUnrecorded(const Request& request,
                                             const SignJwtCommand& command);
  // Returns OK unless the caller may sign nothing at all: PERMISSION_DENIED,
  // audited.
  absl::Status Admit(const Request& request, const IssuerId& issuer);
  // Writes the records of tokens that SignUnrecorded returned; issuers[i] is of
  // tokens[i]. UNAVAILABLE STORE_UNAVAILABLE: none of them may be handed out.
  absl::Status Record(const std::string& signer,
                      std::span<const IssuerId* const> issuers,
                      std::span<const SignedToken> tokens);

  // Returns a Security Event Token (RFC 8417) of the issuer over `claims`, to
  // which `iss` and `iat` are added; `typ` is secevent+jwt, by RS256. The
  // service itself states it: no grant allows it, and it has no `exp`.
  //
  //   NOT_FOUND            no such issuer
  //   FAILED_PRECONDITION  NO_SIGNING_KEY: it signs no RS256 now
  //   UNAVAILABLE          VAULT_UNAVAILABLE, STORE_UNAVAILABLE
  absl::StatusOr<std::string> SignSecurityEvent(const IssuerId& issuer,
                                                Json claims);

 private:
  // Returns the compact JWS of `claims` by `key`.
  absl::StatusOr<std::string> SignBy(const IssuerId& issuer,
                                     const SigningKey& key,
                                     absl::string_view type,
                                     absl::string_view claims);

  ChangeRunner& runner_;
  Random& random_;
  ledger::Ledger& ledger_;
  SignerUsage& usage_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_TOKEN_SIGNER_H_
