#include "server/ledger/key_counts.h"

#include <vector>

#include "absl/strings/str_split.h"

namespace warder::ledger {

std::string IssuerOfKeyName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  return parts.size() == 4 ? std::string(parts[1]) : "";
}

uint32_t KeyCounts::NumberOf(const std::string& name) {
  MutexLock lock(&mu_);
  const auto [it, inserted] =
      numbers_.try_emplace(name, static_cast<uint32_t>(keys_.size()));
  if (inserted) keys_.push_back({.name = name, .minutes = {}});
  return it->second;
}

std::string KeyCounts::NameOf(uint32_t number) const {
  MutexLock lock(&mu_);
  return number < keys_.size() ? keys_[number].name : "";
}

void KeyCounts::Count(uint32_t number, uint32_t minute, uint64_t issued) {
  MutexLock lock(&mu_);
  if (number < keys_.size()) keys_[number].minutes[minute] += issued;
}

uint64_t KeyCounts::Issued(const std::string& name, MinuteRange minutes) const {
  MutexLock lock(&mu_);
  const auto number = numbers_.find(name);
  if (number == numbers_.end()) return 0;
  const auto& counted = keys_[number->second].minutes;
  uint64_t issued = 0;
  for (auto it = counted.lower_bound(minutes.first);
       it != counted.end() && it->first <= minutes.last; ++it) {
    issued += it->second;
  }
  return issued;
}

void KeyCounts::ForgetBefore(uint32_t end) {
  MutexLock lock(&mu_);
  for (Key& key : keys_) {
    key.minutes.erase(key.minutes.begin(), key.minutes.lower_bound(end));
  }
}

}  // namespace warder::ledger
