#include "server/ledger/refuse_filters.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/ledger/manifest.h"
#include "server/ledger/segment_file.h"

namespace warder::ledger {

absl::StatusOr<std::shared_ptr<const RefuseFilters::OfFile>> RefuseFilters::Of(
    uint64_t file) {
  {
    MutexLock lock(&mu_);
    const auto it = kept_.find(file);
    if (it != kept_.end()) {
      it->second.used = ++uses_;
      return it->second.filters;
    }
  }
  const Manifest::File named{.number = file, .minutes = {}};
  ASSIGN_OR_RETURN(
      SealedPeriod period,
      ReadSegmentFile(absl::StrCat(directory_, "/", named.segments_name())));
  OfFile filters;
  size_t bytes = 0;
  for (SealedPeriod::Segment& segment : period.segments) {
    bytes += segment.refuse.size_bytes();
    filters.emplace(std::pair(std::move(segment.issuer), segment.minute),
                    std::move(segment.refuse));
  }
  auto read = std::make_shared<const OfFile>(std::move(filters));
  MutexLock lock(&mu_);
  // Who read it at the same time was first.
  const auto [it, is_new] = kept_.try_emplace(
      file, Kept{.filters = read, .bytes = bytes, .used = ++uses_});
  if (!is_new) return it->second.filters;
  bytes_ += bytes;
  while (bytes_ > most_bytes_ && kept_.size() > 1) {
    const auto oldest = std::min_element(kept_.begin(), kept_.end(),
                                         [](const auto& a, const auto& b) {
                                           return a.second.used < b.second.used;
                                         });
    bytes_ -= oldest->second.bytes;
    kept_.erase(oldest);
  }
  return read;
}

}  // namespace warder::ledger
