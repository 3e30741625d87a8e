#include "server/domain/revocation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::domain {
namespace {

// Accepted the dead key when asked, and nothing better is known since.
bool Contradicted(const Confirmation& confirmation) {
  return confirmation.accept_time.has_value() &&
         confirmation.state != ConfirmationState::kEnforced;
}

// Where it keeps keys while it cannot fetch, it must have been seen to fetch,
// and be the one that was seen: what it says counts for nothing here.
bool FetchedItself(const Confirmation& confirmation, const Gateway& gateway) {
  return confirmation.fetch_time.has_value() &&
         confirmation.fetched_by == Evidence::kFetched &&
         !gateway.fetch_sources.empty();
}

void Enforce(Confirmation& confirmation, Evidence evidence, absl::Time at) {
  confirmation.state = ConfirmationState::kEnforced;
  confirmation.enforce_time = at;
  confirmation.enforced_by = evidence;
}

}  // namespace

absl::string_view ConfirmationStateName(ConfirmationState state) {
  switch (state) {
    case ConfirmationState::kPending: return "PENDING";
    case ConfirmationState::kFetched: return "FETCHED";
    case ConfirmationState::kEnforced: return "ENFORCED";
    case ConfirmationState::kOverdue: return "OVERDUE";
    case ConfirmationState::kUnregistered: return "UNREGISTERED";
  }
  return "";
}

