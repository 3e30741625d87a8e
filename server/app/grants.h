// What a signer may have signed, and registered.
#ifndef WARDER_SERVER_APP_GRANTS_H_
#define WARDER_SERVER_APP_GRANTS_H_

#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/app/publisher.h"
#include "server/domain/policy.h"

namespace warder::app {

// A token as it is to be.
struct WantedToken {
  std::span<const std::string> audiences;
  absl::string_view subject;
  std::string token_type;                  // empty: the grant's first
  std::optional<absl::Duration> lifetime;  // empty: the grant's longest
};

// Returns the first grant of `signer` that allows all of `wanted`; it lives as
// long as the snapshot. PERMISSION_DENIED NOT_GRANTED: why the last one looked
// at does not.
absl::StatusOr<const domain::Grant*> FindGrant(const IssuerSnapshot& snapshot,
                                               const std::string& signer,
                                               const WantedToken& wanted);

// Returns OK where a grant of `signer` says external_keys, else
// PERMISSION_DENIED NOT_GRANTED.
absl::Status CheckMayRegisterKeys(const IssuerSnapshot& snapshot,
                                  const std::string& signer);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_GRANTS_H_
