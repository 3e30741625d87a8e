#include "client/observe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <algorithm>
#include <functional>

#include "absl/hash/hash.h"
#include "server/base/status_macros.h"
#include "server/base/utf8.h"

namespace warder::client {
namespace {

using Stub = v1::LedgerService::Stub;

constexpr size_t kMostViolations = 100;
// With a hundred thousand digests, a message that the server takes.
constexpr size_t kMostViolationBytes = 128 * 1024;
constexpr size_t kMostKnown = 500'000;
constexpr size_t kMostSecrets = 10'000;
constexpr absl::Duration kShortestInterval = absl::Seconds(1);
constexpr absl::Duration kLongestInterval = absl::Seconds(30);
constexpr size_t kLongestAudience = 512;
constexpr size_t kMostCounts = 100;  // of one key
constexpr int kLastReports = 3;      // of a process that ends

v1::Violation WireOf(TokenViolation violation) {
  switch (violation) {
    case TokenViolation::kDeadKey: return v1::VIOLATION_DEAD_KEY;
    case TokenViolation::kLifetime: return v1::VIOLATION_LIFETIME;
    case TokenViolation::kAudience: return v1::VIOLATION_AUDIENCE;
    case TokenViolation::kFutureIat: return v1::VIOLATION_FUTURE_IAT;
    case TokenViolation::kNeverIssued: return v1::VIOLATION_NEVER_ISSUED;
    case TokenViolation::kUnknownSubject: return v1::VIOLATION_UNKNOWN_SUBJECT;
  }
  return v1::VIOLATION_UNSPECIFIED;
}

v1::ObservedViolation MakeViolation(absl::string_view issuer,
                                    v1::Violation violation,
                                    absl::string_view signing_input,
                                    absl::string_view source, absl::Time now) {
  v1::ObservedViolation wire;
  wire.set_issuer(std::string(issuer));
  wire.set_violation(violation);
  wire.set_signing_input(std::string(signing_input));
  wire.set_signature_valid(true);
  wire.set_source(std::string(Utf8Prefix(source, kLongestSource)));
  wire.mutable_seen_time()->set_seconds(absl::ToUnixSeconds(now));
  return wire;
}

// Returns whether the same call may succeed later.
bool MaySucceed(const absl::Status& status) {
  return !absl::IsInvalidArgument(status) &&
         !absl::IsPermissionDenied(status) && !absl::IsNotFound(status) &&
         !absl::IsFailedPrecondition(status) &&
         !absl::IsUnimplemented(status) &&
         !absl::IsInternal(status) &&  // gRPC cannot read it, and never will
         !absl::IsResourceExhausted(status);  // the message is too large
}

}  // namespace

namespace {

bool IsPrivate(uint32_t v4) {
  return v4 >> 24 == 127 || v4 >> 24 == 10 || v4 >> 20 == 0xac1 ||
         v4 >> 16 == 0xc0a8 || v4 >> 16 == 0xa9fe;
}

bool IsPrivate(const in6_addr& v6) {
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    uint32_t v4 = 0;
    memcpy(&v4, v6.s6_addr + 12, sizeof(v4));
    return IsPrivate(ntohl(v4));
  }
  return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) ||
         (v6.s6_addr[0] & 0xfe) == 0xfc;
}

}  // namespace

v1::SourceClass SourceClassOf(absl::string_view address) {
  const std::string text(address);
  in_addr v4{};
  in6_addr v6{};
  bool is_private = false;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    is_private = IsPrivate(ntohl(v4.s_addr));
  } else if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    is_private = IsPrivate(v6);
  } else {
    return v1::SOURCE_CLASS_UNSPECIFIED;
  }
  return is_private ? v1::SOURCE_CLASS_PRIVATE : v1::SOURCE_CLASS_PUBLIC;
}

void Observer::Seen::Add(v1::ObservedViolation violation) {
  const size_t bytes = violation.signing_input().size();
  if (violations.size() >= kMostViolations ||
      violation_bytes + bytes > kMostViolationBytes) {
    ++dropped;
    return;
  }
  violation_bytes += bytes;
  violations.push_back(std::move(violation));
}

