// How many tokens each key has signed, minute by minute, and the numbers that
// stand for keys in journals.
#ifndef WARDER_SERVER_LEDGER_KEY_COUNTS_H_
#define WARDER_SERVER_LEDGER_KEY_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/base/mutex.h"
#include "server/ledger/manifest.h"

namespace warder::ledger {

// Returns the issuer's ID in `issuers/{issuer}/keys/{kid}`, or "".
std::string IssuerOfKeyName(absl::string_view name);

// Thread-safe. A key goes by its resource name, `issuers/{issuer}/keys/{kid}`.
class KeyCounts {
 public:
  // Returns the number of the key, the same until the process ends.
  uint32_t NumberOf(const std::string& name);
  // Returns the name of the key of that number, or "".
  std::string NameOf(uint32_t number) const;

  void Count(uint32_t number, uint32_t minute, uint64_t issued);
  // Returns the tokens of these minutes.
  uint64_t Issued(const std::string& name, MinuteRange minutes) const;
  void ForgetBefore(uint32_t end);

 private:
  struct Key {
    std::string name;
    std::map<uint32_t, uint64_t> minutes;
  };

  mutable Mutex mu_;
  absl::flat_hash_map<std::string, uint32_t> numbers_ ABSL_GUARDED_BY(mu_);
  std::vector<Key> keys_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_KEY_COUNTS_H_
