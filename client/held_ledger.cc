#include "client/held_ledger.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"

namespace warder::client {
namespace {

// A file holds tokens of a few minutes; its number is known for longer than the
// server names it.
constexpr uint32_t kFilesKept = 60;
// By so much a clock is put right without anything being fetched again.
constexpr uint32_t kBackMinutes = 5;

bool AnyHas(const std::vector<ledger::MinuteRange>& ranges, uint32_t minute) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& range) { return range.Contains(minute); });
}

}  // namespace

Issuance HeldLedger::Check(const SeenToken& token) {
  const Look look = LookFor(token);
  // Of a drained key somebody has a copy; who had learned what is held, too,
  // could make a token that is taken for one that was issued.
  if (look != Look::kFound || token.ledger_required) {
    {
      MutexLock lock(&mu_);
      ++asked_;
    }
    // It may know of what came late; and who asks of a forgery is heard.
    const Issuance said = server_.Check(token);
    if (said != Issuance::kIndeterminate) return said;
  }
  switch (look) {
    case Look::kFound: break;
    case Look::kUnknown: return Issuance::kIndeterminate;
    case Look::kAbsent:
      // The server is told when it can be.
      if (observer_ != nullptr) {
        observer_->Refused(token, TokenViolation::kNeverIssued);
      }
      return Issuance::kNeverIssued;
  }
  MutexLock lock(&mu_);
  ++answered_;
  return Issuance::kIssued;
}

HeldLedger::Look HeldLedger::LookFor(const SeenToken& token) {
  const uint32_t minute = ledger::MinuteOf(token.issue_time);
  const auto secret = SecretOf(token.issuer, minute);
  if (secret == nullptr) return Look::kUnknown;
  const uint64_t digest = secret->DigestOf(token.signing_input);
  MutexLock lock(&mu_);
  const auto it = issuers_.find(token.issuer);
  if (it == issuers_.end()) return Look::kUnknown;
  const Issuer& issuer = it->second;
  const auto [begin, end] = issuer.segments.equal_range(minute);
  const bool found = std::any_of(begin, end, [&](const auto& entry) {
    return entry.second.filter.Contains(digest);
  });
  if (found) return Look::kFound;
  return AnyHas(issuer.settled, minute) ? Look::kAbsent : Look::kUnknown;
}

std::shared_ptr<const ledger::MinuteSecret> HeldLedger::SecretOf(
    absl::string_view issuer, uint32_t minute) {
  MutexLock lock(&mu_);
  const auto it = issuers_.find(issuer);
  if (it == issuers_.end()) return nullptr;
  Issuer& held = it->second;
  const auto known = held.minutes.find(minute);
  if (known != held.minutes.end()) return known->second;
  const auto hour = held.secrets.find(minute / ledger::kMinutesOfHour);
  // Else a token's `iat` could make many of them.
  if (hour == held.secrets.end() ||
      (!held.segments.contains(minute) && !AnyHas(held.settled, minute))) {
    return nullptr;
  }
  auto secret =
      std::make_shared<const ledger::MinuteSecret>(hour->second.Of(minute));
  held.minutes.emplace(minute, secret);
  return secret;
}

HeldLedger::Holding HeldLedger::HoldingOf(const std::string& issuer) const {
  Holding holding;
  MutexLock lock(&mu_);
  const auto it = issuers_.find(issuer);
  if (it == issuers_.end()) return holding;
  holding.ledger = it->second.ledger;
  for (const auto& [file, minute] : it->second.files) {
    holding.files.push_back(file);
  }
  return holding;
}

absl::Status HeldLedger::Take(const std::string& issuer, uint64_t ledger,
                              const ledger::Handout& handout) {
  std::vector<std::pair<uint32_t, Segment>> segments;
  for (const ledger::Handout::Segment& segment : handout.segments) {
    ASSIGN_OR_RETURN(auto filter, ledger::FuseFilter16::Parse(segment.filter));
    segments.emplace_back(segment.minute, Segment{.file = segment.file,
                                                  .filter = std::move(filter)});
  }
  Issuer gone;  // freed without the lock
  MutexLock lock(&mu_);
  Issuer& held = issuers_[issuer];
  if (held.ledger != ledger) {
    gone = std::exchange(held, {});
    held.ledger = ledger;
    Freed(gone);
  }
  // What came before comes again where an answer was lost.
  std::erase_if(segments, [&](const auto& entry) {
    return held.files.contains(entry.second.file);
  });
  size_t bytes = 0;
  for (const auto& [minute, segment] : segments) {
    bytes += segment.filter.size_bytes();
  }
  if (bytes_ + bytes > most_bytes_) {
    held.full = true;
    return absl::ResourceExhaustedError(absl::StrCat(
        "more of the ledger than ", most_bytes_, " bytes is not held here"));
  }
  bytes_ += bytes;
  for (auto& [minute, segment] : segments) {
    uint32_t& last = held.files[segment.file];
    last = std::max(last, minute);
    held.segments.emplace(minute, std::move(segment));
  }
  if (!handout.more) {
    held.settled = handout.settled;
    ClipSettled(held);
  }
  return absl::OkStatus();
}