void Observer::Seen::Append(Seen later, size_t most_tokens) {
  dropped += later.dropped;
  for (Token& token : later.tokens) {
    if (tokens.size() < most_tokens) {
      tokens.push_back(std::move(token));
    } else {
      ++dropped;
    }
  }
  for (v1::ObservedViolation& violation : later.violations) {
    Add(std::move(violation));
  }
}

Observer::Observer(Client& client, Clock& clock, ObserveOptions options)
    : client_(client),
      clock_(clock),
      options_(std::move(options)),
      interval_(options_.interval),
      ticker_(clock, [this] { return Tick(); }) {}

Observer::~Observer() { Stop(); }

void Observer::Start() { ticker_.Start(); }

void Observer::Stop() {
  if (!ticker_.Stop()) return;
  // One that failed, what came meanwhile, and what the server asks to be shown.
  for (int i = 0; i < kLastReports; ++i) Tick();
}

bool Observer::IsNews(size_t hash) {
  if (known_before_.contains(hash)) return false;
  if (known_.size() >= kMostKnown) {
    known_before_ = std::move(known_);
    known_.clear();
  }
  return known_.insert(hash).second;
}

void Observer::Accepted(const SeenToken& token) {
  const size_t hash = absl::Hash<absl::string_view>()(token.signing_input);
  MutexLock lock(&mu_);
  if (!IsNews(hash)) return;
  if (seen_.tokens.size() >= options_.most_tokens) {
    known_.erase(hash);  // the next time it may find room
    ++seen_.dropped;
    return;
  }
  seen_.tokens.push_back(
      {.issuer = std::string(token.issuer),
       .kid = std::string(token.kid),
       .signing_input = std::string(token.signing_input),
       .audience = std::string(Utf8Prefix(token.audience, kLongestAudience)),
       .address = std::string(Utf8Prefix(token.source, kLongestSource)),
       .minute = ledger::MinuteOf(token.issue_time)});
}

void Observer::Refused(const SeenToken& token, TokenViolation violation) {
  const size_t hash = absl::Hash<std::pair<int, absl::string_view>>()(
      {static_cast<int>(violation), token.signing_input});
  MutexLock lock(&mu_);
  if (!IsNews(hash)) return;
  seen_.Add(MakeViolation(token.issuer, WireOf(violation), token.signing_input,
                          token.source, clock_.TimeNow()));
}

absl::StatusOr<uint64_t> Observer::DigestOf(const Token& token) {
  const std::pair minute = {token.issuer, token.minute};
  auto known = minutes_.find(minute);
  if (known == minutes_.end()) {
    const std::pair hour = {token.issuer,
                            token.minute / ledger::kMinutesOfHour};
    auto secret = secrets_.find(hour);
    if (secret == secrets_.end()) {
      v1::GetDigestSecretsRequest request;
      request.set_issuer(token.issuer);
      request.add_hours(hour.second);
      ASSIGN_OR_RETURN(const v1::GetDigestSecretsResponse answer,
                       client_.Call(&Stub::GetDigestSecrets, request,
                                    /*reads_only=*/true));
      if (answer.secrets_size() != 1) {
        return absl::InternalError("the server sent no secret for the hour");
      }
      if (secrets_.size() >= kMostSecrets) secrets_.clear();
      secret =
          secrets_.emplace(hour, ledger::HourSecret(answer.secrets(0))).first;
    }
    if (minutes_.size() >= kMostSecrets) minutes_.clear();
    known = minutes_.emplace(minute, secret->second.Of(token.minute)).first;
  }
  return known->second.DigestOf(token.signing_input);
}

