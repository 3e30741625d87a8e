#include "server/ledger/token_digest.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
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
  const std::string mac = crypto::HmacSha256(bytes_, signing_input);
  uint64_t digest = 0;
  for (size_t i = 8; i > 0; --i) {
    digest = digest << 8 | static_cast<uint8_t>(mac[i - 1]);
  }
  return digest;
}

}  // namespace warder::ledger
