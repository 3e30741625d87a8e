// How many different digests there were: exactly for few, and for many by
// HyperLogLog (Flajolet et al. 2007) in 16 KiB, whatever their number.
#ifndef WARDER_SERVER_LEDGER_DISTINCT_COUNTER_H_
#define WARDER_SERVER_LEDGER_DISTINCT_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace warder::ledger {

// Not thread-safe.
class DistinctCounter {
 public:
  // Up to so many are counted exactly.
  static constexpr size_t kMostExact = 1024;
  // Beyond, the standard error of Estimate: 1.04 / sqrt(2^14).
  static constexpr double kStandardError = 0.008125;

  void Add(uint64_t digest);

  // Returns how many different digests were added.
  double Estimate() const;
  // Returns whether that is exact.
  bool exact() const { return registers_.empty(); }

 private:
  static constexpr int kIndexBits = 14;

  void Register(uint64_t digest);

  absl::flat_hash_set<uint64_t> few_;
  std::vector<uint8_t> registers_;  // empty while they are few
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_DISTINCT_COUNTER_H_
