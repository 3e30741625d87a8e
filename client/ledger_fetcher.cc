#include "client/ledger_fetcher.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/ledger/token_digest.h"
#include "warder/v1/ledger.grpc.pb.h"
#include "warder/v1/subject.grpc.pb.h"

namespace warder::client {
namespace {

// Clocks of issuers and gateways differ by no more: the policy's bound.
constexpr absl::Duration kLongestSkew = absl::Minutes(10);
constexpr int kMostHours = 1000;  // of one call
// It is tried again by the next Tick, and nobody waits long for one that ends.
const CallOptions kOnce{.timeout = absl::Seconds(10), .attempts = 1};
constexpr int kMostParts = 10'000;  // of a filter

bool NeedsLedger(const PublishedSet& set) {
  return set.issuance_mode != IssuanceMode::kObserve ||
         !set.ledger_required.empty();
}

ledger::Handout HandoutOf(v1::FetchSegmentsResponse& wire) {
  ledger::Handout handout;
  handout.more = wire.more();
  for (v1::FetchSegmentsResponse::Segment& segment : *wire.mutable_segments()) {
    handout.segments.push_back(
        {.file = segment.file(),
         .minute = segment.minute(),
         .filter = std::move(*segment.mutable_filter())});
  }
  for (const v1::FetchSegmentsResponse::Minutes& range : wire.settled()) {
    handout.settled.push_back({range.first(), range.last()});
  }
  return handout;
}

}  // namespace

absl::Status LedgerFetcher::FetchLedger(const PublishedSet& set) {
  ledger_.ForgetBefore(
      set.issuer, ledger::MinuteOf(clock_.TimeNow() - set.max_token_lifetime -
                                   2 * kLongestSkew));
  absl::Status taken;
  bool more = !ledger_.IsFull(set.issuer);
  while (more && !stopping_) {
    const HeldLedger::Holding holding = ledger_.HoldingOf(set.issuer);
    v1::FetchSegmentsRequest request;
    request.set_issuer(set.issuer);
    request.set_ledger(holding.ledger);
    request.mutable_held()->Assign(holding.files.begin(), holding.files.end());
    ASSIGN_OR_RETURN(v1::FetchSegmentsResponse answer,
                     client_.Call(&v1::LedgerService::Stub::FetchSegments,
                                  request, /*reads_only=*/true, kOnce));
    // Who says so and sends nothing would be asked for ever.
    more = answer.more() && !answer.segments().empty();
    taken = ledger_.Take(set.issuer, answer.ledger(), HandoutOf(answer));
    // What is held is of use all the same.
    if (absl::IsResourceExhausted(taken)) break;
    RETURN_IF_ERROR(taken);
  }
  std::vector<uint32_t> hours = ledger_.HoursLacking(set.issuer);
  if (hours.empty()) return taken;
  if (hours.size() > kMostHours) hours.resize(kMostHours);
  v1::GetDigestSecretsRequest request;
  request.set_issuer(set.issuer);
  request.mutable_hours()->Assign(hours.begin(), hours.end());
  ASSIGN_OR_RETURN(const v1::GetDigestSecretsResponse answer,
                   client_.Call(&v1::LedgerService::Stub::GetDigestSecrets,
                                request, /*reads_only=*/true, kOnce));
  if (answer.secrets_size() != static_cast<int>(hours.size())) {
    return absl::InternalError("the server sent secrets of other hours");
  }
  for (int i = 0; i < answer.secrets_size(); ++i) {
    ledger_.TakeSecret(set.issuer, hours[static_cast<size_t>(i)],
                       ledger::HourSecret(answer.secrets(i)));
  }
  return taken;
}

absl::Status LedgerFetcher::FetchSubjects(const std::string& issuer) {
  std::vector<ledger::FuseFilter8> parts;
  v1::FetchSubjectFilterRequest request;
  request.set_issuer(issuer);
  request.set_held(subjects_.LoadOf(issuer));
  while (!stopping_) {
    request.set_part(static_cast<int>(parts.size()));
    ASSIGN_OR_RETURN(
        const v1::FetchSubjectFilterResponse answer,
        client_.Call(&v1::SubjectService::Stub::FetchSubjectFilter, request,
                     /*reads_only=*/true, kOnce));
    if (answer.load() == 0) {
      subjects_.Forget(issuer);
      return absl::OkStatus();
    }
    if (parts.empty()) {
      if (answer.load() == subjects_.LoadOf(issuer)) return absl::OkStatus();
      request.set_held(answer.load());
    }
    // Others were loaded meanwhile: the next time.
    if (answer.load() != request.held()) return absl::OkStatus();
    if (answer.parts() < 1 || answer.parts() > kMostParts) {
      return absl::InternalError("the server sent no filter of subjects");
    }
    ASSIGN_OR_RETURN(auto part, ledger::FuseFilter8::Parse(answer.filter()));
    parts.push_back(std::move(part));
    if (static_cast<int>(parts.size()) < answer.parts()) continue;
    ASSIGN_OR_RETURN(auto set, ledger::SubjectSet::FromParts(answer.load(),
                                                             std::move(parts)));
    subjects_.Take(issuer, ledger::SubjectSecret(answer.secret()),
                   std::move(set));
    subjects_changed_();
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

void LedgerFetcher::Note(absl::string_view event, const std::string& issuer,
                         const absl::Status& status, absl::string_view next) {
  absl::Status& last = failures_[{std::string(event), issuer}];
  if (!status.ok() && status != last && !stopping_) {
    Log(LogLevel::kWarning, event,
        {{"issuer", issuer},
         {"error", std::string(status.message())},
         {"next", std::string(next)}});
  }
  last = status;
}

absl::Duration LedgerFetcher::Tick() {
  std::vector<std::string> issuers, judged;
  const auto sets = sets_();
  for (const auto& [issuer, set] : sets) {
    if (set.drill) continue;
    issuers.push_back(issuer);
    if (NeedsLedger(set)) judged.push_back(issuer);
  }
  subjects_.Keep(issuers);
  ledger_.Keep(judged);
  for (const std::string& issuer : issuers) {
    if (stopping_) break;
    Note("subjects.not_fetched", issuer, FetchSubjects(issuer),
         "tokens are held to the subjects that were fetched last, if any; it "
         "is tried again every ten seconds");
  }
  for (const std::string& issuer : judged) {
    if (stopping_) break;
    Note("ledger.not_fetched", issuer, FetchLedger(sets.at(issuer)),
         "the server is asked for each token that needs it; it is tried again "
         "every ten seconds");
  }
  return clock_.Uptime() + kEvery;
}

}  // namespace warder::client
