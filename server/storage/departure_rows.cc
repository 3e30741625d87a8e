// Departures and their outcomes, which are JSON in one column.
#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/storage/columns.h"
#include "server/storage/rows.h"

namespace warder::storage {
namespace {

const char* FateName(domain::KeyFate fate) {
  switch (fate) {
    case domain::KeyFate::kRevoke: return "REVOKE";
    case domain::KeyFate::kRotate: return "ROTATE";
    case domain::KeyFate::kNone: return "NONE";
  }
  return "NONE";
}

// Written as text at once: a tree of ten thousand keys takes ten times as long.
std::string WriteOutcome(const domain::IssuerOutcome& outcome) {
  const auto truth = [](bool value) { return value ? "true" : "false"; };
  std::string text = absl::StrCat(
      "{\"issuer\":", JsonQuoted(outcome.issuer.value()),
      ",\"owner\":", JsonQuoted(outcome.owner.value()),
      ",\"orphaned\":", truth(outcome.orphaned),
      ",\"without_deputy\":", truth(outcome.without_deputy),
      ",\"successor_unannounced\":", truth(outcome.successor_unannounced),
      ",\"noticed_by_us\":", OptionalMicros(outcome.noticed_by), ",\"keys\":[");
  const char* separator = "";
  for (const domain::KeyOutcome& key : outcome.keys) {
    const JsonMember members[] = {{"key", key.key.value()},
                                  {"fate", FateName(key.fate)},
                                  {"why", key.why}};
    absl::StrAppend(&text, separator, WriteJsonMembers(members));
    if (!key.successor.empty()) {
      text.back() = ',';
      absl::StrAppend(&text,
                      "\"successor\":", JsonQuoted(key.successor.value()), "}");
    }
    if (key.tokens_until) {
      text.back() = ',';
      absl::StrAppend(&text,
                      "\"tokens_until_us\":", ToMicros(*key.tokens_until),
                      ",\"live_tokens\":", key.live_tokens,
                      ",\"more\":", truth(key.more_live_tokens), "}");
    }
    separator = ",";
  }
  text += "],\"successors\":[";
  separator = "";
  for (const KeyId& id : outcome.successors) {
    absl::StrAppend(&text, separator, JsonQuoted(id.value()));
    separator = ",";
  }
  return text + "]}";
}

domain::IssuerOutcome ReadOutcome(const Json& object) {
  domain::IssuerOutcome outcome;
  outcome.issuer = IssuerId(TextMember(object, "issuer"));
  outcome.owner = OwnerId(TextMember(object, "owner"));
  outcome.orphaned = FlagMember(object, "orphaned");
  outcome.without_deputy = FlagMember(object, "without_deputy");
  outcome.successor_unannounced = FlagMember(object, "successor_unannounced");
  outcome.noticed_by = OptionalTime(NumberMember(object, "noticed_by_us"));
  for (const Json& key : object.value("keys", Json::array())) {
    domain::KeyOutcome fate{
        .issuer = outcome.issuer,
        .key = KeyId(TextMember(key, "key")),
        .fate = domain::KeyFate::kNone,
        .why = TextMember(key, "why"),
        .successor = KeyId(TextMember(key, "successor")),
        .tokens_until = OptionalTime(NumberMember(key, "tokens_until_us")),
        .live_tokens = NumberMember(key, "live_tokens"),
        .more_live_tokens = FlagMember(key, "more")};
    const std::string name = TextMember(key, "fate");
    if (name == "REVOKE") fate.fate = domain::KeyFate::kRevoke;
    if (name == "ROTATE") fate.fate = domain::KeyFate::kRotate;
    outcome.keys.push_back(std::move(fate));
  }
  for (const std::string& id : StringsMember(object, "successors")) {
    outcome.successors.push_back(KeyId(id));
  }
  return outcome;
}

}  // namespace

void DepartureRow::From(const domain::Departure& departure) {
  owner = departure.owner.value();
  instant_us = ToMicros(departure.instant);
  report_us = ToMicros(departure.report_time);
  reported_by = departure.reported_by;
  source = departure.source;
  time_zone = departure.time_zone;
  done = departure.done ? 1 : 0;
  effect_us = OptionalMicros(departure.effect_time);
  outcome = "[";
  for (const auto& issuer : departure.issuers) {
    absl::StrAppend(&outcome, outcome.size() > 1 ? "," : "",
                    WriteOutcome(issuer));
  }
  outcome += "]";
  changes = WriteJson(departure.changes);
  Json acts = Json::array();
  for (const domain::LateAct& act : departure.late) {
    acts.push_back({{"sequence", act.sequence},
                    {"time_us", ToMicros(act.time)},
                    {"action", act.action},
                    {"resource", act.resource}});
  }
  late = WriteJson(acts);
  late_count = departure.late_count;
  released_by = departure.released_by;
}

absl::StatusOr<domain::Departure> DepartureRow::To() const {
  domain::Departure departure{.owner = OwnerId(owner),
                              .instant = FromMicros(instant_us),
                              .report_time = FromMicros(report_us),
                              .reported_by = reported_by,
                              .source = source,
                              .time_zone = time_zone,
                              .released_by = released_by,
                              .done = done != 0,
                              .effect_time = OptionalTime(effect_us),
                              .issuers = {},
                              .changes = {},
                              .late = {},
                              .late_count = late_count};
  auto issuers = ParseJson(outcome, kOwnLimits);
  if (!issuers.ok() || !issuers->is_array()) {
    return Damaged("an unreadable departure");
  }
  const auto lines = ParseJson(changes, kOwnLimits);
  const auto acts = ParseJson(late, kOwnLimits);
  if (!lines.ok() || !acts.ok() || !lines->is_array() || !acts->is_array()) {
    return Damaged("an unreadable departure");
  }
  for (const Json& line : *lines) {
    if (line.is_string()) departure.changes.push_back(line.get<std::string>());
  }
  for (const Json& act : *acts) {
    departure.late.push_back({.sequence = NumberMember(act, "sequence"),
                              .time = FromMicros(NumberMember(act, "time_us")),
                              .action = TextMember(act, "action"),
                              .resource = TextMember(act, "resource")});
  }
  for (const Json& issuer : *issuers) {
    departure.issuers.push_back(ReadOutcome(issuer));
  }
  return departure;
}

}  // namespace warder::storage
