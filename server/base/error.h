// Every error Warder makes: a code by cause, a machine-readable reason, what
// was seen, and what to do next.
//
//   return Error(absl::StatusCode::kFailedPrecondition, Reason::kWrongState,
//                "key \"k1\" is REVOKED since 2026-01-02T03:04:05Z; only "
//                "SUSPENDED keys resume");
//
// The reason and the field path travel as payloads of the absl::Status; `rpc`
// turns them into google.rpc.ErrorInfo and google.rpc.BadRequest.
#ifndef WARDER_SERVER_BASE_ERROR_H_
#define WARDER_SERVER_BASE_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace warder {

// One name per cause. proto/README.md lists them; a test keeps both equal.
enum class Reason {
  kInvalidField,          // a request field is malformed
  kNotFound,              // no such resource, or not visible to the caller
  kAlreadyExists,         // the ID is taken
  kWrongState,            // the resource's state does not allow the change
  kEtagMismatch,          // the resource changed since it was read
  kRequestIdReused,       // the same request_id came with other contents
  kPolicyBreaksTiming,    // one of the timing inequalities would not hold
  kTooManyPublishedKeys,  // the key set would pass its limit
  kOwnerNotActive,        // the named owner has departed or leaves
  kDeputyRequired,        // an issuer needs a living deputy
  kIssuerOrphaned,        // the issuer has no living owner
  kGatewaysBehind,        // gateways do not hold the key that is to sign
  kNoSigningKey,          // the issuer has no ACTIVE key for the algorithm
  kNotGranted,            // the signer holds no grant that allows this token
  kRateLimited,           // too much is asked for at once
  kPermissionDenied,      // the caller's role may not do this
  kUnauthenticated,       // no usable client certificate
  kTwoPeopleRequired,     // restoring trust takes somebody else
  kClockWentBackwards,    // the system clock is behind the last recorded change
  kStoreUnavailable,      // database locked, disk full or gone
  kStoreCorrupt,          // database fails its own checks
  kConflict,              // lost a race with another writer; retry
  kVaultUnavailable,      // the vault cannot seal, unseal or sign
  kKeyEncryptionKey,      // the key-encryption key is unreadable or wrong
  kSchemaTooNew,          // the store was written by a newer warderd
  kDataDirectoryInUse,    // another warderd holds the data directory
  kConfiguration,         // the configuration file or a flag is wrong
  kCertificate,           // a certificate is unusable
  kUnreachable,           // a peer does not answer
  kInternal,              // a defect of Warder
};

// Returns the UPPER_SNAKE name, as in google.rpc.ErrorInfo.reason.
absl::string_view ReasonName(Reason reason);

// Returns a status of `code` with `reason` attached.
absl::Status Error(absl::StatusCode code, Reason reason,
                   absl::string_view message);

// Returns INVALID_ARGUMENT for the request field `field`; the message becomes
// `field: message`.
absl::Status FieldError(absl::string_view field, absl::string_view message);

// Returns NOT_FOUND for the resource `name`.
absl::Status NotFound(absl::string_view name);

// Returns FAILED_PRECONDITION with `reason`.
absl::Status Precondition(Reason reason, absl::string_view message);

// Returns INTERNAL: only for what no input can cause.
absl::Status Internal(absl::string_view message);

// Returns an error as a peer reported it; `reason` and `field` may be empty.
absl::Status RemoteError(absl::StatusCode code, absl::string_view reason,
                         absl::string_view field, absl::string_view message);

// Returns the attached reason's name, or "" for a status of another maker.
std::string ReasonOf(const absl::Status& status);

// Returns the attached field path, or nullopt.
std::optional<std::string> FieldOf(const absl::Status& status);

// Returns `status` with `context` put before its message; payloads are kept.
absl::Status WithContext(const absl::Status& status, absl::string_view context);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_ERROR_H_
