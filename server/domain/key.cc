#include "server/domain/key.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::domain {

absl::string_view KeyKindName(KeyKind kind) {
  switch (kind) {
    case KeyKind::kManaged: return "MANAGED";
    case KeyKind::kExternal: return "EXTERNAL";
    case KeyKind::kHoney: return "HONEY";
  }
  return "";
}

absl::StatusOr<KeyKind> ParseKeyKind(absl::string_view field,
                                     absl::string_view name) {
  for (const KeyKind kind :
       {KeyKind::kManaged, KeyKind::kExternal, KeyKind::kHoney}) {
    if (KeyKindName(kind) == name) return kind;
  }
  return FieldError(field,
                    absl::StrCat("\"", name.substr(0, 40),
                                 "\" is not one of MANAGED, EXTERNAL, HONEY"));
}

absl::string_view KeyStateName(KeyState state) {
  switch (state) {
    case KeyState::kPending: return "PENDING";
    case KeyState::kActive: return "ACTIVE";
    case KeyState::kRetiring: return "RETIRING";
    case KeyState::kRetired: return "RETIRED";
    case KeyState::kSuspended: return "SUSPENDED";
    case KeyState::kRevoked: return "REVOKED";
  }
  return "";
}

absl::StatusOr<KeyState> ParseKeyState(absl::string_view field,
                                       absl::string_view name) {
  for (const KeyState state :
       {KeyState::kPending, KeyState::kActive, KeyState::kRetiring,
        KeyState::kRetired, KeyState::kSuspended, KeyState::kRevoked}) {
    if (KeyStateName(state) == name) return state;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is not one of PENDING, ACTIVE, "
                                        "RETIRING, RETIRED, SUSPENDED, "
                                        "REVOKED"));
}

absl::string_view RevocationReasonName(RevocationReason reason) {
  switch (reason) {
    case RevocationReason::kUnspecified: return "UNSPECIFIED";
    case RevocationReason::kCompromised: return "COMPROMISED";
    case RevocationReason::kOwnerDeparted: return "OWNER_DEPARTED";
    case RevocationReason::kSuperseded: return "SUPERSEDED";
    case RevocationReason::kCessation: return "CESSATION";
  }
  return "";
}

absl::StatusOr<RevocationReason> ParseRevocationReason(absl::string_view field,
                                                       absl::string_view name) {
  for (const RevocationReason reason :
       {RevocationReason::kUnspecified, RevocationReason::kCompromised,
        RevocationReason::kOwnerDeparted, RevocationReason::kSuperseded,
        RevocationReason::kCessation}) {
    if (RevocationReasonName(reason) == name) return reason;
  }
  return FieldError(field,
                    absl::StrCat("\"", name.substr(0, 40),
                                 "\" is not one of COMPROMISED, "
                                 "OWNER_DEPARTED, SUPERSEDED, CESSATION, "
                                 "UNSPECIFIED"));
}

bool IsPublished(KeyState state) {
  return state == KeyState::kPending || state == KeyState::kActive ||
         state == KeyState::kRetiring;
}

LedgerNeed LedgerNeedOf(const Key& key) {
  if (key.drain_time) return LedgerNeed::kRequired;
  // A decoy is told from no other PENDING key by it.
  return key.state == KeyState::kPending ? LedgerNeed::kAsked
                                         : LedgerNeed::kNone;
}

bool IsLiving(KeyState state) {
  return IsPublished(state) || state == KeyState::kSuspended;
}

absl::string_view ExposureKindName(ExposureKind kind) {
  switch (kind) {
    case ExposureKind::kCreated: return "CREATED";
    case ExposureKind::kCouldSign: return "COULD_SIGN";
    case ExposureKind::kCouldRestore: return "COULD_RESTORE";
    case ExposureKind::kOwned: return "OWNED";
    case ExposureKind::kCouldRead: return "COULD_READ";
    case ExposureKind::kHeld: return "HELD";
  }
  return "";
}

absl::StatusOr<ExposureKind> ParseExposureKind(absl::string_view field,
                                               absl::string_view name) {
  for (const ExposureKind kind :
       {ExposureKind::kCreated, ExposureKind::kCouldSign,
        ExposureKind::kCouldRestore, ExposureKind::kOwned,
        ExposureKind::kCouldRead, ExposureKind::kHeld}) {
    if (ExposureKindName(kind) == name) return kind;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is not one of CREATED, "
                                        "COULD_SIGN, COULD_RESTORE, OWNED, "
                                        "COULD_READ, HELD"));
}

bool CouldCopy(ExposureKind kind) {
  return kind == ExposureKind::kCouldRead || kind == ExposureKind::kHeld;
}

absl::string_view CustodyKindName(CustodyKind kind) {
  switch (kind) {
    case CustodyKind::kStore: return "STORE";
    case CustodyKind::kKeyEncryptionKey: return "KEY_ENCRYPTION_KEY";
  }
  return "";
}

}  // namespace warder::domain
