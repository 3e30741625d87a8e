// How many tokens each signer has had signed, and how many he may yet.
#ifndef WARDER_SERVER_APP_SIGNER_USAGE_H_
#define WARDER_SERVER_APP_SIGNER_USAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/base/mutex.h"

namespace warder::app {

// Thread-safe; in memory, since the start of the process.
class SignerUsage {
 public:
  // Takes one token of those that `signer` may have signed for the issuer:
  // `per_second`, and at most so many at once; 0 for any number. `uptime` is
  // Clock::Uptime.
  //   RESOURCE_EXHAUSTED RATE_LIMITED  says when to try again
  absl::Status Admit(const IssuerId& issuer, const std::string& signer,
                     int per_second, absl::Duration uptime);

  // `signer` was given a token of the key.
  void Count(const KeyId& key, const std::string& signer);

  // Returns how many tokens of the key each signer was given, by name.
  std::map<std::string, int64_t> Of(const KeyId& key) const;

 private:
  // What may be taken at once, as of an instant.
  struct Allowance {
    double tokens = 0;
    absl::Duration at;
  };

  mutable Mutex mu_;
  absl::flat_hash_map<std::pair<std::string, std::string>, Allowance>
      allowances_ ABSL_GUARDED_BY(mu_);  // by issuer and signer
  absl::flat_hash_map<KeyId, std::map<std::string, int64_t>> counts_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_SIGNER_USAGE_H_
