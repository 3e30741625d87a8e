// What was issued by one issuer, minute by minute, in memory.
//
//     OPEN: digests, exact ──Seal──> SEALED: fuse filters, and who is in none
//                                    of them, exact
//
// A token is looked for in the minute that its own `iat` names, and nowhere
// else: an answer gets no worse with the time for which tokens are kept.
#ifndef WARDER_SERVER_LEDGER_SEGMENTS_H_
#define WARDER_SERVER_LEDGER_SEGMENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "server/base/mutex.h"
#include "server/ledger/fuse_filter.h"

namespace warder::ledger {

// A filter, and the number of the file in which it lies beside its better one.
struct SealedFilter {
  uint64_t file = 0;
  std::shared_ptr<const FuseFilter8> filter;
};

// Thread-safe.
class Segments {
 public:
  // It was issued. A sealed minute takes it, too.
  void Add(uint32_t minute, uint64_t digest);

  // From now on `filter` stands for `digests`, which are its members.
  void Seal(uint32_t minute, SealedFilter filter,
            std::span<const uint64_t> digests);

  // Returns whether it was added; of a sealed minute, for 1 in 256 of those
  // that were not, true. A look-up for each filter of the minute, of which
  // there is one, as a rule.
  bool Contains(uint32_t minute, uint64_t digest) const;

  // Returns the files whose filters have the digest; none where it is held
  // exactly.
  std::vector<uint64_t> FilesWith(uint32_t minute, uint64_t digest) const;

  // Minutes before `end` hold nothing any more.
  void ForgetBefore(uint32_t end);

  // Returns the first minute that is not forgotten.
  uint32_t first() const;

  // Returns the digests that are held, exactly or in filters.
  size_t size() const;

 private:
  struct Segment {
    std::vector<SealedFilter> filters;
    absl::flat_hash_set<uint64_t> exact;  // what is in no filter
  };

  mutable Mutex mu_;
  uint32_t first_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint32_t, Segment> segments_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_SEGMENTS_H_
