#include "server/app/live_tokens.h"

namespace warder::app {
namespace {

int64_t MinuteOf(absl::Time time) { return absl::ToUnixSeconds(time) / 60; }

}  // namespace

void LiveTokens::Count(const KeyId& key, absl::Time expire_time) {
  MutexLock lock(&mu_);
  Minutes& minutes = keys_[key];
  const int64_t minute = MinuteOf(expire_time);
  // Most tokens of a key live equally long: the last minute is the one.
  if (!minutes.empty() && minutes.rbegin()->first == minute) {
    ++minutes.rbegin()->second;
  } else {
    ++minutes[minute];
  }
}

int64_t LiveTokens::CountAt(const KeyId& key, absl::Time instant) const {
  MutexLock lock(&mu_);
  const auto minutes = keys_.find(key);
  if (minutes == keys_.end()) return 0;
  int64_t total = 0;
  for (auto it = minutes->second.lower_bound(MinuteOf(instant));
       it != minutes->second.end(); ++it) {
    total += it->second;
  }
  return total;
}

absl::Time LiveTokens::LastExpiry(const KeyId& key) const {
  MutexLock lock(&mu_);
  const auto minutes = keys_.find(key);
  if (minutes == keys_.end() || minutes->second.empty()) {
    return absl::InfinitePast();
  }
  return absl::FromUnixSeconds((minutes->second.rbegin()->first + 1) * 60);
}

void LiveTokens::Prune(absl::Time now) {
  MutexLock lock(&mu_);
  const int64_t minute = MinuteOf(now);
  absl::erase_if(keys_, [&](auto& entry) {
    entry.second.erase(entry.second.begin(), entry.second.lower_bound(minute));
    return entry.second.empty();
  });
}

}  // namespace warder::app
