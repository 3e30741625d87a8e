#include "server/ledger/token_digest.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/base/little_endian.h"
#include "server/crypto/digest.h"

namespace warder::ledger {

uint32_t MinuteOf(absl::Time issued) {
  const int64_t minute = absl::ToUnixSeconds(issued) / 60;
  return static_cast<uint32_t>(
      std::clamp<int64_t>(minute, 0, std::numeric_limits<uint32_t>::max()));
}

MinuteSecret::MinuteSecret(absl::string_view ledger_secret, uint32_t minute)
    : bytes_(crypto::HmacSha256(ledger_secret,
                                absl::StrCat("warder ledger ", minute))) {}

uint64_t MinuteSecret::DigestOf(absl::string_view signing_input) const {
  return ReadLittleEndian(
      crypto::HmacSha256(bytes_, signing_input).substr(0, 8));
}

}  // namespace warder::ledger
