#include "server/app/signer_usage.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/time_text.h"

namespace warder::app {

absl::Status SignerUsage::Admit(const IssuerId& issuer,
                                const std::string& signer, int per_second,
                                absl::Duration uptime) {
  if (per_second == 0) return absl::OkStatus();
  MutexLock lock(&mu_);
  const auto [it, is_new] =
      allowances_.try_emplace(std::make_pair(issuer.value(), signer));
  Allowance& allowance = it->second;
  if (is_new) {
    allowance = {.tokens = static_cast<double>(per_second), .at = uptime};
  }
  allowance.tokens = std::min<double>(
      per_second, allowance.tokens + per_second * absl::ToDoubleSeconds(
                                                      uptime - allowance.at));
  allowance.at = uptime;
  if (allowance.tokens < 1) {
    return Error(
        absl::StatusCode::kResourceExhausted, Reason::kRateLimited,
        absl::StrCat("signer \"", signer, "\" has had its ", per_second,
                     " tokens a second of ", IssuerName(issuer),
                     "; try again after ",
                     DurationText(absl::Ceil(
                         absl::Seconds((1 - allowance.tokens) / per_second),
                         absl::Milliseconds(1))),
                     ", or let role security raise max_per_second of its "
                     "grant"));
  }
  allowance.tokens -= 1;
  return absl::OkStatus();
}

void SignerUsage::Count(const KeyId& key, const std::string& signer) {
  MutexLock lock(&mu_);
  ++counts_[key][signer];
}

std::map<std::string, int64_t> SignerUsage::Of(const KeyId& key) const {
  MutexLock lock(&mu_);
  const auto it = counts_.find(key);
  return it == counts_.end() ? std::map<std::string, int64_t>() : it->second;
}

}  // namespace warder::app
