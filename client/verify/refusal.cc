// The names of refusals, and of what the ledger says.
#include "client/verify/verifier.h"

namespace warder::client {

absl::string_view RefusalName(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone: return "";
    case Refusal::kTooLong: return "too_long";
    case Refusal::kMalformed: return "malformed";
    case Refusal::kDuplicateMember: return "duplicate_member";
    case Refusal::kNoAlgorithm: return "no_algorithm";
    case Refusal::kKeyInHeader: return "key_in_header";
    case Refusal::kCritical: return "critical_header";
    case Refusal::kNoKeyId: return "no_key_id";
    case Refusal::kUnknownKey: return "unknown_key";
    case Refusal::kWrongAlgorithm: return "wrong_algorithm";
    case Refusal::kSignatureForm: return "signature_form";
    case Refusal::kBadSignature: return "bad_signature";
    case Refusal::kWrongType: return "wrong_type";
    case Refusal::kWrongIssuer: return "wrong_issuer";
    case Refusal::kDrillIssuer: return "drill_issuer";
    case Refusal::kWrongAudience: return "wrong_audience";
    case Refusal::kBadTime: return "bad_time";
    case Refusal::kExpired: return "expired";
    case Refusal::kNotYetValid: return "not_yet_valid";
    case Refusal::kIssuedInFuture: return "issued_in_future";
    case Refusal::kLivesTooLong: return "lives_too_long";
    case Refusal::kNeverIssued: return "never_issued";
    case Refusal::kIssuanceUnknown: return "issuance_unknown";
    case Refusal::kStale: return "stale_keys";
    case Refusal::kNoKeySet: return "no_key_set";
  }
  return "";
}

absl::string_view IssuanceName(Issuance issuance) {
  switch (issuance) {
    case Issuance::kIssued: return "issued";
    case Issuance::kNeverIssued: return "never_issued";
    case Issuance::kIndeterminate: return "indeterminate";
  }
  return "";
}

absl::string_view IssuanceModeName(IssuanceMode mode) {
  switch (mode) {
    case IssuanceMode::kObserve: return "OBSERVE";
    case IssuanceMode::kStepUp: return "STEP_UP";
    case IssuanceMode::kEnforce: return "ENFORCE";
  }
  return "";
}

IssuanceMode IssuanceModeNamed(absl::string_view name) {
  for (const IssuanceMode mode :
       {IssuanceMode::kStepUp, IssuanceMode::kEnforce}) {
    if (IssuanceModeName(mode) == name) return mode;
  }
  return IssuanceMode::kObserve;
}

}  // namespace warder::client
