#include "server/app/revocation_record.h"

#include <algorithm>
#include <map>
#include <utility>

#include "server/app/change_runner.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

// A revocation for which nothing came of time is left alone this long.
constexpr absl::Duration kLookAgain = absl::Seconds(5);

using domain::Confirmation;
using domain::ConfirmationState;

// Notes what time and the gateway's view say. Returns whether anything changed.
bool Advance(Confirmation& confirmation, const domain::Revocation& revocation,
             const domain::Gateway& gateway, const domain::Horizon& horizon,
             const domain::GatewayView* view, absl::Time refuses_by,
             absl::Time now) {
  bool changed = false;
  if (view != nullptr) {
    changed = domain::NoteView(confirmation, revocation, gateway, *view);
  }
  return domain::NoteTime(confirmation, revocation, gateway, horizon,
                          refuses_by, now) ||
         changed;
}

void Tell(const Confirmation& before, const Confirmation& now,
          ReviewOutcome& outcome) {
  if (!before.fetch_time && now.fetch_time) outcome.fetched.push_back(now);
  if (before.state == now.state) return;
  if (now.state == ConfirmationState::kEnforced) {
    outcome.enforced.push_back(now);
  } else if (now.state == ConfirmationState::kOverdue) {
    outcome.overdue.push_back(now);
  }
}

// A registry that cannot be read stops no revocation: then it is not on record
// who was to refuse.
std::vector<domain::Gateway> GatewaysOf(Transaction& txn,
                                        const IssuerId& issuer) {
  const auto read = [&]() -> absl::StatusOr<std::vector<domain::Gateway>> {
    ASSIGN_OR_RETURN(const bool any, txn.AnyGateway());
    if (!any) return std::vector<domain::Gateway>();
    return txn.ListGatewaysOf(issuer);
  };
  auto gateways = read();
  if (gateways.ok()) return *std::move(gateways);
  Log(LogLevel::kError, "revocation.not_recorded",
      {{"issuer", IssuerName(issuer)},
       {"error", std::string(gateways.status().message())},
       {"next",
        "its keys are revoked all the same; repair the store, and ask "
        "its gateways by hand"}});
  return {};
}

}  // namespace

domain::HorizonTerms TermsOf(const domain::Policy& policy) {
  return {.max_age = policy.cache_max_age,
          .token_lifetime = policy.max_token_lifetime,
          .clock_skew = policy.clock_skew};
}

absl::StatusOr<int> BeginRevocations(Transaction& txn,
                                     const domain::IssuerDraft& draft,
                                     const OwnerId& leaver,
                                     CanarySigner& canaries) {
  const domain::Issuer& issuer = draft.issuer;
  std::vector<domain::Gateway> gateways;
  int begun = 0;
  for (const domain::Key& key : draft.keys) {
    if (key.state != domain::KeyState::kRevoked ||
        key.revoke_time != issuer.update_time) {
      continue;
    }
    if (begun == 0) {
      gateways = GatewaysOf(txn, issuer.id);
      if (gateways.empty()) return 0;
    }
    domain::Revocation revocation;
    revocation.issuer = issuer.id;
    revocation.key = key.id;
    revocation.reason = key.reason;
    revocation.revision = issuer.revision;
    revocation.revoke_time = *key.revoke_time;
    revocation.leaver = leaver;
    RETURN_IF_ERROR(txn.InsertRevocation(revocation, revocation.revoke_time));
    for (const domain::Gateway& gateway : gateways) {
      RETURN_IF_ERROR(txn.InsertConfirmation(domain::BeginConfirmation(
          revocation, gateway,
          domain::HorizonOf(gateway, TermsOf(issuer.policy)),
          issuer.policy.max_revocation_exposure)));
    }
    for (const auto& half : draft.changes.destroyed) {
      if (half.key != key.id) continue;
      for (const domain::Canary& canary :
           canaries.Sign(issuer, half, gateways, revocation.revoke_time)) {
        RETURN_IF_ERROR(txn.InsertCanary(canary));
      }
    }
    ++begun;
  }
  return begun;
}

