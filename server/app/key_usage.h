// Each key's books: how many tokens it signed, and how many of them were seen.
//
// Both are counted by the ten minutes in which the token says it was issued, so
// that they can be compared whenever it is seen. More seen than signed is an
// alarm: who forges tokens that the ledger's filter takes for honest ones, one
// in 256, is found by their number.
#ifndef WARDER_SERVER_APP_KEY_USAGE_H_
#define WARDER_SERVER_APP_KEY_USAGE_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/signer_usage.h"
#include "server/base/mutex.h"
#include "server/domain/alarm.h"
#include "server/ledger/distinct_counter.h"
#include "server/ledger/ledger.h"

namespace warder::app {

struct KeyUsageWindow {
  absl::Time start;
  uint64_t issued = 0;
  uint64_t observed = 0;  // different ones
  bool exact = true;      // `observed`; else within a percent or two
  // The ledger may lack some: `issued` proves nothing.
  bool complete = true;
};

// Where a token came from, as far as a gateway can tell.
enum class SourceClass { kUnknown, kPrivate, kPublic };

struct SeenCount {
  std::string audience;
  SourceClass source = SourceClass::kUnknown;
  int64_t tokens = 0;
};

struct KeyUsageReport {
  std::vector<KeyUsageWindow> windows;     // the last day, oldest first
  std::map<std::string, int64_t> signers;  // tokens since the start of warderd
  std::vector<SeenCount> seen;             // likewise
};

// Thread-safe.
class KeyUsage {
 public:
  static constexpr uint32_t kWindowMinutes = 10;
  static constexpr uint32_t kWindows = 144;  // a day
  // Counters of windows; past it those of the oldest windows go.
  static constexpr size_t kMostCounters = 20'000;
  static constexpr size_t kMostSeenCounts = 100;

  // All outlive this.
  KeyUsage(ChangeRunner& runner, ledger::Ledger& ledger,
           const SignerUsage& signers)
      : runner_(runner), ledger_(ledger), signers_(signers) {}

  // A gateway saw these tokens of the key, which say that they were issued in
  // `minute` since 1970.
  void Observe(const IssuerId& issuer, const std::string& kid, uint32_t minute,
               std::span<const uint64_t> digests);

  // The same by audience and source, for people. Past kMostSeenCounts of a key
  // they are counted together.
  void Count(const KeyId& key, std::span<const SeenCount> counts);

  // Returns the books of a key. Who may read the key may read them.
  //   PERMISSION_DENIED; NOT_FOUND
  absl::StatusOr<KeyUsageReport> Get(const Request& request,
                                     const IssuerId& issuer, const KeyId& key);

  // Returns an event for each key and window of which more was seen than
  // signed, by more than four standard errors; each once.
  std::vector<domain::AlarmEvent> FindExcess(absl::Time now);

 private:
  struct Place {
    uint32_t window = 0;  // its first minute / kWindowMinutes
    std::string issuer;
    std::string kid;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Seen {
    ledger::DistinctCounter counter;
    bool alarmed = false;
    bool changed = false;  // since it was last compared
  };

  KeyUsageWindow WindowOf(const Place& place, const Seen* seen) const;

  ChangeRunner& runner_;
  ledger::Ledger& ledger_;
  const SignerUsage& signers_;

  mutable Mutex mu_;
  std::map<Place, Seen> seen_ ABSL_GUARDED_BY(mu_);  // the oldest first
  // Tokens by audience and source.
  using SeenFrom = std::map<std::pair<std::string, SourceClass>, int64_t>;
  absl::flat_hash_map<KeyId, SeenFrom> seen_from_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_KEY_USAGE_H_
