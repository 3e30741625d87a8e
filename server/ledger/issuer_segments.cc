#include "server/ledger/issuer_segments.h"

namespace warder::ledger {

uint64_t IssuerSegments::DigestOf(uint32_t minute,
                                  absl::string_view signing_input) {
  std::shared_ptr<const MinuteSecret> secret;
  {
    MutexLock lock(&mu_);
    const auto it = secrets_.find(minute);
    if (it != secrets_.end()) secret = it->second;
  }
  if (secret == nullptr) {
    secret = std::make_shared<const MinuteSecret>(
        HourSecret(ledger_secret_, issuer_, minute / kMinutesOfHour)
            .Of(minute));
    MutexLock lock(&mu_);
    if (secrets_.size() >= kMostSecrets) secrets_.clear();
    secrets_[minute] = secret;
  }
  return secret->DigestOf(signing_input);
}

}  // namespace warder::ledger
