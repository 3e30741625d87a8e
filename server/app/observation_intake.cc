#include "server/app/observation_intake.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/app/ledger_loop.h"
#include "server/app/token_reader.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/gateway.h"

namespace warder::app {
namespace {

constexpr size_t kLongestAudience = 512;

absl::Status CheckName(absl::string_view field, const std::string& name) {
  return ParseCallerName(field, name).status();
}

// What of a token goes into an alarm: its signature is not among it.
std::string EvidenceOf(const ReadToken& token, uint64_t digest,
                       const std::string& source) {
  return WriteJson({{"header", token.header},
                    {"claims", token.claims},
                    {"digest", absl::StrFormat("%016x", digest)},
                    {"source", source}});
}

std::string EvidenceOf(uint32_t minute, uint64_t digest) {
  return WriteJson({{"digest", absl::StrFormat("%016x", digest)},
                    {"issued", TimeText(ledger::TimeOfMinute(minute))}});
}

bool IsForProbes(const ReadToken& token) {
  return !token.audiences.empty() &&
         std::all_of(token.audiences.begin(), token.audiences.end(),
                     [](const auto& audience) {
                       return domain::IsProbeAudience(audience);
                     });
}

}  // namespace

absl::Status ObservationIntake::CheckForm(
    const ObservationReport& report) const {
  RETURN_IF_ERROR(CheckName("instance", report.instance));
  RETURN_IF_ERROR(CheckName("incarnation", report.incarnation));
  if (report.sequence < 1) {
    return FieldError("sequence",
                      absl::StrCat(report.sequence, " is not 1 or more"));
  }
  if (report.dropped < 0) return FieldError("dropped", "is negative");
  size_t tokens = 0;
  for (const ObservedTokens& seen : report.tokens) {
    tokens += seen.digests.size();
  }
  if (tokens > kMostTokens) {
    return FieldError("keys", absl::StrCat(tokens, " digests; at most ",
                                           kMostTokens, " at once"));
  }
  for (const ObservedCounts& seen : report.counts) {
    if (seen.counts.size() > KeyUsage::kMostSeenCounts) {
      return FieldError("keys.counts",
                        absl::StrCat(seen.counts.size(), " of them; at most ",
                                     KeyUsage::kMostSeenCounts, " of a key"));
    }
    for (const SeenCount& count : seen.counts) {
      if (count.audience.size() > kLongestAudience || count.tokens < 0 ||
          count.tokens > static_cast<int64_t>(kMostTokens)) {
        return FieldError(
            "keys.counts",
            absl::StrCat("an audience of ", count.audience.size(),
                         " bytes with ", count.tokens, " tokens; up to ",
                         kLongestAudience, " and ", kMostTokens, " are taken"));
      }
    }
  }
  if (report.violations.size() > kMostViolations) {
    return FieldError("violations",
                      absl::StrCat(report.violations.size(), " of them; ",
                                   kMostViolations, " at once"));
  }
  for (size_t i = 0; i < report.violations.size(); ++i) {
    const ObservedViolation& seen = report.violations[i];
    const std::string at = absl::StrCat("violations[", i, "].");
    RETURN_IF_ERROR(
        ReadTokenText(at + "signing_input", seen.signing_input).status());
    if (seen.source.size() > LedgerChecker::kLongestSource) {
      return FieldError(at + "source",
                        absl::StrCat(seen.source.size(), " bytes; at most ",
                                     LedgerChecker::kLongestSource));
    }
  }
  return absl::OkStatus();
}

std::optional<ObservationAnswer> ObservationIntake::FindAnswer(
    const std::string& gateway, const ObservationReport& report) {
  MutexLock lock(&mu_);
  const auto known = heard_.find(gateway);
  if (known == heard_.end()) return std::nullopt;
  const auto it = known->second.instances.find(report.instance);
  if (it == known->second.instances.end()) return std::nullopt;
  const Heard& heard = it->second;
  if (heard.incarnation != report.incarnation ||
      report.sequence > heard.sequence) {
    return std::nullopt;
  }
  return heard.answer;
}

void ObservationIntake::Remember(const std::string& gateway,
                                 const ObservationReport& report,
                                 const ObservationAnswer& answer) {
  MutexLock lock(&mu_);
  Gateway& known = heard_[gateway];
  known.heard = runner_.clock().Uptime();
  known.silent = false;
  if (known.instances.size() >= kMostInstances &&
      !known.instances.contains(report.instance)) {
    known.instances.erase(std::min_element(known.instances.begin(),
                                           known.instances.end(),
                                           [](const auto& a, const auto& b) {
                                             return a.second.at < b.second.at;
                                           }));
  }
  Heard& heard = known.instances[report.instance];
  if (heard.incarnation == report.incarnation &&
      heard.sequence > report.sequence) {
    return;  // its next one was faster
  }
  heard = {.incarnation = report.incarnation,
           .sequence = report.sequence,
           .at = known.heard,
           .answer = answer};
}

bool ObservationIntake::IsNews(domain::AlarmKind kind, const IssuerId& issuer,
                               uint64_t digest) {
  MutexLock lock(&mu_);
  const Forged forged = {kind, issuer.value(), digest};
  if (forged_before_.contains(forged)) return false;
  if (forged_.size() >= kMostForged) {
    forged_before_ = std::move(forged_);
    forged_.clear();
  }
  return forged_.insert(forged).second;
}

std::string ObservationIntake::KnownKid(const IssuerId& issuer,
                                        const std::string& kid) const {
  const SnapshotPtr snapshot = runner_.publisher().Find(issuer.value());
  if (snapshot == nullptr || !ParseKeyId("kid", kid).ok()) return "";
  // A thumbprint stands in a key set for itself alone.
  const bool known =
      absl::StrContains(snapshot->key_set, kid) ||
      std::any_of(snapshot->history.begin(), snapshot->history.end(),
                  [&](const auto& ended) { return ended->id.value() == kid; });
  return known ? kid : "";
}

void ObservationIntake::Add(domain::AlarmEvent event, Events& events) {
  const auto [it, is_new] = events.try_emplace(domain::PlaceOf(event), event);
  if (is_new) return;
  it->second.count += event.count;
  if (it->second.evidence.empty()) {
    it->second.evidence = std::move(event.evidence);
  }
}

absl::Status ObservationIntake::Raise(const Events& events) {
  std::vector<domain::AlarmEvent> all;
  for (const auto& [place, event] : events) all.push_back(event);
  absl::Status raised = alarms_.Raise(all);
  if (!raised.ok()) {
    // They were counted, and are not counted again where they come again.
    MutexLock lock(&mu_);
    for (const domain::AlarmEvent& event : all) Add(event, waiting_);
  }
  return raised;
}

void ObservationIntake::JudgeTokens(const GatewayId& gateway,
                                    const ObservedTokens& seen,
                                    ObservationAnswer& answer, Events& events) {
  const absl::Time now = runner_.clock_guard().Read().trusted;
  const absl::Time judged_from = checker_.JudgedFrom(seen.issuer, now);
  const std::string kid = KnownKid(seen.issuer, seen.kid);
  if (!kid.empty()) {
    usage_.Observe(seen.issuer, kid, seen.minute, seen.digests);
  }
  for (const uint64_t digest : seen.digests) {
    if (ledger_.CheckDigest(seen.issuer, seen.minute, digest, judged_from)
            .verdict != ledger::Verdict::kNeverIssued) {
      continue;
    }
    if (answer.never_issued.size() < kMostShown) {
      answer.never_issued.push_back(digest);
    }
    domain::AlarmEvent event;
    event.kind = domain::AlarmKind::kNeverIssued;
    event.issuer = seen.issuer;
    event.kid = kid;
    event.gateway = gateway;
    event.time = now;
    event.issue_time = ledger::TimeOfMinute(seen.minute);
    event.count = IsNews(event.kind, seen.issuer, digest) ? 1 : 0;
    event.evidence = EvidenceOf(seen.minute, digest);
    Add(std::move(event), events);
  }
}

void ObservationIntake::JudgeViolation(const GatewayId& gateway,
                                       const ObservedViolation& seen,
                                       Events& events) {
  // Anybody makes a token whose signature is not the key's.
  if (!seen.signature_valid) return;
  const auto token = ReadTokenText("signing_input", seen.signing_input);
  if (!token.ok() || IsForProbes(*token)) return;
  const uint32_t minute = ledger::MinuteOf(token->issue_time);
  const uint64_t digest =
      ledger_.SecretOf(seen.issuer, minute / ledger::kMinutesOfHour)
          .Of(minute)
          .DigestOf(token->signing_input);
  const absl::Time now = runner_.clock_guard().Read().trusted;
  // An honest one outlives its key, meets a policy that was changed, or is
  // shown to the wrong door; and what the ledger may lack was honest, perhaps.
  // A key that never signs has no honest ones.
  const bool never_issued =
      ledger_
          .Check(seen.issuer, token->issue_time, token->signing_input,
                 checker_.JudgedFrom(seen.issuer, now))
          .verdict == ledger::Verdict::kNeverIssued;
  if (!never_issued && seen.kind != domain::AlarmKind::kSilentKey) return;
  domain::AlarmEvent event;
  // Who has subjects of yesterday may not know those of today: it is looked up
  // below.
  event.kind = seen.kind == domain::AlarmKind::kUnknownSubject
                   ? domain::AlarmKind::kNeverIssued
                   : seen.kind;
  event.issuer = seen.issuer;
  event.kid = KnownKid(seen.issuer, token->kid);
  event.gateway = gateway;
  event.time = std::min(seen.seen_time, now);
  event.issue_time = token->issue_time;
  event.count = IsNews(event.kind, seen.issuer, digest) ? 1 : 0;
  event.evidence = EvidenceOf(*token, digest, seen.source);
  const auto subject = JsonString(token->claims, "sub");
  if (never_issued &&
      subjects_.IsUnknown(seen.issuer, subject.ok() ? *subject : "")) {
    domain::AlarmEvent unknown = event;
    unknown.kind = domain::AlarmKind::kUnknownSubject;
    unknown.count = IsNews(unknown.kind, seen.issuer, digest) ? 1 : 0;
    Add(std::move(unknown), events);
  }
  Add(std::move(event), events);
}

absl::Status ObservationIntake::RaiseForged(const Request& request,
                                            const CheckIssuedCommand& shown) {
  ASSIGN_OR_RETURN(const ReadToken read, ReadTokenText("token", shown.token));
  Events events;
  JudgeViolation(GatewayId(request.caller.name),
                 {.issuer = shown.issuer,
                  .kind = domain::AlarmKind::kNeverIssued,
                  .signing_input = std::string(read.signing_input),
                  .signature_valid = true,
                  .seen_time = runner_.clock_guard().Read().trusted,
                  .source = shown.source},
                 events);
  const absl::Duration now = runner_.clock().Uptime();
  {
    MutexLock lock(&mu_);
    for (auto it = events.begin(); it != events.end();) {
      const auto [raised, is_first] = raised_.try_emplace(it->first, now);
      const bool due = is_first || now - raised->second >= kRaiseEvery;
      if (due) raised->second = now;
      if (it->second.count > 0 && due) {
        ++it;
        continue;
      }
      // It was counted before, or one like it was raised just now: a flood
      // costs one write in a while.
      if (it->second.count > 0) Add(std::move(it->second), waiting_);
      it = events.erase(it);
    }
  }
  return Raise(events);
}

absl::StatusOr<ObservationAnswer> ObservationIntake::Take(
    const Request& request, const ObservationReport& report) {
  const GatewayId gateway(request.caller.name);
  RETURN_IF_ERROR(runner_
                      .Authorize(request, Permission::kReportObservations,
                                 GatewayName(gateway))
                      .status());
  if (gateways_.Find(gateway.value()) == nullptr) {
    return runner_.Denied(
        request, GatewayName(gateway),
        Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
              absl::StrCat(GatewayName(gateway),
                           " is not registered; role security adds it with "
                           "warder gateway create")));
  }
  RETURN_IF_ERROR(CheckForm(report));
  // What cannot be judged yet would never be judged.
  if (!ledger_.loaded()) {
    return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                 "the ledger is still being read; send it again in a moment");
  }
  if (auto again = FindAnswer(gateway.value(), report)) return *again;

  ObservationAnswer answer{
      .never_issued = {}, .not_judged = 0, .interval = kInterval};
  std::map<IssuerId, bool> verifies;
  const auto may_report = [&](const IssuerId& issuer) {
    const auto [it, is_new] = verifies.try_emplace(issuer, false);
    if (is_new) it->second = checker_.Authorize(request, issuer).ok();
    return it->second;
  };
  const uint32_t latest =
      ledger::MinuteOf(runner_.clock_guard().Read().wall + kLongestSkew) + 1;
  Events events;
  for (const ObservedTokens& seen : report.tokens) {
    if (seen.minute > latest || !may_report(seen.issuer)) {
      answer.not_judged += std::ssize(seen.digests);
      continue;
    }
    JudgeTokens(gateway, seen, answer, events);
  }
  for (const ObservedCounts& seen : report.counts) {
    const std::string kid = KnownKid(seen.issuer, seen.kid);
    if (may_report(seen.issuer) && !kid.empty()) {
      usage_.Count(KeyId(kid), seen.counts);
    }
  }
  for (const ObservedViolation& seen : report.violations) {
    if (may_report(seen.issuer)) {
      JudgeViolation(gateway, seen, events);
    } else {
      ++answer.not_judged;
    }
  }
  runner_.metrics().CountObservations(std::ssize(answer.never_issued),
                                      answer.not_judged, report.dropped);
  RETURN_IF_ERROR(Raise(events));
  Remember(gateway.value(), report, answer);
  return answer;
}

