#include "server/app/subscription_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/app/event_messages.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

using domain::SubscriptionFormat;

constexpr size_t kSecretBytes = 32;
constexpr int kListed = 1000;
constexpr absl::Duration kLongestOverlap = absl::Hours(24 * 30);

absl::StatusOr<domain::Subscription> Get(ReadTransaction& txn,
                                         const std::string& id) {
  ASSIGN_OR_RETURN(auto found, txn.FindSubscription(id));
  if (!found) return NotFound(SubscriptionName(id.substr(0, 64)));
  return *std::move(found);
}

// What a webhook is told of unless it says otherwise: not each user that a feed
// mentions.
std::vector<std::string> UsualActions() {
  return {"owner.*", "key.*",         "issuer.*", "departure.*",
          "feed.*",  "attestation.*", "alarm.*"};
}

absl::Status CheckActions(const std::vector<std::string>& actions) {
  if (actions.size() > 50) {
    return FieldError("actions", absl::StrCat(actions.size(), "; at most 50"));
  }
  for (size_t i = 0; i < actions.size(); ++i) {
    const bool good =
        !actions[i].empty() && actions[i].size() <= 100 &&
        std::all_of(actions[i].begin(), actions[i].end(), [](char c) {
          return absl::ascii_islower(c) || c == '.' || c == '_' || c == '*';
        });
    if (good) continue;
    return FieldError(
        absl::StrCat("actions[", i, "]"),
        absl::StrCat("\"", actions[i].substr(0, 40),
                     "\" is no pattern of an action, such as key.revoked or "
                     "owner.*"));
  }
  return absl::OkStatus();
}

absl::Status CheckHeaderValue(absl::string_view field,
                              absl::string_view value) {
  const bool good = value.size() <= 4096 &&
                    std::all_of(value.begin(), value.end(), [](char c) {
                      return absl::ascii_isprint(static_cast<unsigned char>(c));
                    });
  if (good) return absl::OkStatus();
  return FieldError(field,
                    "is past 4096 bytes or holds more than printable ASCII");
}

}  // namespace

absl::StatusOr<domain::Subscription> SubscriptionManager::Check(
    const CreateSubscriptionCommand& command) {
  domain::Subscription made;
  ASSIGN_OR_RETURN(made.id, ParseCallerName("subscription_id", command.id));
  RETURN_IF_ERROR(CheckUrl("url", command.url));
  RETURN_IF_ERROR(CheckActions(command.actions));
  RETURN_IF_ERROR(CheckHeaderValue("authorization", command.authorization));
  made.url = command.url;
  made.format = command.format;
  if (command.format == SubscriptionFormat::kWebhook) {
    if (!command.issuer.empty() || !command.audience.empty()) {
      return FieldError("issuer",
                        "a webhook has neither issuer nor audience; "
                        "SETs have");
    }
    made.actions = command.actions.empty() ? UsualActions() : command.actions;
    return made;
  }
  for (const std::string& action : command.actions) {
    if (domain::HasSecurityEvent(action)) continue;
    return FieldError("actions",
                      absl::StrCat("\"", action.substr(0, 40),
                                   "\" has no SET; key.revoked, alarm.raised "
                                   "and alarm.paged have"));
  }
  if (command.audience.empty() || command.audience.size() > 512) {
    return FieldError("audience",
                      "1 to 512 bytes are wanted: what the receiver "
                      "expects as aud");
  }
  made.actions = command.actions.empty()
                     ? std::vector<std::string>{"key.revoked"}
                     : command.actions;
  made.issuer = command.issuer;
  made.audience = command.audience;
  return made;
}

