#include "server/app/ledger_checker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/issuance_reporter.h"
#include "server/app/ledger_loop.h"
#include "server/app/token_reader.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::app {
namespace {

// What a message takes, with room for one filter more.
constexpr size_t kHandoutBytes = 2 << 20;
// Nobody records tokens of an `iat` this old: managed keys sign with the
// present one, and reports of external keys are held to
// IssuanceReporter::kTolerance.
constexpr absl::Duration kSettled = absl::Minutes(5);
static_assert(kSettled > IssuanceReporter::kTolerance);

}  // namespace

absl::Status LedgerChecker::Authorize(const Request& request,
                                      const IssuerId& issuer) {
  const std::string name = IssuerName(issuer);
  ASSIGN_OR_RETURN(const Access access,
                   runner_.Authorize(request, Permission::kCheckIssued, name));
  if (access == Access::kOwn) {
    const GatewayPtr gateway = gateways_.Find(request.caller.name);
    if (gateway == nullptr || !Verifies(*gateway, issuer.value())) {
      return runner_.Denied(
          request, name,
          Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
                absl::StrCat(GatewayName(GatewayId(request.caller.name)),
                             " does not verify ", name,
                             "; role security adds it with warder gateway "
                             "update")));
    }
  }
  if (runner_.publisher().Find(issuer.value()) == nullptr) {
    return NotFound(name);
  }
  return absl::OkStatus();
}

absl::Time LedgerChecker::JudgedFrom(const IssuerId& issuer,
                                     absl::Time now) const {
  return now - RetentionOf(runner_.publisher(), issuer).longest_life;
}

absl::StatusOr<ledger::Answer> LedgerChecker::Check(
    const Request& request, const CheckIssuedCommand& command) {
  RETURN_IF_ERROR(Authorize(request, command.issuer));
  ASSIGN_OR_RETURN(const ReadToken token,
                   ReadTokenText("token", command.token));
  if (command.source.size() > kLongestSource) {
    return FieldError("source",
                      absl::StrCat(command.source.size(), " bytes; at most ",
                                   kLongestSource));
  }
  const ClockGuard::Reading clock = runner_.clock_guard().Read();
  const ledger::Answer answer =
      ledger_.Check(command.issuer, token.issue_time, token.signing_input,
                    JudgedFrom(command.issuer, clock.trusted));
  if (answer.verdict == ledger::Verdict::kNeverIssued && token.expire_time &&
      *token.expire_time + kLongestSkew < clock.trusted) {
    return ledger::Answer{
        .verdict = ledger::Verdict::kIndeterminate,
        .why = "it has expired: its record may have been forgotten"};
  }
  return answer;
}

absl::StatusOr<std::vector<ledger::Answer>> LedgerChecker::CheckBatch(
    const Request& request, std::span<const CheckIssuedCommand> commands) {
  if (commands.empty() || commands.size() > kMostOfOneBatch) {
    return FieldError("requests",
                      absl::StrCat(commands.size(), " of them; 1 to ",
                                   kMostOfOneBatch, " are taken"));
  }
  std::vector<ledger::Answer> answers;
  answers.reserve(commands.size());
  for (const CheckIssuedCommand& command : commands) {
    auto answer = Check(request, command);
    if (!answer.ok()) {
      return WithContext(answer.status(),
                         absl::StrCat("requests[", answers.size(), "]"));
    }
    answers.push_back(*answer);
  }
  return answers;
}

absl::StatusOr<std::vector<std::string>> LedgerChecker::DigestSecrets(
    const Request& request, const IssuerId& issuer,
    std::span<const uint32_t> hours) {
  RETURN_IF_ERROR(Authorize(request, issuer));
  if (hours.empty() || hours.size() > kMostSecrets) {
    return FieldError("hours", absl::StrCat(hours.size(), " of them; 1 to ",
                                            kMostSecrets, " are taken"));
  }
  const absl::Time latest = runner_.clock_guard().Read().wall + kLongestSkew;
  std::vector<std::string> secrets;
  secrets.reserve(hours.size());
  for (const uint32_t hour : hours) {
    if (hour > ledger::MinuteOf(latest) / ledger::kMinutesOfHour) {
      return FieldError("hours",
                        absl::StrCat(hour,
                                     " is in the future; they are counted "
                                     "from 1970"));
    }
    secrets.push_back(ledger_.SecretOf(issuer, hour).bytes());
  }
  return secrets;
}

absl::StatusOr<ledger::Handout> LedgerChecker::HandOut(
    const Request& request, const IssuerId& issuer, uint64_t ledger,
    std::span<const uint64_t> held) {
  RETURN_IF_ERROR(Authorize(request, issuer));
  if (held.size() > kMostHeld) {
    return FieldError("held",
                      absl::StrCat(held.size(), " files; at most ", kMostHeld));
  }
  if (!ledger_.loaded()) {
    return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                 "the ledger is still being read; ask again in a moment");
  }
  const ClockGuard::Reading clock = runner_.clock_guard().Read();
  const ledger::Retention retention = RetentionOf(runner_.publisher(), issuer);
  return ledger_.HandOut(
      issuer,
      {.first = ledger::MinuteOf(clock.trusted -
                                 (retention.longest_life - kLongestLateness)),
       .last =
           ledger::MinuteOf(std::min(clock.trusted, clock.wall) - kSettled)},
      ledger == ledger_.id() ? held : std::span<const uint64_t>(),
      kHandoutBytes);
}

}  // namespace warder::app
