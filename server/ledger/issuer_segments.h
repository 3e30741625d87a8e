// One issuer's part of the ledger: its segments, and the secrets of its
// minutes.
#ifndef WARDER_SERVER_LEDGER_ISSUER_SEGMENTS_H_
#define WARDER_SERVER_LEDGER_ISSUER_SEGMENTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "server/base/ids.h"
#include "server/base/mutex.h"
#include "server/ledger/segments.h"
#include "server/ledger/token_digest.h"

namespace warder::ledger {

// Thread-safe.
class IssuerSegments {
 public:
  // `ledger_secret` outlives this.
  IssuerSegments(IssuerId issuer, absl::string_view ledger_secret)
      : issuer_(std::move(issuer)), ledger_secret_(ledger_secret) {}

  const IssuerId& issuer() const { return issuer_; }
  Segments& segments() { return segments_; }

  // Returns the digest of a token of this issuer and minute. One HMAC; two more
  // where the minute was not asked for of late.
  uint64_t DigestOf(uint32_t minute, absl::string_view signing_input);

 private:
  static constexpr size_t kMostSecrets = 1024;

  const IssuerId issuer_;
  const absl::string_view ledger_secret_;
  Segments segments_;
  Mutex mu_;
  absl::flat_hash_map<uint32_t, std::shared_ptr<const MinuteSecret>> secrets_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_ISSUER_SEGMENTS_H_
