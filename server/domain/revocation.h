// What is known, gateway by gateway, of a revoked key being refused. Pure.
//
// clang-format off
//   pending --> fetched --> enforced        overdue: the deadline has passed and
//      |           |         ^   |          it is not enforced; leads on to
//      +-----------+-> overdue <-+          enforced as any other
//
//   any but enforced --> unregistered: a person took the gateway, or the issuer
//                        off it, out of the registry; nothing more is learned
// clang-format on
//
// Evidence, from the weakest:
//
//   fetched        its URL was fetched and the answer lacked the key
//   acknowledged   an agent or libwarder says that it enforces a set without
//                  the key
//   horizon        its cache has expired (horizon.h)
//   stated         a person says so
//   probed         it refused a token of the dead key and, by the same probe,
//                  accepted one of the living key, time after time
//
// A gateway that accepts the dead key's token after it acknowledged, or was
// taken to refuse, is overdue at once, and the revocation is open again; and
// once it was seen to accept, only a probe or a person ends that.
#ifndef WARDER_SERVER_DOMAIN_REVOCATION_H_
#define WARDER_SERVER_DOMAIN_REVOCATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/gateway.h"
#include "server/domain/horizon.h"
#include "server/domain/key.h"

namespace warder::domain {

enum class ConfirmationState {
  kPending,
  kFetched,
  kEnforced,
  kOverdue,
  kUnregistered,
};

enum class Evidence {
  kNone,
  kFetched,
  kAcknowledged,
  kHorizon,
  kStated,
  kProbed,
};

absl::string_view ConfirmationStateName(ConfirmationState state);
absl::StatusOr<ConfirmationState> ParseConfirmationState(
    absl::string_view field, absl::string_view name);
absl::string_view EvidenceName(Evidence evidence);
absl::StatusOr<Evidence> ParseEvidence(absl::string_view field,
                                       absl::string_view name);

// One revoked key that gateways were registered for.
struct Revocation {
  IssuerId issuer;
  KeyId key;
  RevocationReason reason = RevocationReason::kUnspecified;
  // The first revision of the key set without the key.
  int64_t revision = 0;
  absl::Time revoke_time;
  // The person whose departure it was, or empty.
  OwnerId leaver;
  // Set while every gateway is known to refuse, or has left the registry.
  std::optional<absl::Time> close_time;
  // What the service states about that, signed; empty while it is open.
  std::string statement;
  int64_t rev = 0;

  friend bool operator==(const Revocation&, const Revocation&) = default;
};

// What one gateway is known to do with one revoked key.
struct Confirmation {
  KeyId key;
  GatewayId gateway;
  ConfirmationState state = ConfirmationState::kPending;
  // When it first was known to hold a set without the key, and how.
  std::optional<absl::Time> fetch_time;
  Evidence fetched_by = Evidence::kNone;
  // When it was known to refuse, and how.
  std::optional<absl::Time> enforce_time;
  Evidence enforced_by = Evidence::kNone;
  // Not enforced at this instant: overdue.
  absl::Time deadline;
  // The instant from which it refuses if it can fetch; InfiniteFuture:
  // unbounded. As it was when the key was revoked, like the next.
  absl::Time expected;
  // The instant from which it refuses whatever happens; InfiniteFuture:
  // unbounded.
  absl::Time latest;
  // When it last accepted the dead key's token, as a probe saw.
  std::optional<absl::Time> accept_time;
  // For people: from where it fetched, who stated it, what a probe saw.
  std::string detail;
  int64_t rev = 0;

  friend bool operator==(const Confirmation&, const Confirmation&) = default;
};

// Returns whether nothing more is expected of it: it refuses, or is gone.
inline bool Ended(const Confirmation& confirmation) {
  return confirmation.state == ConfirmationState::kEnforced ||
         confirmation.state == ConfirmationState::kUnregistered;
}

// Returns the confirmation that begins at the revocation. `exposure` is
// policy.max_revocation_exposure: the time the organisation allows itself.
Confirmation BeginConfirmation(const Revocation& revocation,
                               const Gateway& gateway, const Horizon& horizon,
                               absl::Duration exposure);

// What a gateway did with a token it was asked about.
enum class ProbeAnswer {
  kNone,  // nothing was learned: no answer, or another than the probe names
  kAccepted,
  kRefused,
};

struct ProbeOutcome {
  ProbeAnswer dead = ProbeAnswer::kNone;    // of the revoked key
  ProbeAnswer living = ProbeAnswer::kNone;  // of the key that signs now
  absl::Time time;
  std::string detail;  // for people: what was seen
};

// Each notes one piece of evidence and returns whether anything changed.

// The gateway holds `view.revision` since `view.time`. `can_be_asked`: by a
// probe, now or later; then its word alone ends nothing.
bool NoteView(Confirmation& confirmation, const Revocation& revocation,
              const Gateway& gateway, const GatewayView& view,
              bool can_be_asked);
// `who` says that it refuses.
bool NoteStatement(Confirmation& confirmation, absl::string_view who,
                   absl::Time now);
// It was asked. Refused and accepted prove that it refuses; an accepted dead
// key makes it overdue where it had claimed, or was taken, to refuse. Who goes
// on accepting tokens that he verified before proves no more than that he
// knows.
bool NoteProbe(Confirmation& confirmation, const Gateway& gateway,
               const ProbeOutcome& outcome);
// It left the registry. Nothing changes where it refuses already.
bool NoteUnregistered(Confirmation& confirmation, absl::string_view who);
// Returns by when the gateway refuses, where its agents or libwarder refuse by
// `streams_refuse_by`: a verifier behind an agent serves what it fetched last
// for as long as its own cache holds.
absl::Time BehindStreams(const Confirmation& confirmation,
                         const Revocation& revocation, const Gateway& gateway,
                         absl::Time streams_refuse_by);

// Time has passed: a deadline or a horizon. `refuses_by`: of a gateway on the
// stream, when the last of its processes refuses by itself, as they said;
// InfiniteFuture where that is not known, InfinitePast for others.
bool NoteTime(Confirmation& confirmation, const Gateway& gateway,
              absl::Time refuses_by, absl::Time now);

// Returns when NoteTime may change something next, as far as it is known now;
// InfiniteFuture: never.
absl::Time NextInstant(const Confirmation& confirmation, const Gateway& gateway,
                       absl::Time refuses_by);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_REVOCATION_H_