absl::StatusOr<ConfirmationState> ParseConfirmationState(
    absl::string_view field, absl::string_view name) {
  for (const auto state :
       {ConfirmationState::kPending, ConfirmationState::kFetched,
        ConfirmationState::kEnforced, ConfirmationState::kOverdue,
        ConfirmationState::kUnregistered}) {
    if (ConfirmationStateName(state) == name) return state;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is no state of a confirmation"));
}

absl::string_view EvidenceName(Evidence evidence) {
  switch (evidence) {
    case Evidence::kNone: return "";
    case Evidence::kFetched: return "FETCHED";
    case Evidence::kAcknowledged: return "ACKNOWLEDGED";
    case Evidence::kHorizon: return "HORIZON";
    case Evidence::kStated: return "STATED";
    case Evidence::kProbed: return "PROBED";
  }
  return "";
}

absl::StatusOr<Evidence> ParseEvidence(absl::string_view field,
                                       absl::string_view name) {
  for (const auto evidence :
       {Evidence::kNone, Evidence::kFetched, Evidence::kAcknowledged,
        Evidence::kHorizon, Evidence::kStated, Evidence::kProbed}) {
    if (EvidenceName(evidence) == name) return evidence;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is no kind of evidence"));
}

Confirmation BeginConfirmation(const Revocation& revocation,
                               const Gateway& gateway, const Horizon& horizon,
                               absl::Duration exposure) {
  Confirmation made;
  made.key = revocation.key;
  made.gateway = gateway.id;
  const absl::Duration patience = std::max(horizon.expected, kStreamPatience);
  made.deadline = revocation.revoke_time + std::min(patience, exposure);
  made.expected = revocation.revoke_time + horizon.expected;
  made.latest = revocation.revoke_time + horizon.latest;
  return made;
}

bool NoteView(Confirmation& confirmation, const Revocation& revocation,
              const Gateway& gateway, const GatewayView& view,
              bool can_be_asked) {
  if (view.revision < revocation.revision || Ended(confirmation)) return false;
  // A set it held before the revocation lacked nothing: a key that was no
  // longer published when it was revoked.
  const absl::Time at = std::max(view.time, revocation.revoke_time);
  const Evidence evidence =
      view.acknowledged ? Evidence::kAcknowledged : Evidence::kFetched;
  bool changed = false;
  if (!confirmation.fetch_time) {
    confirmation.fetch_time = at;
    confirmation.fetched_by = evidence;
    if (!view.source.empty()) confirmation.detail = view.source;
    if (confirmation.state == ConfirmationState::kPending) {
      confirmation.state = ConfirmationState::kFetched;
    }
    changed = true;
  }
  // An agent speaks for a verifier only where it is the one that verifies.
  const Consumer* consumer = FindConsumer(gateway.consumer);
  if (view.acknowledged && consumer != nullptr && consumer->acknowledges &&
      !can_be_asked && !Contradicted(confirmation)) {
    Enforce(confirmation, Evidence::kAcknowledged, at);
    changed = true;
  }
  return changed;
}

bool NoteStatement(Confirmation& confirmation, absl::string_view who,
                   absl::Time now) {
  if (Ended(confirmation)) return false;
  if (!confirmation.fetch_time) {
    confirmation.fetch_time = now;
    confirmation.fetched_by = Evidence::kStated;
  }
  confirmation.detail = absl::StrCat("stated by ", who);
  Enforce(confirmation, Evidence::kStated, now);
  return true;
}

bool NoteUnregistered(Confirmation& confirmation, absl::string_view who) {
  if (Ended(confirmation)) return false;
  confirmation.state = ConfirmationState::kUnregistered;
  confirmation.detail =
      absl::StrCat("taken out of the registry by ", who,
                   confirmation.accept_time
                       ? "; it had been seen to accept the dead key's token"
                       : "");
  return true;
}

bool NoteProbe(Confirmation& confirmation, const Gateway& gateway,
               const ProbeOutcome& outcome) {
  if (confirmation.state == ConfirmationState::kUnregistered) return false;
  const Confirmation before = confirmation;
  if (before.state == ConfirmationState::kEnforced &&
      outcome.dead != ProbeAnswer::kAccepted) {
    return false;
  }
  confirmation.detail = outcome.detail;
  if (outcome.dead == ProbeAnswer::kAccepted) {
    confirmation.accept_time = outcome.time;
    if (confirmation.fetched_by == Evidence::kAcknowledged ||
        before.state == ConfirmationState::kEnforced) {
      confirmation.state = ConfirmationState::kOverdue;
      confirmation.enforce_time.reset();
      confirmation.enforced_by = Evidence::kNone;
    }
    if (confirmation.fetched_by == Evidence::kAcknowledged) {
      confirmation.detail = absl::StrCat(
          "it says that it refuses, and was seen to accept; ", outcome.detail);
    } else if (confirmation.fetch_time) {
      confirmation.detail =
          absl::StrCat("it had a set without the key, and was seen to accept; ",
                       outcome.detail);
    }
  } else if (outcome.dead == ProbeAnswer::kRefused &&
             outcome.living == ProbeAnswer::kAccepted) {
    if (!confirmation.fetch_time) {
      confirmation.fetch_time = outcome.time;
      confirmation.fetched_by = Evidence::kProbed;
    }
    if (KeepsVerifiedTokens(gateway)) {
      // It knows that the key is gone. A token that it verified before, which
      // may be one of a thief, is another question.
      if (confirmation.state == ConfirmationState::kPending) {
        confirmation.state = ConfirmationState::kFetched;
      }
    } else {
      Enforce(confirmation, Evidence::kProbed, outcome.time);
    }
  } else if (outcome.dead == ProbeAnswer::kRefused &&
             outcome.living == ProbeAnswer::kRefused) {
    confirmation.detail = absl::StrCat(
        "it refuses the living key's token, too, which proves nothing; ",
        outcome.detail);
  }
  return confirmation != before;
}

absl::Time BehindStreams(const Confirmation& confirmation,
                         const Revocation& revocation, const Gateway& gateway,
                         absl::Time streams_refuse_by) {
  const Consumer* consumer = FindConsumer(gateway.consumer);
  if (consumer == nullptr || consumer->acknowledges) return streams_refuse_by;
  // The agent's part of either is the default bound; the rest is its own. It
  // may have been registered otherwise at the revocation.
  const absl::Duration then = confirmation.latest - revocation.revoke_time;
  const absl::Duration now = HorizonOf(gateway, absl::ZeroDuration()).latest;
  return streams_refuse_by + std::max(std::max(then, now) - kDefaultStaleness,
                                      absl::ZeroDuration());
}

bool NoteTime(Confirmation& confirmation, const Gateway& gateway,
              absl::Time refuses_by, absl::Time now) {
  if (Ended(confirmation)) return false;
  if (!Contradicted(confirmation)) {
    if (std::max(confirmation.latest, refuses_by) <= now) {
      confirmation.detail =
          confirmation.fetch_time
              ? confirmation.detail
              : "never seen to fetch; its cache has expired all the same";
      Enforce(confirmation, Evidence::kHorizon,
              std::max(confirmation.latest, refuses_by));
      return true;
    }
    if (FetchedItself(confirmation, gateway) && confirmation.expected <= now) {
      Enforce(confirmation, Evidence::kHorizon,
              std::max(confirmation.expected, *confirmation.fetch_time));
      return true;
    }
  }
  if (confirmation.deadline <= now &&
      confirmation.state != ConfirmationState::kOverdue) {
    confirmation.state = ConfirmationState::kOverdue;
    return true;
  }
  return false;
}

absl::Time NextInstant(const Confirmation& confirmation, const Gateway& gateway,
                       absl::Time refuses_by) {
  if (Ended(confirmation)) return absl::InfiniteFuture();
  absl::Time next = confirmation.state == ConfirmationState::kOverdue
                        ? absl::InfiniteFuture()
                        : confirmation.deadline;
  if (Contradicted(confirmation)) return next;
  next = std::min(next, std::max(confirmation.latest, refuses_by));
  if (FetchedItself(confirmation, gateway)) {
    next = std::min(next, confirmation.expected);
  }
  return next;
}

}  // namespace warder::domain
