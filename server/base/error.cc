#include "server/base/error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace warder {
namespace {

constexpr char kReasonUrl[] = "warder.dev/reason";
constexpr char kFieldUrl[] = "warder.dev/field";

}  // namespace

absl::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kInvalidField: return "INVALID_FIELD";
    case Reason::kNotFound: return "NOT_FOUND";
    case Reason::kAlreadyExists: return "ALREADY_EXISTS";
    case Reason::kWrongState: return "WRONG_STATE";
    case Reason::kEtagMismatch: return "ETAG_MISMATCH";
    case Reason::kRequestIdReused: return "REQUEST_ID_REUSED";
    case Reason::kPolicyBreaksTiming: return "POLICY_BREAKS_TIMING";
    case Reason::kTooManyPublishedKeys: return "TOO_MANY_PUBLISHED_KEYS";
    case Reason::kOwnerNotActive: return "OWNER_NOT_ACTIVE";
    case Reason::kDeputyRequired: return "DEPUTY_REQUIRED";
    case Reason::kIssuerOrphaned: return "ISSUER_ORPHANED";
    case Reason::kGatewaysBehind: return "GATEWAYS_BEHIND";
    case Reason::kNoSigningKey: return "NO_SIGNING_KEY";
    case Reason::kNotGranted: return "NOT_GRANTED";
    case Reason::kRateLimited: return "RATE_LIMITED";
    case Reason::kPermissionDenied: return "PERMISSION_DENIED";
    case Reason::kUnauthenticated: return "UNAUTHENTICATED";
    case Reason::kTwoPeopleRequired: return "TWO_PEOPLE_REQUIRED";
    case Reason::kClockWentBackwards: return "CLOCK_WENT_BACKWARDS";
    case Reason::kStoreUnavailable: return "STORE_UNAVAILABLE";
    case Reason::kStoreCorrupt: return "STORE_CORRUPT";
    case Reason::kConflict: return "CONFLICT";
    case Reason::kVaultUnavailable: return "VAULT_UNAVAILABLE";
    case Reason::kKeyEncryptionKey: return "KEY_ENCRYPTION_KEY";
    case Reason::kSchemaTooNew: return "SCHEMA_TOO_NEW";
    case Reason::kDataDirectoryInUse: return "DATA_DIRECTORY_IN_USE";
    case Reason::kConfiguration: return "CONFIGURATION";
    case Reason::kCertificate: return "CERTIFICATE";
    case Reason::kUnreachable: return "UNREACHABLE";
    case Reason::kInternal: return "INTERNAL";
  }
  return "INTERNAL";
}

absl::Status Error(absl::StatusCode code, Reason reason,
                   absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(ReasonName(reason)));
  return status;
}

absl::Status FieldError(absl::string_view field, absl::string_view message) {
  absl::Status status =
      Error(absl::StatusCode::kInvalidArgument, Reason::kInvalidField,
            absl::StrCat(field, ": ", message));
  status.SetPayload(kFieldUrl, absl::Cord(field));
  return status;
}

absl::Status NotFound(absl::string_view name) {
  return Error(absl::StatusCode::kNotFound, Reason::kNotFound,
               absl::StrCat("\"", name, "\" does not exist"));
}

absl::Status Precondition(Reason reason, absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status Internal(absl::string_view message) {
  return Error(absl::StatusCode::kInternal, Reason::kInternal, message);
}

absl::Status RemoteError(absl::StatusCode code, absl::string_view reason,
                         absl::string_view field, absl::string_view message) {
  absl::Status status(code, message);
  if (!reason.empty()) status.SetPayload(kReasonUrl, absl::Cord(reason));
  if (!field.empty()) status.SetPayload(kFieldUrl, absl::Cord(field));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  auto payload = status.GetPayload(kReasonUrl);
  return payload ? std::string(*payload) : "";
}

std::optional<std::string> FieldOf(const absl::Status& status) {
  auto payload = status.GetPayload(kFieldUrl);
  if (!payload) return std::nullopt;
  return std::string(*payload);
}

absl::Status WithContext(const absl::Status& status,
                         absl::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(),
                      absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    result.SetPayload(url, payload);
  });
  return result;
}

}  // namespace warder
