// What stands for a token in the ledger.
//
// It is of the signing input, `header.payload`: not of the signature, which
// ES256 and PS256 make anew each time, and not of `jti`, which a thief copies
// from a token of his own. Each minute has a secret, from which no other's
// follows: who is given one minute to check by learns nothing of the others.
#ifndef WARDER_SERVER_LEDGER_TOKEN_DIGEST_H_
#define WARDER_SERVER_LEDGER_TOKEN_DIGEST_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder::ledger {

// Returns the minute in which a token says it was issued: minutes since 1970,
// 0 for earlier times, the last that there is for later ones.
uint32_t MinuteOf(absl::Time issued);

class MinuteSecret {
 public:
  // Of the ledger's own secret, which is 32 bytes and leaves the service never.
  MinuteSecret(absl::string_view ledger_secret, uint32_t minute);
  // As bytes() returned it.
  explicit MinuteSecret(std::string bytes) : bytes_(std::move(bytes)) {}

  // Returns the first 8 bytes, little-endian, of HMAC-SHA256 (RFC 2104) of
  // `signing_input`.
  uint64_t DigestOf(absl::string_view signing_input) const;

  const std::string& bytes() const { return bytes_; }  // 32 of them

 private:
  std::string bytes_;
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_TOKEN_DIGEST_H_