std::vector<uint32_t> HeldLedger::HoursLacking(
    const std::string& issuer) const {
  std::set<uint32_t> hours;
  MutexLock lock(&mu_);
  const auto it = issuers_.find(issuer);
  if (it == issuers_.end()) return {};
  const Issuer& held = it->second;
  const auto need = [&](uint32_t first, uint32_t last) {
    for (uint32_t hour = first / ledger::kMinutesOfHour;
         hour <= last / ledger::kMinutesOfHour; ++hour) {
      if (!held.secrets.contains(hour)) hours.insert(hour);
    }
  };
  for (const auto& [minute, segment] : held.segments) need(minute, minute);
  for (const auto& range : held.settled) need(range.first, range.last);
  return {hours.begin(), hours.end()};
}

void HeldLedger::TakeSecret(const std::string& issuer, uint32_t hour,
                            ledger::HourSecret secret) {
  MutexLock lock(&mu_);
  issuers_[issuer].secrets.emplace(hour, std::move(secret));
}

void HeldLedger::ClipSettled(Issuer& held) {
  for (ledger::MinuteRange& range : held.settled) {
    range.first = std::max(range.first, held.from);
  }
  std::erase_if(held.settled,
                [](const auto& range) { return range.last < range.first; });
}

void HeldLedger::ForgetBefore(const std::string& issuer, uint32_t minute) {
  Issuer gone;  // freed without the lock
  MutexLock lock(&mu_);
  const auto it = issuers_.find(issuer);
  if (it == issuers_.end()) return;
  Issuer& held = it->second;
  // A clock that was ahead, or tokens that live longer from now on: what was
  // forgotten is to be fetched again.
  if (minute + kBackMinutes < held.from) gone = std::exchange(held, {});
  held.from = std::max(held.from, minute);
  const auto end = held.segments.lower_bound(held.from);
  for (auto one = held.segments.begin(); one != end;) {
    gone.segments.insert(held.segments.extract(one++));
  }
  Freed(gone);
  held.minutes.erase(held.minutes.begin(), held.minutes.lower_bound(held.from));
  held.secrets.erase(
      held.secrets.begin(),
      held.secrets.lower_bound(held.from / ledger::kMinutesOfHour));
  std::erase_if(held.files, [&](const auto& file) {
    return file.second + kFilesKept < held.from;
  });
  ClipSettled(held);
}

void HeldLedger::Freed(const Issuer& gone) {
  if (gone.segments.empty()) return;
  for (const auto& [minute, segment] : gone.segments) {
    bytes_ -= segment.filter.size_bytes();
  }
  for (auto& [id, issuer] : issuers_) issuer.full = false;
}

void HeldLedger::Keep(const std::vector<std::string>& issuers) {
  std::vector<Issuer> gone;  // freed without the lock
  MutexLock lock(&mu_);
  for (auto it = issuers_.begin(); it != issuers_.end();) {
    const auto one = it++;
    if (std::find(issuers.begin(), issuers.end(), one->first) ==
        issuers.end()) {
      gone.push_back(std::move(one->second));
      issuers_.erase(one);
    }
  }
  for (const Issuer& issuer : gone) Freed(issuer);
}

bool HeldLedger::IsFull(const std::string& issuer) const {
  MutexLock lock(&mu_);
  const auto it = issuers_.find(issuer);
  return it != issuers_.end() && it->second.full;
}

HeldLedger::Status HeldLedger::status() const {
  MutexLock lock(&mu_);
  Status status{.bytes = bytes_, .answered = answered_, .asked = asked_};
  for (const auto& [id, issuer] : issuers_) {
    status.segments += issuer.segments.size();
  }
  return status;
}

}  // namespace warder::client
