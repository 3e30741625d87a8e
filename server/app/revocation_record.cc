#include "server/app/revocation_record.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/change_runner.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
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
             const domain::Gateway& gateway, const domain::GatewayView* view,
             bool can_be_asked, absl::Time refuses_by, absl::Time now) {
  bool changed = false;
  if (view != nullptr) {
    changed = domain::NoteView(confirmation, revocation, gateway, *view,
                               can_be_asked);
  }
  return domain::NoteTime(confirmation, gateway, refuses_by, now) || changed;
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
    std::set<std::string> asked;  // audiences
    for (const auto& half : draft.changes.destroyed) {
      if (half.key != key.id) continue;
      for (const domain::Canary& canary :
           canaries.Sign(issuer, half, gateways, revocation.revoke_time)) {
        RETURN_IF_ERROR(txn.InsertCanary(canary));
        asked.insert(canary.audience);
      }
    }
    const absl::Duration max_age =
        domain::LongestMaxAge(issuer, revocation.revoke_time);
    for (const domain::Gateway& gateway : gateways) {
      Confirmation confirmation = domain::BeginConfirmation(
          revocation, gateway, domain::HorizonOf(gateway, max_age),
          issuer.policy.max_revocation_exposure);
      if (gateway.probe && !asked.contains(gateway.probe->audience)) {
        confirmation.detail =
            "it cannot be asked: no token of the key could be signed for it in "
            "time";
      }
      RETURN_IF_ERROR(txn.InsertConfirmation(confirmation));
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
  ASSIGN_OR_RETURN(const auto views,
                   txn.ListViews(GatewayId(), revocation.issuer));
  std::map<GatewayId, const domain::GatewayView*> view_of;
  for (const domain::GatewayView& view : views) view_of[view.gateway] = &view;
  ASSIGN_OR_RETURN(auto confirmations, txn.ListConfirmations(revocation.key));
  absl::Time next = absl::InfiniteFuture();
  absl::Time last_ended = revocation.revoke_time;
  outcome.all_refuse = true;
  bool all_ended = true;
  for (Confirmation& confirmation : confirmations) {
    ASSIGN_OR_RETURN(const auto gateway, txn.FindGateway(confirmation.gateway));
    if (gateway) {
      const auto view = view_of.find(confirmation.gateway);
      const absl::Time refuses_by =
          gateway->reach != domain::Reach::kStream ? absl::InfinitePast()
          : streams ? domain::BehindStreams(confirmation, revocation, *gateway,
                                            streams(gateway->id))
                    : absl::InfiniteFuture();
      bool can_be_asked = false;
      if (gateway->probe) {
        ASSIGN_OR_RETURN(
            can_be_asked,
            txn.AnyCanary(revocation.key, gateway->probe->audience, now));
      }
      const Confirmation before = confirmation;
      if (Advance(confirmation, revocation, *gateway,
                  view == view_of.end() ? nullptr : view->second, can_be_asked,
                  refuses_by, now)) {
        RETURN_IF_ERROR(txn.UpdateConfirmation(confirmation));
        Tell(before, confirmation, outcome);
      }
      next = std::min(next,
                      domain::NextInstant(confirmation, *gateway, refuses_by));
    }
    if (!domain::Ended(confirmation)) all_ended = false;
    if (confirmation.state == ConfirmationState::kUnregistered) {
      outcome.all_refuse = false;
      last_ended = std::max(last_ended, now);
    }
    if (confirmation.enforce_time) {
      last_ended = std::max(last_ended, *confirmation.enforce_time);
    }
  }
  if (all_ended && !revocation.close_time) {
    revocation.close_time = last_ended;
    outcome.closed = true;
  } else if (!all_ended && revocation.close_time) {
    revocation.close_time.reset();
    revocation.statement.clear();
    outcome.reopened = true;
  }
  if (all_ended) {
    next = absl::InfiniteFuture();
  } else if (!streams) {
    next = now;  // who does not know the streams leaves it to who does, at once
  } else if (next <= now) {
    next = now + kLookAgain;  // it was due, and nothing came of it
  }
  RETURN_IF_ERROR(txn.UpdateRevocation(revocation, next));
  return outcome;
}

namespace {

void TellReview(Metrics& metrics, const domain::Revocation& revocation,
                const ReviewOutcome& outcome) {
  for (const Confirmation& confirmation : outcome.fetched) {
    metrics.ObserveConfirmation(
        "fetched", *confirmation.fetch_time - revocation.revoke_time);
  }
  for (const Confirmation& confirmation : outcome.enforced) {
    metrics.ObserveConfirmation(
        "enforced", *confirmation.enforce_time - revocation.revoke_time);
  }
  for (const Confirmation& confirmation : outcome.overdue) {
    Log(LogLevel::kWarning, "revocation.overdue",
        {{"revocation", RevocationName(revocation.key)},
         {"gateway", GatewayName(confirmation.gateway)},
         {"next",
          absl::StrCat("warder revocation show ", revocation.key.value())}});
  }
}

}  // namespace

void RecordReview(Change& change, const domain::Revocation& revocation,
                  const ReviewOutcome& outcome) {
  change.AfterCommit([&metrics = change.metrics(), revocation, outcome] {
    TellReview(metrics, revocation, outcome);
  });
  const std::string name = RevocationName(revocation.key);
  for (const Confirmation& confirmation : outcome.overdue) {
    change.Record("revocation.overdue", name,
                  WriteJson({{"gateway", confirmation.gateway.value()},
                             {"deadline", TimeText(confirmation.deadline)}}));
  }
  const char* action = outcome.reopened     ? "revocation.reopened"
                       : !outcome.closed    ? nullptr
                       : outcome.all_refuse ? "revocation.confirmed"
                                            : "revocation.closed";
  if (action != nullptr) {
    change.Record(action, name,
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
                                       const GatewayId& gateway,
                                       const std::vector<IssuerId>& kept,
                                       const std::string& who, absl::Time now) {
  int ended = 0;
  ASSIGN_OR_RETURN(auto confirmations, txn.ListOpenConfirmationsOf(gateway));
  for (Confirmation& confirmation : confirmations) {
    ASSIGN_OR_RETURN(auto revocation, txn.FindRevocation(confirmation.key));
    if (!revocation ||
        std::count(kept.begin(), kept.end(), revocation->issuer) > 0 ||
        !domain::NoteUnregistered(confirmation, who)) {
      continue;
    }
    RETURN_IF_ERROR(txn.UpdateConfirmation(confirmation));
    // The loop looks whether that was the last one.
    RETURN_IF_ERROR(txn.UpdateRevocation(*revocation, now));
    ++ended;
  }
  return ended;
}

}  // namespace warder::app
