#include "server/ledger/segments.h"

#include <utility>
#include <vector>

namespace warder::ledger {

absl::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kIssued: return "ISSUED";
    case Verdict::kNeverIssued: return "NEVER_ISSUED";
    case Verdict::kIndeterminate: return "INDETERMINATE";
  }
  return "";
}

void Segments::Add(uint32_t minute, uint64_t digest) {
  MutexLock lock(&mu_);
  if (minute >= first_) segments_[minute].exact.insert(digest);
}

void Segments::MarkIncomplete(uint32_t minute) {
  MutexLock lock(&mu_);
  if (minute >= first_) segments_[minute].complete = false;
}

Answer Segments::Check(uint32_t minute, uint64_t digest) const {
  MutexLock lock(&mu_);
  if (minute < first_) {
    return {.verdict = Verdict::kIndeterminate,
            .why = "its iat is earlier than what the ledger knows"};
  }
  const auto it = segments_.find(minute);
  if (it == segments_.end()) return {.verdict = Verdict::kNeverIssued};
  const Segment& segment = it->second;
  if (segment.exact.contains(digest) ||
      (segment.filter != nullptr && segment.filter->Contains(digest))) {
    return {.verdict = Verdict::kIssued};
  }
  if (segment.complete) return {.verdict = Verdict::kNeverIssued};
  return {.verdict = Verdict::kIndeterminate,
          .why = "the ledger may lack some of the minute of its iat"};
}

absl::Status Segments::SealBefore(uint32_t end, Random& random) {
  std::vector<uint32_t> open;
  {
    MutexLock lock(&mu_);
    for (const auto& [minute, segment] : segments_) {
      if (minute < end && segment.filter == nullptr) open.push_back(minute);
    }
  }
  absl::Status first_error;
  for (const uint32_t minute : open) {
    std::vector<uint64_t> digests;
    {
      MutexLock lock(&mu_);
      const auto it = segments_.find(minute);
      if (it == segments_.end()) continue;
      digests.assign(it->second.exact.begin(), it->second.exact.end());
    }
    auto filter = FuseFilter8::Build(digests, random);
    if (!filter.ok()) {
      if (first_error.ok()) first_error = filter.status();
      continue;
    }
    MutexLock lock(&mu_);
    const auto it = segments_.find(minute);
    if (it == segments_.end()) continue;
    Segment& segment = it->second;
    segment.filter = std::make_shared<const FuseFilter8>(*std::move(filter));
    // Who was added meanwhile stays.
    absl::flat_hash_set<uint64_t> later;
    if (segment.exact.size() > digests.size()) {
      later = std::move(segment.exact);
      for (const uint64_t digest : digests) later.erase(digest);
      later.rehash(0);
    }
    segment.exact = std::move(later);
  }
  return first_error;
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

size_t Segments::size() const {
  MutexLock lock(&mu_);
  size_t count = 0;
  for (const auto& [minute, segment] : segments_) {
    count += segment.exact.size();
    if (segment.filter != nullptr) count += segment.filter->count();
  }
  return count;
}

}  // namespace warder::ledger