absl::StatusOr<ReviewOutcome> ReviewRevocation(Transaction& txn,
                                               domain::Revocation revocation,
                                               const StreamBound& streams,
                                               absl::Time now) {
  ReviewOutcome outcome;
  if (revocation.close_time) return outcome;
  ASSIGN_OR_RETURN(const auto issuer, txn.FindIssuer(revocation.issuer));
  if (!issuer) return Internal("a revocation without its issuer");
  const domain::HorizonTerms terms = TermsOf(issuer->policy);
  ASSIGN_OR_RETURN(const auto views,
                   txn.ListViews(GatewayId(), revocation.issuer));
  std::map<GatewayId, const domain::GatewayView*> view_of;
  for (const domain::GatewayView& view : views) view_of[view.gateway] = &view;
  ASSIGN_OR_RETURN(auto confirmations, txn.ListConfirmations(revocation.key));
  absl::Time next = absl::InfiniteFuture();
  absl::Time last_enforced = revocation.revoke_time;
  bool all_enforced = true;
  for (Confirmation& confirmation : confirmations) {
    ASSIGN_OR_RETURN(const auto gateway, txn.FindGateway(confirmation.gateway));
    if (gateway) {
      const domain::Horizon horizon = domain::HorizonOf(*gateway, terms);
      const auto view = view_of.find(confirmation.gateway);
      const absl::Time refuses_by = gateway->reach != domain::Reach::kStream
                                        ? absl::InfinitePast()
                                    : streams ? streams(gateway->id)
                                              : absl::InfiniteFuture();
      const Confirmation before = confirmation;
      if (Advance(confirmation, revocation, *gateway, horizon,
                  view == view_of.end() ? nullptr : view->second, refuses_by,
                  now)) {
        RETURN_IF_ERROR(txn.UpdateConfirmation(confirmation));
        Tell(before, confirmation, outcome);
      }
      next = std::min(next, domain::NextInstant(confirmation, revocation,
                                                *gateway, horizon, refuses_by));
    }
    if (confirmation.state == ConfirmationState::kEnforced) {
      last_enforced = std::max(last_enforced, *confirmation.enforce_time);
    } else {
      all_enforced = false;
    }
  }
  if (all_enforced) {
    revocation.close_time = last_enforced;
    outcome.closed = true;
    RETURN_IF_ERROR(txn.DeleteCanaries(revocation.key));
    next = absl::InfiniteFuture();
  }
  // What was due and changed nothing is not looked at again at once.
  if (next <= now) next = now + kLookAgain;
  // Who does not know the streams leaves it to who does, at once.
  if (!streams && !outcome.closed) next = now;
  RETURN_IF_ERROR(txn.UpdateRevocation(revocation, next));
  return outcome;
}

void RecordReview(Change& change, const domain::Revocation& revocation,
                  const ReviewOutcome& outcome) {
  const std::string name = RevocationName(revocation.key);
  for (const Confirmation& confirmation : outcome.overdue) {
    change.Record("revocation.overdue", name,
                  WriteJson({{"gateway", confirmation.gateway.value()},
                             {"deadline", TimeText(confirmation.deadline)}}));
  }
  if (outcome.closed) {
    change.Record("revocation.confirmed", name,
                  WriteJson({{"issuer", revocation.issuer.value()}}));
  }
}

void RecordProbe(Change& change, const domain::Revocation& revocation,
                 const Confirmation& was, const Confirmation& is) {
  const std::string name = RevocationName(revocation.key);
  const auto record = [&](absl::string_view action) {
    change.Record(
        action, name,
        WriteJson({{"gateway", is.gateway.value()}, {"seen", is.detail}}));
  };
  if (was.state != is.state && is.state == ConfirmationState::kEnforced) {
    record("revocation.proved");
  }
  if (!was.accept_time && is.accept_time) record("revocation.accepted");
  if (was.state != is.state && is.state == ConfirmationState::kOverdue) {
    record("revocation.contradicted");
  }
}

absl::StatusOr<int> EndConfirmationsOf(Transaction& txn,
                                       const domain::Gateway& gateway,
                                       const std::string& who, absl::Time now) {
  int ended = 0;
  for (const IssuerId& issuer : gateway.issuers) {
    ASSIGN_OR_RETURN(const auto open, txn.ListOpenRevocationsOf(issuer));
    for (domain::Revocation revocation : open) {
      ASSIGN_OR_RETURN(auto confirmations,
                       txn.ListConfirmations(revocation.key));
      for (Confirmation& confirmation : confirmations) {
        if (confirmation.gateway != gateway.id ||
            !domain::NoteStatement(confirmation, who, now)) {
          continue;
        }
        RETURN_IF_ERROR(txn.UpdateConfirmation(confirmation));
        // The loop looks whether that was the last one.
        RETURN_IF_ERROR(txn.UpdateRevocation(revocation, now));
        ++ended;
      }
    }
  }
  return ended;
}

}  // namespace warder::app
