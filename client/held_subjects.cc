#include "client/held_subjects.h"

#include <algorithm>
#include <utility>

namespace warder::client {

std::shared_ptr<const HeldSubjects::Held> HeldSubjects::Find(
    absl::string_view issuer) const {
  MutexLock lock(&mu_);
  const auto it = issuers_.find(issuer);
  return it == issuers_.end() ? nullptr : it->second;
}

bool HeldSubjects::IsUnknown(absl::string_view issuer,
                             absl::string_view subject) const {
  const auto held = Find(issuer);
  return held != nullptr && !held->set.Contains(held->secret.DigestOf(subject));
}

uint64_t HeldSubjects::LoadOf(const std::string& issuer) const {
  const auto held = Find(issuer);
  return held == nullptr ? 0 : held->set.load();
}

void HeldSubjects::Take(const std::string& issuer, ledger::SubjectSecret secret,
                        ledger::SubjectSet set) {
  auto held = std::make_shared<const Held>(
      Held{.secret = std::move(secret), .set = std::move(set)});
  MutexLock lock(&mu_);
  issuers_[issuer].swap(held);  // what was held is freed without the lock
}

void HeldSubjects::Forget(const std::string& issuer) {
  MutexLock lock(&mu_);
  issuers_.erase(issuer);
}

void HeldSubjects::Keep(const std::vector<std::string>& issuers) {
  MutexLock lock(&mu_);
  std::erase_if(issuers_, [&](const auto& entry) {
    return std::find(issuers.begin(), issuers.end(), entry.first) ==
           issuers.end();
  });
}

size_t HeldSubjects::size() const {
  MutexLock lock(&mu_);
  size_t count = 0;
  for (const auto& [id, held] : issuers_) count += held->set.count();
  return count;
}

}  // namespace warder::client
