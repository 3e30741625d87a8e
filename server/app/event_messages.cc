#include "server/app/event_messages.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

constexpr char kCredentialChange[] =
    "https://schemas.openid.net/secevent/caep/event-type/credential-change";

// OpenID RISC Profile 1.0 section 2.7.
constexpr char kCredentialCompromise[] =
    "https://schemas.openid.net/secevent/risc/event-type/credential-compromise";
constexpr char kAlarm[] = "https://warder.dev/secevent/event-type/alarm";
constexpr char kCredentialType[] = "jws-signing-key";

// RFC 9493 section 3.2.4.
Json SubjectOf(const IssuerSnapshot& issuer, const std::string& kid) {
  return {{"format", "iss_sub"}, {"iss", issuer.issuer_uri}, {"sub", kid}};
}

Json DetailOf(const domain::AuditEvent& event) {
  auto detail = ParseJsonObject(event.detail);
  return detail.ok() ? *std::move(detail) : Json::object();
}

std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : "";
}

// Stable over retries and restarts.
std::string IdOf(const domain::AuditEvent& event) {
  return absl::StrCat("evt_", event.sequence);
}

}  // namespace

std::string SubscriptionName(const std::string& id) {
  return absl::StrCat("subscriptions/", id);
}

absl::StatusOr<EventMessage> EventMessages::Webhook(
    const domain::Subscription& subscription, const domain::AuditEvent& event,
    absl::Time now) {
  const Json body = {{"type", event.action},
                     {"timestamp", TimeText(event.time)},
                     {"data",
                      {{"sequence", event.sequence},
                       {"resource", event.resource},
                       {"ordering_key", domain::OrderingKeyOf(event)},
                       {"actor", event.actor},
                       {"request_id", event.request_id},
                       {"detail", DetailOf(event)}}}};
  EventMessage message;
  message.body = WriteJson(body);
  const std::string timestamp = absl::StrCat(absl::ToUnixSeconds(now));
  const std::string signed_text =
      absl::StrCat(IdOf(event), ".", timestamp, ".", message.body);
  std::vector<std::string> secrets = {subscription.sealed_secret};
  if (subscription.former_until && now < *subscription.former_until) {
    secrets.push_back(subscription.former_sealed_secret);
  }
  std::string signatures;
  for (const std::string& sealed : secrets) {
    ASSIGN_OR_RETURN(
        const std::string mac,
        secrets_.Mac(SubscriptionName(subscription.id), sealed, signed_text));
    absl::StrAppend(&signatures, signatures.empty() ? "" : " ", "v1,",
                    absl::Base64Escape(mac));
  }
  message.headers = {"Content-Type: application/json",
                     absl::StrCat("webhook-id: ", IdOf(event)),
                     absl::StrCat("webhook-timestamp: ", timestamp),
                     absl::StrCat("webhook-signature: ", signatures)};
  return message;
}

absl::StatusOr<Json> EventMessages::RevocationClaims(
    const domain::AuditEvent& event) {
  ASSIGN_OR_RETURN(const auto key, ParseKeyName("resource", event.resource));
  const SnapshotPtr issuer = publisher_.Find(key.first.value());
  if (issuer == nullptr) return NotFound(IssuerName(key.first));
  const Json detail = DetailOf(event);
  const std::string reason = TextOf(detail, "reason");
  const Json change = {
      {"change_type", "revoke"},
      {"credential_type", kCredentialType},
      {"event_timestamp", absl::ToUnixSeconds(event.time)},
      {"friendly_name", event.resource},
      {"initiating_entity", event.actor == "system" ? "system" : "admin"},
      {"reason_admin", {{"en", reason.empty() ? "UNSPECIFIED" : reason}}},
      {"owner", TextOf(detail, "owner")}};
  return Json{{"sub_id", SubjectOf(*issuer, key.second.value())},
              {"events", {{kCredentialChange, change}}}};
}

absl::StatusOr<Json> EventMessages::AlarmClaims(
    const domain::AuditEvent& event) {
  const Json detail = DetailOf(event);
  const Json alarm = {{"credential_type", kCredentialType},
                      {"event_timestamp", absl::ToUnixSeconds(event.time)},
                      {"reason_admin", {{"en", TextOf(detail, "summary")}}},
                      {"alarm", event.resource},
                      {"kind", TextOf(detail, "kind")},
                      {"severity", TextOf(detail, "severity")},
                      {"next_step", TextOf(detail, "next_step")}};
  const std::string kid = TextOf(detail, "kid");
  if (kid.empty()) {  // no credential is known to be in other hands
    const std::string gateway = TextOf(detail, "gateway");
    return Json{{"sub_id",
                 {{"format", "opaque"},
                  {"id", gateway.empty() ? event.resource : gateway}}},
                {"events", {{kAlarm, alarm}}}};
  }
  ASSIGN_OR_RETURN(const IssuerId id,
                   ParseIssuerName("issuer", TextOf(detail, "issuer")));
  const SnapshotPtr issuer = publisher_.Find(id.value());
  if (issuer == nullptr) return NotFound(IssuerName(id));
  return Json{{"sub_id", SubjectOf(*issuer, kid)},
              {"events", {{kCredentialCompromise, alarm}}}};
}

absl::StatusOr<EventMessage> EventMessages::SecurityEvent(
    const domain::Subscription& subscription, const domain::AuditEvent& event) {
  if (!domain::HasSecurityEvent(event.action)) {
    return Internal(absl::StrCat("no SET tells of ", event.action));
  }
  ASSIGN_OR_RETURN(Json claims, event.action == "key.revoked"
                                    ? RevocationClaims(event)
                                    : AlarmClaims(event));
  claims["aud"] = subscription.audience;
  claims["jti"] = IdOf(event);
  claims["txn"] = absl::StrCat("chg_", absl::ToUnixMicros(event.time));
  EventMessage message;
  ASSIGN_OR_RETURN(message.body, signer_.SignSecurityEvent(subscription.issuer,
                                                           std::move(claims)));
  message.headers = {"Content-Type: application/secevent+jwt",
                     "Accept: application/json"};
  return message;
}

absl::StatusOr<EventMessage> EventMessages::Make(
    const domain::Subscription& subscription, const domain::AuditEvent& event,
    absl::Time now) {
  ASSIGN_OR_RETURN(EventMessage message,
                   subscription.format == domain::SubscriptionFormat::kWebhook
                       ? Webhook(subscription, event, now)
                       : SecurityEvent(subscription, event));
  if (!subscription.sealed_authorization.empty()) {
    ASSIGN_OR_RETURN(const std::string value,
                     secrets_.Open(SubscriptionName(subscription.id),
                                   subscription.sealed_authorization));
    message.headers.push_back(absl::StrCat("Authorization: ", value));
  }
  return message;
}

}  // namespace warder::app