absl::Status Observer::Make(const Seen& seen) {
  auto report = std::make_unique<v1::ReportObservationsRequest>();
  report->set_instance(options_.instance);
  report->set_incarnation(options_.incarnation);
  std::vector<std::pair<uint64_t, Token>> reported;
  std::map<std::pair<absl::string_view, absl::string_view>,
           std::map<uint32_t, std::vector<uint64_t>>>
      keys;
  std::map<std::pair<absl::string_view, absl::string_view>,
           std::map<std::pair<absl::string_view, v1::SourceClass>, int64_t>>
      counts;
  int64_t dropped = seen.dropped;
  for (const Token& token : seen.tokens) {
    const auto digest = DigestOf(token);
    if (!digest.ok()) {
      if (MaySucceed(digest.status())) return digest.status();
      ++dropped;
      continue;
    }
    keys[{token.issuer, token.kid}][token.minute].push_back(*digest);
    auto& places = counts[{token.issuer, token.kid}];
    const std::pair<absl::string_view, v1::SourceClass> place = {
        token.audience, SourceClassOf(token.address)};
    if (places.size() < kMostCounts || places.contains(place)) ++places[place];
    reported.emplace_back(*digest, token);
  }
  report->set_dropped(dropped);
  for (const auto& [key, minutes] : keys) {
    v1::ObservedKey& wire = *report->add_keys();
    wire.set_issuer(std::string(key.first));
    wire.set_kid(std::string(key.second));
    for (const auto& [place, tokens] : counts[key]) {
      v1::SeenCount& count = *wire.add_counts();
      count.set_audience(std::string(place.first));
      count.set_source(place.second);
      count.set_tokens(tokens);
    }
    for (const auto& [minute, digests] : minutes) {
      v1::ObservedKey::Minute& one = *wire.add_minutes();
      one.set_minute(minute);
      one.mutable_digests()->Assign(digests.begin(), digests.end());
    }
  }
  for (const v1::ObservedViolation& violation : seen.violations) {
    *report->add_violations() = violation;
  }
  report->set_sequence(++sequence_);
  report_ = std::move(report);
  reported_ = std::move(reported);
  return absl::OkStatus();
}

absl::Status Observer::Send() {
  ASSIGN_OR_RETURN(const v1::ReportObservationsResponse answer,
                   client_.Call(&Stub::ReportObservations, *report_,
                                /*reads_only=*/true));  // it counts once
  const absl::Time now = clock_.TimeNow();
  const absl::flat_hash_set<uint64_t> forged(answer.never_issued().begin(),
                                             answer.never_issued().end());
  MutexLock lock(&mu_);
  for (const auto& [digest, token] : reported_) {
    if (!forged.contains(digest)) continue;
    ++status_.never_issued;
    seen_.Add(MakeViolation(token.issuer, v1::VIOLATION_NEVER_ISSUED,
                            token.signing_input, token.address, now));
  }
  status_.reported += std::ssize(reported_);
  status_.dropped += report_->dropped();
  interval_ = std::clamp(absl::Seconds(answer.interval().seconds()) +
                             absl::Nanoseconds(answer.interval().nanos()),
                         kShortestInterval, kLongestInterval);
  // What was never issued is shown at once.
  if (!forged.empty()) interval_ = absl::ZeroDuration();
  report_.reset();
  reported_.clear();
  return absl::OkStatus();
}

absl::Duration Observer::Tick() {
  absl::Status status;
  if (report_ == nullptr) {
    Seen seen;
    {
      MutexLock lock(&mu_);
      seen = std::exchange(seen_, {});
    }
    status = Make(seen);
    if (!status.ok()) {  // it waits for the next time
      MutexLock lock(&mu_);
      seen.Append(std::exchange(seen_, {}), options_.most_tokens);
      seen_ = std::move(seen);
    }
  }
  if (status.ok()) status = Send();
  MutexLock lock(&mu_);
  if (!status.ok() && report_ != nullptr && !MaySucceed(status)) {
    seen_.dropped +=
        report_->dropped() + std::ssize(reported_) + report_->violations_size();
    report_.reset();
    reported_.clear();
  }
  status_.last_error = status;
  return clock_.Uptime() + (status.ok() ? interval_ : options_.interval);
}

ObserveStatus Observer::status() const {
  MutexLock lock(&mu_);
  return status_;
}

}  // namespace warder::client
