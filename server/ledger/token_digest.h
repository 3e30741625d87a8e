// What stands for a token in the ledger.
//
//     ledger secret ──issuer, hour──> HourSecret ──minute──> MinuteSecret
//                                                   ──signing input──> digest
//
// It is of the signing input, `header.payload`: not of the signature, which
// ES256 and PS256 make anew each time, and not of `jti`, which a thief copies
// from a token of his own. Each issuer and minute has a secret: who is given an
// hour to check by learns nothing of the others, and nothing of other issuers.
#ifndef WARDER_SERVER_LEDGER_TOKEN_DIGEST_H_
#define WARDER_SERVER_LEDGER_TOKEN_DIGEST_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"

namespace warder::ledger {

// Returns the minute in which a token says it was issued: minutes since 1970,
// 0 for earlier times, the last that there is for later ones.
uint32_t MinuteOf(absl::Time issued);
// Returns when a minute begins.
absl::Time TimeOfMinute(uint32_t minute);

inline constexpr uint32_t kMinutesOfHour = 60;

// Returns the first 8 bytes, little-endian, of HMAC-SHA256 (RFC 2104) of
// `message`.
uint64_t ShortHmac(absl::string_view key, absl::string_view message);

class MinuteSecret {
 public:
  // As bytes() returned it.
  explicit MinuteSecret(std::string bytes) : bytes_(std::move(bytes)) {}

  // Returns ShortHmac of `signing_input`.
  uint64_t DigestOf(absl::string_view signing_input) const;

  const std::string& bytes() const { return bytes_; }  // 32 of them

 private:
  std::string bytes_;
};

class HourSecret {
 public:
  // Of the ledger's own secret, which is 32 bytes and leaves the service never;
  // `hour` counts from 1970.
  HourSecret(absl::string_view ledger_secret, const IssuerId& issuer,
             uint32_t hour);
  // As bytes() returned it.
  explicit HourSecret(std::string bytes) : bytes_(std::move(bytes)) {}

  // Returns the secret of a minute of this hour.
  MinuteSecret Of(uint32_t minute) const;

  const std::string& bytes() const { return bytes_; }  // 32 of them

 private:
  std::string bytes_;
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_TOKEN_DIGEST_H_
