#include "server/domain/alarm.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/strict_json.h"

namespace warder::domain {
namespace {

constexpr std::pair<AlarmKind, absl::string_view> kKinds[] = {
    {AlarmKind::kNeverIssued, "NEVER_ISSUED"},
    {AlarmKind::kUnknownKey, "UNKNOWN_KEY"},
    {AlarmKind::kDeadKey, "DEAD_KEY"},
    {AlarmKind::kOutsideSigningLife, "OUTSIDE_SIGNING_LIFE"},
    {AlarmKind::kLifetime, "LIFETIME"},
    {AlarmKind::kAudience, "AUDIENCE"},
    {AlarmKind::kFutureIat, "FUTURE_IAT"},
    {AlarmKind::kSilentKey, "SILENT_KEY"},
    {AlarmKind::kExcess, "EXCESS"},
    {AlarmKind::kGatewaySilent, "GATEWAY_SILENT"},
    {AlarmKind::kHoneyKey, "HONEY_KEY"},
    {AlarmKind::kUnknownSubject, "UNKNOWN_SUBJECT"}};
constexpr std::pair<AlarmSeverity, absl::string_view> kSeverities[] = {
    {AlarmSeverity::kTicket, "TICKET"}, {AlarmSeverity::kPage, "PAGE"}};
constexpr std::pair<AlarmState, absl::string_view> kStates[] = {
    {AlarmState::kOpen, "OPEN"},
    {AlarmState::kAcknowledged, "ACKNOWLEDGED"},
    {AlarmState::kClosed, "CLOSED"}};

template <typename Names, typename Value>
absl::string_view NameIn(const Names& names, Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return "";
}

template <typename Value, size_t kSize>
absl::StatusOr<Value> ValueIn(
    const std::pair<Value, absl::string_view> (&names)[kSize],
    absl::string_view field, absl::string_view name) {
  for (const auto& [value, known] : names) {
    if (known == name) return value;
  }
  return FieldError(
      field, absl::StrCat("\"", name.substr(0, 40), "\" is not one of them"));
}

// Of a decoy, and of a key that has signed nothing, no token is honest.
AlarmSeverity SeverityAtFirst(AlarmKind kind) {
  return kind == AlarmKind::kSilentKey || kind == AlarmKind::kHoneyKey
             ? AlarmSeverity::kPage
             : AlarmSeverity::kTicket;
}

// Returns whether it shows the token, and not only what stands for it.
bool IsInFull(const std::string& evidence) {
  const auto json = ParseJsonObject(evidence);
  return json.ok() && json->contains("claims");
}

std::string Place(AlarmKind kind, const IssuerId& issuer,
                  const std::string& kid, const GatewayId& gateway) {
  return kind == AlarmKind::kGatewaySilent
             ? absl::StrCat(AlarmKindName(kind), " ", GatewayName(gateway))
             : absl::StrCat(AlarmKindName(kind), " ", IssuerName(issuer), " ",
                            kid);
}

}  // namespace

absl::string_view AlarmKindName(AlarmKind kind) { return NameIn(kKinds, kind); }
absl::string_view AlarmSeverityName(AlarmSeverity severity) {
  return NameIn(kSeverities, severity);
}
absl::string_view AlarmStateName(AlarmState state) {
  return NameIn(kStates, state);
}
absl::StatusOr<AlarmKind> ParseAlarmKind(absl::string_view field,
                                         absl::string_view name) {
  return ValueIn(kKinds, field, name);
}
absl::StatusOr<AlarmSeverity> ParseAlarmSeverity(absl::string_view field,
                                                 absl::string_view name) {
  return ValueIn(kSeverities, field, name);
}
absl::StatusOr<AlarmState> ParseAlarmState(absl::string_view field,
                                           absl::string_view name) {
  return ValueIn(kStates, field, name);
}

std::string PlaceOf(const AlarmEvent& event) {
  return Place(event.kind, event.issuer, event.kid, event.gateway);
}

std::string PlaceOf(const Alarm& alarm) {
  return Place(alarm.kind, alarm.issuer, alarm.kid, alarm.gateway);
}

Alarm OpenAlarm(AlarmEvent event) {
  event.count = std::max<int64_t>(event.count, 1);
  Alarm alarm;
  alarm.kind = event.kind;
  alarm.issuer = event.issuer;
  alarm.kid = event.kid;
  alarm.gateway = event.gateway;
  alarm.planted_at = event.planted_at;
  alarm.first_time = alarm.last_time = event.time;
  alarm.severity = SeverityAtFirst(event.kind);
  if (alarm.severity == AlarmSeverity::kPage) alarm.page_time = event.time;
  CountEvent(event, alarm);
  return alarm;
}

bool CountEvent(const AlarmEvent& event, Alarm& alarm) {
  alarm.count += event.count;
  // Reports come late, and in any order.
  alarm.first_time = std::min(alarm.first_time, event.time);
  alarm.last_time = std::max(alarm.last_time, event.time);
  if (alarm.evidence.empty() ||
      (!IsInFull(alarm.evidence) && IsInFull(event.evidence))) {
    alarm.evidence = event.evidence;
  }
  for (int64_t i = 0; i < std::min<int64_t>(event.count, kEventsOfPage); ++i) {
    alarm.recent.push_back(event.time);
  }
  std::sort(alarm.recent.begin(), alarm.recent.end());
  while (alarm.recent.size() > kEventsOfPage) {
    alarm.recent.erase(alarm.recent.begin());
  }
  if (alarm.severity == AlarmSeverity::kPage ||
      alarm.kind == AlarmKind::kGatewaySilent ||
      alarm.recent.size() < kEventsOfPage ||
      alarm.recent.back() - alarm.recent.front() > kPageWithin) {
    return false;
  }
  alarm.severity = AlarmSeverity::kPage;
  alarm.page_time = event.time;
  return true;
}

std::string SummaryOf(const Alarm& alarm) {
  const std::string key =
      alarm.kid.empty()
          ? absl::StrCat("a key that is none of ", IssuerName(alarm.issuer))
          : absl::StrCat(IssuerName(alarm.issuer), "/keys/", alarm.kid);
  const std::string seen =
      absl::StrCat(" was shown to ", GatewayName(alarm.gateway));
  switch (alarm.kind) {
    case AlarmKind::kNeverIssued:
      return absl::StrCat("a token by ", key,
                          " with a valid signature that was never issued", seen,
                          ": somebody has a copy of the key");
    case AlarmKind::kUnknownKey: return absl::StrCat("a token by ", key, seen);
    case AlarmKind::kDeadKey:
      return absl::StrCat("a token by ", key, ", which has ended,", seen);
    case AlarmKind::kOutsideSigningLife:
      return absl::StrCat("a token by ", key,
                          ", dated outside the time in which it signed,", seen);
    case AlarmKind::kLifetime:
      return absl::StrCat("a token by ", key,
                          " that lives longer than the policy allows", seen);
    case AlarmKind::kAudience:
      return absl::StrCat("a token by ", key,
                          " that was never issued, for another audience,",
                          seen);
    case AlarmKind::kFutureIat:
      return absl::StrCat("a token by ", key, ", dated in the future,", seen);
    case AlarmKind::kSilentKey:
      return absl::StrCat("a token by ", key, ", a key that has signed nothing,", seen,
                          ": somebody has a copy of it");
    case AlarmKind::kExcess:
      return absl::StrCat("more tokens by ", key, " are seen than were issued");
    case AlarmKind::kGatewaySilent:
      return absl::StrCat(GatewayName(alarm.gateway),
                          " does not report any more what it sees");
    case AlarmKind::kHoneyKey:
      return absl::StrCat("a token by ", key, ", a decoy,", seen,
                          ": somebody has been where it was planted, at \"",
                          alarm.planted_at, "\"");
    case AlarmKind::kUnknownSubject:
      return absl::StrCat("a token by ", key,
                          " that was never issued and names nobody", seen,
                          ": somebody has a copy of the key, and guesses");
  }
  return "";
}

std::string NextStepOf(const Alarm& alarm) {
  // Nothing of a token's own words stands in what somebody may paste.
  if (alarm.kid.empty() && alarm.kind != AlarmKind::kGatewaySilent) {
    return absl::StrCat("warder key list --issuer ", alarm.issuer.value());
  }
  switch (alarm.kind) {
    case AlarmKind::kNeverIssued:
    case AlarmKind::kOutsideSigningLife:
    case AlarmKind::kLifetime:
    case AlarmKind::kAudience:
    case AlarmKind::kFutureIat:
    case AlarmKind::kSilentKey:
    case AlarmKind::kHoneyKey:
    case AlarmKind::kUnknownSubject:
    case AlarmKind::kExcess:
      return absl::StrCat("warder key revoke ", IssuerName(alarm.issuer),
                          "/keys/", alarm.kid, " --reason compromised");
    case AlarmKind::kDeadKey:
      return absl::StrCat("warder key show ", IssuerName(alarm.issuer),
                          "/keys/", alarm.kid);
    case AlarmKind::kUnknownKey:
      return absl::StrCat("warder key list --issuer ", alarm.issuer.value());
    case AlarmKind::kGatewaySilent:
      return absl::StrCat("warder gateway show ", alarm.gateway.value());
  }
  return "";
}

std::string GentleStepOf(const Alarm& alarm) {
  const bool forged = alarm.kind == AlarmKind::kNeverIssued ||
                      alarm.kind == AlarmKind::kOutsideSigningLife ||
                      alarm.kind == AlarmKind::kLifetime ||
                      alarm.kind == AlarmKind::kAudience ||
                      alarm.kind == AlarmKind::kFutureIat ||
                      alarm.kind == AlarmKind::kUnknownSubject ||
                      alarm.kind == AlarmKind::kExcess;
  if (!forged || alarm.kid.empty()) return "";
  return absl::StrCat("warder key drain ", IssuerName(alarm.issuer), "/keys/",
                      alarm.kid);
}

void Sharpen(const Key* key, absl::Duration clock_skew, AlarmEvent& event) {
  if (event.kid.empty() || event.kind == AlarmKind::kExcess ||
      event.kind == AlarmKind::kGatewaySilent ||
      event.kind == AlarmKind::kUnknownSubject) {
    return;
  }
  if (key != nullptr && key->kind == KeyKind::kHoney) {
    event.kind = AlarmKind::kHoneyKey;
    event.planted_at = key->place;
    return;
  }
  const bool never_issued = event.kind == AlarmKind::kNeverIssued;
  if (key == nullptr ? never_issued
                     : !key->activate_time ||
                           key->state == KeyState::kPending) {
    event.kind = AlarmKind::kSilentKey;
    return;
  }
  if (!never_issued || !event.issue_time) return;
  // It is known to the minute.
  const bool before =
      *event.issue_time + absl::Minutes(1) + clock_skew <= *key->activate_time;
  const auto ended = key->retire_time ? key->retire_time : key->revoke_time;
  const bool after = ended && *event.issue_time > *ended + clock_skew;
  if (before || after) event.kind = AlarmKind::kOutsideSigningLife;
}

}  // namespace warder::domain