absl::Status ObservationIntake::CheckBooks() {
  const absl::Duration uptime = runner_.clock().Uptime();
  const absl::Time now = runner_.clock_guard().Read().trusted;
  Events waiting;
  {
    MutexLock lock(&mu_);
    waiting = std::exchange(waiting_, {});
  }
  RETURN_IF_ERROR(Raise(waiting));
  std::vector<domain::AlarmEvent> events = usage_.FindExcess(now);
  {
    MutexLock lock(&mu_);
    for (auto it = heard_.begin(); it != heard_.end();) {
      Gateway& gateway = it->second;
      if (gateways_.Find(it->first) == nullptr) {
        it = heard_.erase(it);  // it is not registered any more
        continue;
      }
      if (!gateway.silent && uptime - gateway.heard > kSilence) {
        domain::AlarmEvent event;
        event.kind = domain::AlarmKind::kGatewaySilent;
        event.gateway = GatewayId(it->first);
        event.time = now;
        events.push_back(std::move(event));
        gateway.silent = true;
      }
      ++it;
    }
  }
  absl::Status raised = alarms_.Raise(events);
  if (!raised.ok()) {
    MutexLock lock(&mu_);
    for (const auto& event : events) {
      if (event.kind == domain::AlarmKind::kGatewaySilent) {
        heard_[event.gateway.value()].silent = false;
      }
    }
  }
  return raised;
}

}  // namespace warder::app
