#include "server/app/observation_intake.h"

#include <algorithm>
#include <set>

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

constexpr size_t kLongestKid = 256;
constexpr size_t kLongestSource = 64;

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

absl::Status ObservationIntake::Check(const Request& request,
                                      const ObservationReport& report) {
  RETURN_IF_ERROR(CheckName("instance", report.instance));
  RETURN_IF_ERROR(CheckName("incarnation", report.incarnation));
  if (report.sequence < 1) {
    return FieldError("sequence",
                      absl::StrCat(report.sequence, " is not 1 or more"));
  }
  if (report.dropped < 0) return FieldError("dropped", "is negative");
  const absl::Time latest =
      runner_.clock_guard().Read().wall + kLongestSkew + absl::Minutes(1);
  std::set<IssuerId> issuers;
  size_t tokens = 0;
  for (size_t i = 0; i < report.tokens.size(); ++i) {
    const ObservedTokens& seen = report.tokens[i];
    issuers.insert(seen.issuer);
    tokens += seen.digests.size();
    if (seen.kid.empty() || seen.kid.size() > kLongestKid) {
      return FieldError(absl::StrCat("keys[", i, "].kid"),
                        absl::StrCat(seen.kid.size(), " bytes; 1 to ",
                                     kLongestKid, " are taken"));
    }
    if (seen.minute > ledger::MinuteOf(latest)) {
      return FieldError(absl::StrCat("keys[", i, "].minutes"),
                        absl::StrCat(seen.minute,
                                     " is yet to come; they are counted from "
                                     "1970"));
    }
  }
  if (tokens > kMostTokens) {
    return FieldError("keys", absl::StrCat(tokens, " digests; at most ",
                                           kMostTokens, " at once"));
  }
  if (report.violations.size() > kMostViolations) {
    return FieldError("violations",
                      absl::StrCat(report.violations.size(), " of them; ",
                                   kMostViolations, " at once"));
  }
  for (size_t i = 0; i < report.violations.size(); ++i) {
    const ObservedViolation& seen = report.violations[i];
    const std::string at = absl::StrCat("violations[", i, "].");
    issuers.insert(seen.issuer);
    RETURN_IF_ERROR(
        ReadTokenText(at + "signing_input", seen.signing_input).status());
    if (seen.source.size() > kLongestSource) {
      return FieldError(
          at + "source",
          absl::StrCat(seen.source.size(), " bytes; at most ", kLongestSource));
    }
  }
  for (const IssuerId& issuer : issuers) {
    RETURN_IF_ERROR(checker_.Authorize(request, issuer));
  }
  return absl::OkStatus();
}

absl::StatusOr<const ObservationAnswer*> ObservationIntake::FindAnswer(
    const std::string& gateway, const ObservationReport& report) {
  Gateway& known = heard_[gateway];
  known.heard = runner_.clock().Uptime();
  known.silent = false;
  const auto it = known.instances.find(report.instance);
  if (it == known.instances.end()) {
    if (known.instances.size() >= kMostInstances) {
      return FieldError("instance",
                        absl::StrCat(kMostInstances,
                                     " instances report for the gateway; name "
                                     "hosts, not processes"));
    }
    return nullptr;
  }
  const Heard& heard = it->second;
  const bool again = heard.incarnation == report.incarnation &&
                     report.sequence <= heard.sequence;
  return again ? &heard.answer : nullptr;
}

bool ObservationIntake::IsNews(const IssuerId& issuer, uint64_t digest) {
  MutexLock lock(&mu_);
  const std::pair key = {issuer.value(), digest};
  if (forged_before_.contains(key)) return false;
  if (forged_.size() >= kMostForged) {
    forged_before_ = std::move(forged_);
    forged_.clear();
  }
  return forged_.insert(key).second;
}

void ObservationIntake::JudgeViolation(
    const GatewayId& gateway, const ObservedViolation& seen,
    std::vector<domain::AlarmEvent>& events) {
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
  const ledger::Verdict verdict =
      ledger_
          .CheckDigest(seen.issuer, minute, digest,
                       checker_.JudgedFrom(seen.issuer, now))
          .verdict;
  // An honest one outlives its key, meets a policy that was changed, or is
  // shown to the wrong door.
  if (verdict == ledger::Verdict::kIssued) return;
  // Here absence is what is wrong with it.
  if ((seen.kind == domain::AlarmKind::kNeverIssued ||
       seen.kind == domain::AlarmKind::kDeadKey) &&
      verdict != ledger::Verdict::kNeverIssued) {
    return;
  }
  domain::AlarmEvent event;
  event.kind = seen.kind;
  event.issuer = seen.issuer;
  event.kid = token->kid.substr(0, kLongestKid);
  event.gateway = gateway;
  event.time = std::min(seen.seen_time, now);
  event.evidence = EvidenceOf(*token, digest, seen.source);
  // Where it was counted already, its words are added to the alarm.
  event.count = seen.kind != domain::AlarmKind::kNeverIssued ||
                        IsNews(seen.issuer, digest)
                    ? 1
                    : 0;
  events.push_back(std::move(event));
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
  RETURN_IF_ERROR(Check(request, report));
  {
    MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(const ObservationAnswer* const again,
                     FindAnswer(gateway.value(), report));
    if (again != nullptr) return *again;
  }
  const absl::Time now = runner_.clock_guard().Read().trusted;
  ObservationAnswer answer{.never_issued = {}, .interval = kInterval};
  std::vector<domain::AlarmEvent> events;
  for (const ObservedTokens& seen : report.tokens) {
    const absl::Time judged_from = checker_.JudgedFrom(seen.issuer, now);
    domain::AlarmEvent event;
    event.count = 0;
    for (const uint64_t digest : seen.digests) {
      if (ledger_.CheckDigest(seen.issuer, seen.minute, digest, judged_from)
              .verdict != ledger::Verdict::kNeverIssued) {
        continue;
      }
      answer.never_issued.push_back(digest);
      if (!IsNews(seen.issuer, digest)) continue;
      ++event.count;
      if (event.evidence.empty()) {
        event.evidence = EvidenceOf(seen.minute, digest);
      }
    }
    if (event.count == 0) continue;
    event.kind = domain::AlarmKind::kNeverIssued;
    event.issuer = seen.issuer;
    event.kid = seen.kid;
    event.gateway = gateway;
    event.time = now;
    events.push_back(std::move(event));
  }
  for (const ObservedViolation& seen : report.violations) {
    JudgeViolation(gateway, seen, events);
  }
  if (const absl::Status raised = alarms_.Raise(events); !raised.ok()) {
    // They are to be counted when they are sent again.
    MutexLock lock(&mu_);
    for (const ObservedTokens& seen : report.tokens) {
      for (const uint64_t digest : answer.never_issued) {
        forged_.erase({seen.issuer.value(), digest});
      }
    }
    return raised;
  }
  MutexLock lock(&mu_);
  heard_[gateway.value()].instances[report.instance] = {
      .incarnation = report.incarnation,
      .sequence = report.sequence,
      .answer = answer};
  return answer;
}

absl::Status ObservationIntake::CheckSilence() {
  std::vector<domain::AlarmEvent> events;
  const absl::Duration uptime = runner_.clock().Uptime();
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
        event.time = runner_.clock_guard().Read().trusted;
        events.push_back(std::move(event));
        gateway.silent = true;
      }
      ++it;
    }
  }
  const absl::Status raised = alarms_.Raise(events);
  if (!raised.ok()) {
    MutexLock lock(&mu_);
    for (const auto& event : events) {
      heard_[event.gateway.value()].silent = false;
    }
  }
  return raised;
}

}  // namespace warder::app
