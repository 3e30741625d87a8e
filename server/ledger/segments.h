// What was issued, minute by minute, in memory.
//
//     OPEN: digests, exact ──SealBefore──> SEALED: a fuse filter, and who came
//                                          later, exact
//
// A token is looked for in the minute that its own `iat` names, and nowhere
// else: an answer gets no worse with the time for which tokens are kept. Of a
// minute that may lack some, absence proves nothing.
#ifndef WARDER_SERVER_LEDGER_SEGMENTS_H_
#define WARDER_SERVER_LEDGER_SEGMENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/ledger/fuse_filter.h"

namespace warder::ledger {

enum class Verdict {
  kIssued,         // or, of a sealed minute, 1 in 256 of those that were not
  kNeverIssued,    // surely
  kIndeterminate,  // it cannot be said; Answer::why
};
// "ISSUED", "NEVER_ISSUED", "INDETERMINATE".
absl::string_view VerdictName(Verdict verdict);

struct Answer {
  Verdict verdict;
  absl::string_view why = {};  // of kIndeterminate, for people
};

// Thread-safe.
class Segments {
 public:
  // Minutes before `first` are not known: tokens of them are not judged.
  explicit Segments(uint32_t first) : first_(first) {}

  // It was issued. A sealed minute takes it, too.
  void Add(uint32_t minute, uint64_t digest);
  // Something of the minute may be missing.
  void MarkIncomplete(uint32_t minute);

  // Returns whether it was issued. One look-up.
  Answer Check(uint32_t minute, uint64_t digest) const;

  // Seals every open minute before `end`. Blocks for the building of filters,
  // and nobody else. Where one cannot be built the minute stays open, which
  // answers as well and is eight times as large; returns the first error.
  absl::Status SealBefore(uint32_t end, Random& random);

  // Minutes before `end` are not known any more.
  void ForgetBefore(uint32_t end);

  // Returns the digests that are held, exactly or in filters.
  size_t size() const;

 private:
  struct Segment {
    bool complete = true;
    std::shared_ptr<const FuseFilter8> filter;  // nullptr: open
    absl::flat_hash_set<uint64_t> exact;        // what is not in the filter
  };

  mutable Mutex mu_;
  uint32_t first_ ABSL_GUARDED_BY(mu_);
  std::map<uint32_t, Segment> segments_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_SEGMENTS_H_
