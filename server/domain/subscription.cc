#include "server/domain/subscription.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/strict_json.h"
#include "server/domain/policy.h"

namespace warder::domain {

absl::string_view SubscriptionFormatName(SubscriptionFormat format) {
  switch (format) {
    case SubscriptionFormat::kWebhook: return "WEBHOOK";
    case SubscriptionFormat::kSecurityEvent: return "SECURITY_EVENT";
  }
  return "";
}

absl::StatusOr<SubscriptionFormat> ParseSubscriptionFormat(
    absl::string_view field, absl::string_view name) {
  for (const auto format :
       {SubscriptionFormat::kWebhook, SubscriptionFormat::kSecurityEvent}) {
    if (SubscriptionFormatName(format) == name) return format;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is not WEBHOOK or SECURITY_EVENT"));
}

bool HasSecurityEvent(absl::string_view action) {
  return action == "key.revoked" || action == "alarm.raised" ||
         action == "alarm.paged";
}

bool Wants(const Subscription& subscription, const AuditEvent& event) {
  // What became of deliveries is no news: telling it would make more of it.
  if (event.denied || absl::StartsWith(event.action, "delivery.")) return false;
  return std::any_of(subscription.actions.begin(), subscription.actions.end(),
                     [&](const std::string& pattern) {
                       return MatchesPattern(pattern, event.action);
                     });
}

std::string OrderingKeyOf(const AuditEvent& event) {
  if (!absl::StartsWith(event.action, "key.")) return event.resource;
  const auto detail = ParseJsonObject(event.detail);
  if (!detail.ok()) return event.resource;
  const auto owner = detail->find("owner");
  if (owner == detail->end() || !owner->is_string()) return event.resource;
  return owner->get<std::string>();
}

}  // namespace warder::domain