absl::StatusOr<std::string> SubscriptionManager::MakeSecret(
    domain::Subscription& subscription) {
  std::string bytes(kSecretBytes, '\0');
  random_.Fill({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  ASSIGN_OR_RETURN(subscription.sealed_secret,
                   secrets_.Seal(SubscriptionName(subscription.id), bytes));
  return absl::StrCat("whsec_", absl::Base64Escape(bytes));
}

absl::StatusOr<NewSubscription> SubscriptionManager::Create(
    const Request& request, const CreateSubscriptionCommand& command) {
  const std::string name = SubscriptionName(command.id.substr(0, 64));
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageSubscriptions, name)
          .status());
  NewSubscription made;
  ASSIGN_OR_RETURN(made.subscription, Check(command));
  domain::Subscription& subscription = made.subscription;
  if (subscription.format == SubscriptionFormat::kWebhook) {
    ASSIGN_OR_RETURN(made.secret, MakeSecret(subscription));
  }
  if (!command.authorization.empty()) {
    ASSIGN_OR_RETURN(subscription.sealed_authorization,
                     secrets_.Seal(name, command.authorization));
  }
  subscription.created_by = request.caller.Principal();
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(const auto others, change.txn().ListSubscriptions());
        if (std::ssize(others) >= kMostSubscriptions) {
          return Precondition(Reason::kWrongState,
                              absl::StrCat("there are ", others.size(),
                                           " subscriptions already; delete one "
                                           "that is not needed"));
        }
        if (subscription.format == SubscriptionFormat::kSecurityEvent) {
          ASSIGN_OR_RETURN(const auto issuer,
                           change.txn().FindIssuer(subscription.issuer));
          if (!issuer) return NotFound(IssuerName(subscription.issuer));
          const auto& algorithms = issuer->policy.algorithms;
          if (std::find(algorithms.begin(), algorithms.end(),
                        domain::Algorithm::kRs256) == algorithms.end()) {
            return Precondition(
                Reason::kWrongState,
                absl::StrCat(IssuerName(issuer->id),
                             " signs no RS256, and receivers of SETs need take "
                             "nothing else (CAEP interoperability profile); "
                             "name an issuer whose policy lists it"));
          }
        }
        ASSIGN_OR_RETURN(const auto last, change.txn().LastEvent());
        subscription.cursor = last ? last->sequence : 0;
        subscription.create_time = change.now();
        RETURN_IF_ERROR(change.txn().InsertSubscription(subscription));
        change.Record(
            "subscription.created", name,
            WriteJson({{"receiver", OriginOf(subscription.url)},
                       {"format",
                        domain::SubscriptionFormatName(subscription.format)},
                       {"actions", absl::StrJoin(subscription.actions, " ")}}));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        made.secret.clear();  // it was shown once
        ASSIGN_OR_RETURN(subscription, Get(txn, command.id));
        return absl::OkStatus();
      }));
  return made;
}

absl::StatusOr<std::vector<SubscriptionStatus>> SubscriptionManager::List(
    const Request& request) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadAudit, "subscriptions")
          .status());
  const bool sees_urls =
      AccessOf(request.caller.role, Permission::kManageSubscriptions) !=
      Access::kNo;
  std::vector<SubscriptionStatus> list;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(auto subscriptions, txn.ListSubscriptions());
    ASSIGN_OR_RETURN(const auto last, txn.LastEvent());
    for (domain::Subscription& subscription : subscriptions) {
      SubscriptionStatus status;
      ASSIGN_OR_RETURN(
          status.waiting,
          txn.CountDeliveries(subscription.id, /*dead_letters=*/false));
      ASSIGN_OR_RETURN(
          status.dead_letters,
          txn.CountDeliveries(subscription.id, /*dead_letters=*/true));
      ASSIGN_OR_RETURN(
          const auto oldest,
          txn.ListDeliveries(subscription.id, /*dead_letters=*/false,
                             /*after=*/0, 1));
      if (!oldest.empty()) status.error = oldest[0].error;
      status.behind = last ? last->sequence - subscription.cursor : 0;
      if (!sees_urls) subscription.url = OriginOf(subscription.url);
      status.subscription = std::move(subscription);
      list.push_back(std::move(status));
    }
    return absl::OkStatus();
  }));
  return list;
}

absl::Status SubscriptionManager::Delete(const Request& request,
                                         const std::string& id) {
  const std::string name = SubscriptionName(id.substr(0, 64));
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageSubscriptions, name)
          .status());
  return runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(const auto subscription, Get(change.txn(), id));
        ASSIGN_OR_RETURN(
            const int64_t waiting,
            change.txn().CountDeliveries(id, /*dead_letters=*/false));
        ASSIGN_OR_RETURN(const int64_t dead, change.txn().CountDeliveries(
                                                 id, /*dead_letters=*/true));
        RETURN_IF_ERROR(change.txn().DeleteSubscription(id));
        change.Record("subscription.deleted", name,
                      WriteJson({{"receiver", OriginOf(subscription.url)},
                                 {"undelivered", waiting + dead}}));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); });
}

