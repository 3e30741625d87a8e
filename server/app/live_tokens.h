// How many tokens of each key have not expired, as far as this process signed
// them: what a plan tells people that a departure or a revocation cuts off.
#ifndef WARDER_SERVER_APP_LIVE_TOKENS_H_
#define WARDER_SERVER_APP_LIVE_TOKENS_H_

#include <cstdint>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/base/mutex.h"

namespace warder::app {

// Thread-safe. Keeps a number for each key and minute of expiry, in memory: it
// knows nothing of tokens that an earlier process signed.
class LiveTokens {
 public:
  // `since`: when this process began to count.
  explicit LiveTokens(absl::Time since) : since_(since) {}

  absl::Time since() const { return since_; }

  // Counts one token that is about to be signed.
  void Count(const KeyId& key, absl::Time expire_time);

  // Returns how many tokens of `key` expire after `instant`, to the minute and
  // never too few.
  int64_t CountAt(const KeyId& key, absl::Time instant) const;

  // Returns when the last token of `key` that is counted expires, to the minute
  // and never too early; InfinitePast where there is none.
  absl::Time LastExpiry(const KeyId& key) const;

  // Forgets minutes that are over and keys that have none left.
  void Prune(absl::Time now);

 private:
  using Minutes = std::map<int64_t, int64_t>;  // minute of expiry: tokens

  const absl::Time since_;
  mutable Mutex mu_;
  absl::flat_hash_map<KeyId, Minutes> keys_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_LIVE_TOKENS_H_
