#include "server/storage/gateway_rows.h"

#include <utility>
#include <vector>

#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/storage/columns.h"

namespace warder::storage {
namespace {

constexpr long long kDefaultCache = -1;

absl::StatusOr<std::vector<std::string>> TextList(const std::string& column) {
  const auto list = ParseJson(column, kOwnLimits);
  if (!list.ok() || !list->is_array()) return Damaged("an unreadable list");
  std::vector<std::string> texts;
  for (const Json& text : *list) {
    if (!text.is_string()) return Damaged("an unreadable list");
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

std::vector<int> NumbersMember(const Json& object, const char* name) {
  std::vector<int> numbers;
  const auto it = object.find(name);
  if (it == object.end() || !it->is_array()) return numbers;
  for (const Json& number : *it) {
    if (number.is_number_integer()) numbers.push_back(number.get<int>());
  }
  return numbers;
}

std::string ProbeText(const std::optional<domain::Probe>& probe) {
  if (!probe) return "";
  return WriteJson({{"url", probe->url},
                    {"header", probe->header},
                    {"cookie", probe->cookie},
                    {"audience", probe->audience},
                    {"accepted", probe->accepted},
                    {"refused", probe->refused},
                    {"local", probe->local}});
}

absl::StatusOr<std::optional<domain::Probe>> ProbeOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto json = ParseJsonObject(text, kOwnLimits);
  if (!json.ok()) return Damaged("an unreadable probe");
  return domain::Probe{.url = TextMember(*json, "url"),
                       .header = TextMember(*json, "header"),
                       .cookie = TextMember(*json, "cookie"),
                       .audience = TextMember(*json, "audience"),
                       .accepted = NumbersMember(*json, "accepted"),
                       .refused = NumbersMember(*json, "refused"),
                       .local = FlagMember(*json, "local")};
}

}  // namespace

void GatewayRow::From(const domain::Gateway& gateway) {
  id = gateway.id.value();
  created_by = gateway.created_by;
  create_us = ToMicros(gateway.create_time);
  display_name = gateway.display_name;
  contact = gateway.contact;
  consumer = gateway.consumer;
  version = gateway.version;
  reach = std::string(domain::ReachName(gateway.reach));
  Json names = Json::array();
  for (const IssuerId& issuer : gateway.issuers) {
    names.push_back(issuer.value());
  }
  issuers = WriteJson(names);
  cache_us =
      gateway.cache ? absl::ToInt64Microseconds(*gateway.cache) : kDefaultCache;
  fetch_sources = WriteJson(gateway.fetch_sources);
  probe = ProbeText(gateway.probe);
  Json modes = Json::object();
  for (const auto& [id_of, mode] : gateway.issuance_modes) {
    modes[id_of.value()] = domain::IssuanceModeName(mode);
  }
  issuance_modes = WriteJson(modes);
  update_us = ToMicros(gateway.update_time);
  rev = gateway.rev;
}

absl::StatusOr<domain::Gateway> GatewayRow::To() const {
  domain::Gateway gateway;
  gateway.id = GatewayId(id);
  gateway.created_by = created_by;
  gateway.create_time = FromMicros(create_us);
  gateway.display_name = display_name;
  gateway.contact = contact;
  gateway.consumer = consumer;
  gateway.version = version;
  ASSIGN_OR_RETURN(gateway.reach, domain::ParseReach("reach", reach));
  ASSIGN_OR_RETURN(const auto names, TextList(issuers));
  for (const std::string& name : names) {
    gateway.issuers.push_back(IssuerId(name));
  }
  if (cache_us != kDefaultCache) gateway.cache = absl::Microseconds(cache_us);
  ASSIGN_OR_RETURN(gateway.fetch_sources, TextList(fetch_sources));
  ASSIGN_OR_RETURN(gateway.probe, ProbeOf(probe));
  const auto modes = ParseJsonObject(issuance_modes, kOwnLimits);
  if (!modes.ok()) return Damaged("unreadable issuance modes");
  for (const auto& [issuer, mode] : modes->items()) {
    if (!mode.is_string()) return Damaged("an issuance mode that is no text");
    ASSIGN_OR_RETURN(
        gateway.issuance_modes[IssuerId(issuer)],
        domain::ParseIssuanceMode("issuance_modes", mode.get<std::string>()));
  }
  gateway.update_time = FromMicros(update_us);
  gateway.rev = rev;
  return gateway;
}

void GatewayViewRow::From(const domain::GatewayView& view) {
  gateway = view.gateway.value();
  issuer = view.issuer.value();
  revision = view.revision;
  time_us = ToMicros(view.time);
  source = view.source;
  acknowledged = view.acknowledged ? 1 : 0;
  heard_us = ToMicros(view.heard_time);
}

absl::StatusOr<domain::GatewayView> GatewayViewRow::To() const {
  return domain::GatewayView{.gateway = GatewayId(gateway),
                             .issuer = IssuerId(issuer),
                             .revision = revision,
                             .time = FromMicros(time_us),
                             .source = source,
                             .acknowledged = acknowledged != 0,
                             .heard_time = FromMicros(heard_us)};
}

void GatewayInstanceRow::From(const domain::GatewayInstance& instance) {
  gateway = instance.gateway.value();
  name = instance.name;
  staleness_us = absl::ToInt64Microseconds(instance.max_staleness);
  heard_us = ToMicros(instance.heard_time);
}

absl::StatusOr<domain::GatewayInstance> GatewayInstanceRow::To() const {
  return domain::GatewayInstance{
      .gateway = GatewayId(gateway),
      .name = name,
      .max_staleness = absl::Microseconds(staleness_us),
      .heard_time = FromMicros(heard_us)};
}

void RevocationRow::From(const domain::Revocation& revocation,
                         absl::Time next) {
  key = revocation.key.value();
  issuer = revocation.issuer.value();
  reason = std::string(domain::RevocationReasonName(revocation.reason));
  revision = revocation.revision;
  revoke_us = ToMicros(revocation.revoke_time);
  leaver = revocation.leaver.value();
  close_us = OptionalMicros(revocation.close_time);
  statement = revocation.statement;
  next_us = ToMicros(next);
  rev = revocation.rev;
}

absl::StatusOr<domain::Revocation> RevocationRow::To() const {
  domain::Revocation revocation;
  revocation.key = KeyId(key);
  revocation.issuer = IssuerId(issuer);
  ASSIGN_OR_RETURN(revocation.reason,
                   domain::ParseRevocationReason("reason", reason));
  revocation.revision = revision;
  revocation.revoke_time = FromMicros(revoke_us);
  revocation.leaver = OwnerId(leaver);
  revocation.close_time = OptionalTime(close_us);
  revocation.statement = statement;
  revocation.rev = rev;
  return revocation;
}

void ConfirmationRow::From(const domain::Confirmation& confirmation) {
  key = confirmation.key.value();
  gateway = confirmation.gateway.value();
  deadline_us = ToMicros(confirmation.deadline);
  expected_us = ToMicros(confirmation.expected);
  latest_us = ToMicros(confirmation.latest);
  state = std::string(domain::ConfirmationStateName(confirmation.state));
  fetch_us = OptionalMicros(confirmation.fetch_time);
  fetched_by = std::string(domain::EvidenceName(confirmation.fetched_by));
  enforce_us = OptionalMicros(confirmation.enforce_time);
  enforced_by = std::string(domain::EvidenceName(confirmation.enforced_by));
  accept_us = OptionalMicros(confirmation.accept_time);
  detail = confirmation.detail;
  rev = confirmation.rev;
}

absl::StatusOr<domain::Confirmation> ConfirmationRow::To() const {
  domain::Confirmation confirmation;
  confirmation.key = KeyId(key);
  confirmation.gateway = GatewayId(gateway);
  ASSIGN_OR_RETURN(confirmation.state,
                   domain::ParseConfirmationState("state", state));
  confirmation.fetch_time = OptionalTime(fetch_us);
  ASSIGN_OR_RETURN(confirmation.fetched_by,
                   domain::ParseEvidence("fetched_by", fetched_by));
  confirmation.enforce_time = OptionalTime(enforce_us);
  ASSIGN_OR_RETURN(confirmation.enforced_by,
                   domain::ParseEvidence("enforced_by", enforced_by));
  confirmation.deadline = FromMicros(deadline_us);
  confirmation.expected = FromMicros(expected_us);
  confirmation.latest = FromMicros(latest_us);
  confirmation.accept_time = OptionalTime(accept_us);
  confirmation.detail = detail;
  confirmation.rev = rev;
  return confirmation;
}

void CanaryRow::From(const domain::Canary& canary) {
  key = canary.key.value();
  audience = canary.audience;
  from_us = ToMicros(canary.window.from);
  until_us = ToMicros(canary.window.until);
  token = canary.token;
}

absl::StatusOr<domain::Canary> CanaryRow::To() const {
  return domain::Canary{.key = KeyId(key),
                        .audience = audience,
                        .window = {.issued = FromMicros(from_us),
                                   .from = FromMicros(from_us),
                                   .until = FromMicros(until_us)},
                        .token = token};
}

absl::StatusOr<app::ProbeTarget> ProbeTargetRow::To() const {
  return app::ProbeTarget{.key = KeyId(key), .gateway = GatewayId(gateway)};
}

void DrillRow::From(const domain::Drill& drill) {
  id = drill.id.value();
  issuer = drill.issuer.value();
  leaver = drill.leaver.value();
  started_by = drill.started_by;
  start_us = ToMicros(drill.start_time);
}

absl::StatusOr<domain::Drill> DrillRow::To() const {
  return domain::Drill{.id = DrillId(id),
                       .issuer = IssuerId(issuer),
                       .leaver = OwnerId(leaver),
                       .started_by = started_by,
                       .start_time = FromMicros(start_us)};
}

}  // namespace warder::storage
