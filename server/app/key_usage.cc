#include "server/app/key_usage.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {

void KeyUsage::Observe(const IssuerId& issuer, const std::string& kid,
                       uint32_t minute, std::span<const uint64_t> digests) {
  if (digests.empty()) return;
  MutexLock lock(&mu_);
  Seen& seen = seen_[{
      .window = minute / kWindowMinutes, .issuer = issuer.value(), .kid = kid}];
  for (const uint64_t digest : digests) seen.counter.Add(digest);
  seen.changed = true;
  while (seen_.size() > kMostCounters) seen_.erase(seen_.begin());
}

void KeyUsage::Count(const KeyId& key, std::span<const SeenCount> counts) {
  MutexLock lock(&mu_);
  SeenFrom& places = seen_from_[key];
  for (const SeenCount& count : counts) {
    std::pair place = {count.audience, count.source};
    if (places.size() >= kMostSeenCounts && !places.contains(place)) {
      place = {"others", SourceClass::kUnknown};
    }
    places[place] += count.tokens;
  }
}

KeyUsageWindow KeyUsage::WindowOf(const Place& place, const Seen* seen) const {
  const uint32_t first = place.window * kWindowMinutes;
  const ledger::MinuteRange minutes = {first, first + kWindowMinutes - 1};
  KeyUsageWindow window;
  window.start = ledger::TimeOfMinute(first);
  window.issued =
      ledger_.CountIssued(IssuerId(place.issuer), KeyId(place.kid), minutes);
  window.complete = ledger_.IsComplete(IssuerId(place.issuer), minutes);
  if (seen != nullptr) {
    window.observed =
        static_cast<uint64_t>(std::llround(seen->counter.Estimate()));
    window.exact = seen->counter.exact();
  }
  return window;
}

absl::StatusOr<KeyUsageReport> KeyUsage::Get(const Request& request,
                                             const IssuerId& issuer,
                                             const KeyId& key) {
  const std::string name = KeyName(issuer, key);
  ASSIGN_OR_RETURN(const Access access,
                   runner_.Authorize(request, Permission::kReadKeys, name));
  RETURN_IF_ERROR(
      runner_.store().Read([&](ReadTransaction& txn) -> absl::Status {
        ASSIGN_OR_RETURN(const auto found, txn.FindKey(issuer, key));
        if (!found || (access == Access::kOwn &&
                       found->owner.value() != request.caller.name)) {
          return NotFound(name);
        }
        return absl::OkStatus();
      }));
  KeyUsageReport report;
  report.signers = signers_.Of(key);
  const uint32_t now =
      ledger::MinuteOf(runner_.clock_guard().Read().trusted) / kWindowMinutes;
  MutexLock lock(&mu_);
  if (const auto places = seen_from_.find(key); places != seen_from_.end()) {
    for (const auto& [place, tokens] : places->second) {
      report.seen.push_back(
          {.audience = place.first, .source = place.second, .tokens = tokens});
    }
  }
  for (uint32_t window = now - std::min(now, kWindows - 1); window <= now;
       ++window) {
    const Place place = {
        .window = window, .issuer = issuer.value(), .kid = key.value()};
    const auto it = seen_.find(place);
    report.windows.push_back(
        WindowOf(place, it == seen_.end() ? nullptr : &it->second));
  }
  return report;
}

std::vector<domain::AlarmEvent> KeyUsage::FindExcess(absl::Time now) {
  std::vector<domain::AlarmEvent> events;
  const uint32_t current = ledger::MinuteOf(now) / kWindowMinutes;
  MutexLock lock(&mu_);
  seen_.erase(
      seen_.begin(),
      seen_.lower_bound({.window = current - std::min(current, kWindows),
                         .issuer = "",
                         .kid = ""}));
  for (auto& [place, seen] : seen_) {
    if (!seen.changed || seen.alarmed) continue;
    seen.changed = false;
    const KeyUsageWindow window = WindowOf(place, &seen);
    const double most =
        static_cast<double>(window.issued) *
        (window.exact ? 1 : 1 + 4 * ledger::DistinctCounter::kStandardError);
    if (!window.complete || static_cast<double>(window.observed) <= most) {
      continue;
    }
    seen.alarmed = true;
    domain::AlarmEvent event;
    event.kind = domain::AlarmKind::kExcess;
    event.issuer = IssuerId(place.issuer);
    event.kid = place.kid;
    event.time = now;
    event.evidence = WriteJson({{"window", TimeText(window.start)},
                                {"minutes", kWindowMinutes},
                                {"issued", window.issued},
                                {"observed", window.observed},
                                {"exact", window.exact}});
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace warder::app