absl::StatusOr<NewSubscription> SubscriptionManager::RotateSecret(
    const Request& request, const std::string& id, absl::Duration overlap) {
  const std::string name = SubscriptionName(id.substr(0, 64));
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageSubscriptions, name)
          .status());
  if (overlap < absl::ZeroDuration() || overlap > kLongestOverlap) {
    return FieldError("overlap", absl::StrCat(DurationText(overlap),
                                              " is not between 0s and ",
                                              DurationText(kLongestOverlap)));
  }
  NewSubscription made;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        ASSIGN_OR_RETURN(made.subscription, Get(change.txn(), id));
        if (made.subscription.format != SubscriptionFormat::kWebhook) {
          return Precondition(Reason::kWrongState,
                              absl::StrCat(name,
                                           " sends SETs; the keys of its "
                                           "issuer sign them"));
        }
        made.subscription.former_sealed_secret =
            made.subscription.sealed_secret;
        made.subscription.former_until = change.now() + overlap;
        ASSIGN_OR_RETURN(made.secret, MakeSecret(made.subscription));
        RETURN_IF_ERROR(change.txn().UpdateSubscription(made.subscription));
        change.Record(
            "subscription.secret_rotated", name,
            WriteJson({{"former_until", TimeText(change.now() + overlap)}}));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        made.secret.clear();
        ASSIGN_OR_RETURN(made.subscription, Get(txn, id));
        return absl::OkStatus();
      }));
  return made;
}

absl::StatusOr<std::vector<domain::Delivery>>
SubscriptionManager::ListDeliveries(const Request& request,
                                    const std::string& id, bool dead_letters) {
  RETURN_IF_ERROR(runner_
                      .Authorize(request, Permission::kReadAudit,
                                 SubscriptionName(id.substr(0, 64)))
                      .status());
  std::vector<domain::Delivery> deliveries;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    RETURN_IF_ERROR(Get(txn, id).status());
    ASSIGN_OR_RETURN(
        deliveries, txn.ListDeliveries(id, dead_letters, /*after=*/0, kListed));
    return absl::OkStatus();
  }));
  return deliveries;
}

absl::StatusOr<int> SubscriptionManager::ChangeDead(
    const Request& request, const std::string& id,
    const std::vector<int64_t>& sequences, bool retry) {
  const std::string name = SubscriptionName(id.substr(0, 64));
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageSubscriptions, name)
          .status());
  int changed = 0;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        RETURN_IF_ERROR(Get(change.txn(), id).status());
        std::vector<domain::Delivery> dead;
        for (const int64_t sequence : sequences) {
          ASSIGN_OR_RETURN(auto found, change.txn().FindDelivery(id, sequence));
          if (!found || !found->dead_letter) {
            return NotFound(absl::StrCat(name, "/deliveries/", sequence));
          }
          dead.push_back(*std::move(found));
        }
        for (int64_t after = 0; sequences.empty();) {
          ASSIGN_OR_RETURN(
              auto page, change.txn().ListDeliveries(id, /*dead_letters=*/true,
                                                     after, kListed));
          if (page.empty()) break;
          after = page.back().sequence;
          dead.insert(dead.end(), page.begin(), page.end());
        }
        for (domain::Delivery& delivery : dead) {
          if (!retry) {
            RETURN_IF_ERROR(change.txn().DeleteDelivery(id, delivery.sequence));
            continue;
          }
          delivery.dead_letter = false;
          delivery.attempts = 0;
          delivery.refused_since.reset();
          delivery.create_time = change.now();
          delivery.next_time = change.now();
          RETURN_IF_ERROR(change.txn().PutDelivery(delivery));
        }
        changed = static_cast<int>(dead.size());
        change.Record(retry ? "delivery.retried" : "delivery.dropped", name,
                      WriteJson({{"deliveries", changed}}));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return changed;
}

absl::StatusOr<int> SubscriptionManager::Retry(
    const Request& request, const std::string& id,
    const std::vector<int64_t>& sequences) {
  return ChangeDead(request, id, sequences, /*retry=*/true);
}

absl::StatusOr<int> SubscriptionManager::Drop(
    const Request& request, const std::string& id,
    const std::vector<int64_t>& sequences) {
  return ChangeDead(request, id, sequences, /*retry=*/false);
}

}  // namespace warder::app
