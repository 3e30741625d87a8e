#include "server/ledger/segments.h"

#include <algorithm>
#include <utility>

namespace warder::ledger {
namespace {

constexpr size_t kErasedAtOnce = 1000;

}  // namespace

void Segments::Add(uint32_t minute, uint64_t digest) {
  MutexLock lock(&mu_);
  if (minute >= first_) segments_[minute].exact.insert(digest);
}

void Segments::Seal(uint32_t minute, SealedFilter filter,
                    std::span<const uint64_t> digests) {
  {
    MutexLock lock(&mu_);
    if (minute < first_) return;
    segments_[minute].filters.push_back(std::move(filter));
  }
  // Nobody waits for a million of them.
  while (!digests.empty()) {
    const auto some = digests.first(std::min(digests.size(), kErasedAtOnce));
    digests = digests.subspan(some.size());
    MutexLock lock(&mu_);
    const auto it = segments_.find(minute);
    if (it == segments_.end()) return;
    for (const uint64_t digest : some) it->second.exact.erase(digest);
  }
  absl::flat_hash_set<uint64_t> gone;  // freed without the lock
  MutexLock lock(&mu_);
  const auto it = segments_.find(minute);
  if (it == segments_.end()) return;
  // A table keeps its size when it is emptied.
  if (it->second.exact.empty()) {
    gone = std::exchange(it->second.exact, {});
  } else {
    it->second.exact.rehash(0);
  }
}

bool Segments::Contains(uint32_t minute, uint64_t digest) const {
  MutexLock lock(&mu_);
  const auto it = segments_.find(minute);
  if (it == segments_.end()) return false;
  const Segment& segment = it->second;
  return segment.exact.contains(digest) ||
         std::any_of(segment.filters.begin(), segment.filters.end(),
                     [&](const SealedFilter& sealed) {
                       return sealed.filter->Contains(digest);
                     });
}

std::vector<uint64_t> Segments::FilesWith(uint32_t minute,
                                          uint64_t digest) const {
  std::vector<uint64_t> files;
  MutexLock lock(&mu_);
  const auto it = segments_.find(minute);
  if (it == segments_.end() || it->second.exact.contains(digest)) return files;
  for (const SealedFilter& sealed : it->second.filters) {
    if (sealed.filter->Contains(digest)) files.push_back(sealed.file);
  }
  return files;
}

void Segments::ForgetBefore(uint32_t end) {
  std::map<uint32_t, Segment> gone;  // freed without the lock
  MutexLock lock(&mu_);
  if (end <= first_) return;
  first_ = end;
  const auto kept = segments_.lower_bound(end);
  while (segments_.begin() != kept) {
    gone.insert(segments_.extract(segments_.begin()));
  }
}

uint32_t Segments::first() const {
  MutexLock lock(&mu_);
  return first_;
}

size_t Segments::size() const {
  MutexLock lock(&mu_);
  size_t count = 0;
  for (const auto& [minute, segment] : segments_) {
    count += segment.exact.size();
    for (const SealedFilter& sealed : segment.filters) {
      count += sealed.filter->count();
    }
  }
  return count;
}

}  // namespace warder::ledger
