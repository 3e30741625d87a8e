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

absl::Time TimeOfMinute(uint32_t minute) {
  return absl::FromUnixSeconds(int64_t{minute} * 60);
}

HourSecret::HourSecret(absl::string_view ledger_secret, const IssuerId& issuer,
                       uint32_t hour)
    : bytes_(crypto::HmacSha256(
          ledger_secret,
          absl::StrCat("warder ledger hour ", hour, " ", issuer.value()))) {}

MinuteSecret HourSecret::Of(uint32_t minute) const {
  return MinuteSecret(crypto::HmacSha256(
      bytes_, absl::StrCat("warder ledger minute ", minute)));
}

uint64_t ShortHmac(absl::string_view key, absl::string_view message) {
  return ReadLittleEndian(crypto::HmacSha256(key, message).substr(0, 8));
}

uint64_t MinuteSecret::DigestOf(absl::string_view signing_input) const {
  return ShortHmac(bytes_, signing_input);
}

}  // namespace warder::ledger
