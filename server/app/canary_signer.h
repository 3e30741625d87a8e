// Signs canaries (domain/canary.h): by dying keys in the change that ends them,
// and their living twins when a gateway is asked.
#ifndef WARDER_SERVER_APP_CANARY_SIGNER_H_
#define WARDER_SERVER_APP_CANARY_SIGNER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/publisher.h"
#include "server/app/vault.h"
#include "server/domain/canary.h"
#include "server/domain/gateway.h"
#include "server/domain/issuer.h"

namespace warder::app {

// One for each change; not thread-safe.
class CanarySigner {
 public:
  // Canaries of one key for one audience, of one key, and of all keys of one
  // change: a departure that ends thousands of keys waits for no more
  // signatures than this. Keys past it have none, and their refusal is known by
  // other evidence.
  static constexpr int kOfOneAudience = 60;
  static constexpr int kOfOneKey = 400;
  static constexpr int kOfOneChange = 800;

  // `vault` outlives this.
  explicit CanarySigner(Vault& vault) : vault_(vault) {}

  // Returns canaries of a key that is ending, for each audience of the gateways
  // of its issuer that can be asked; none where none can, or where the vault
  // does not sign: a revocation waits for nothing. Costs a signature for each.
  std::vector<domain::Canary> Sign(
      const domain::Issuer& issuer,
      const domain::IssuerDraft::DestroyedHalf& half,
      const std::vector<domain::Gateway>& gateways, absl::Time now);

 private:
  Vault& vault_;
  int left_ = kOfOneChange;
};

// Returns a token of the claims and type of `canary`, by a key that signs for
// the issuer now and that `gateway` can read: what it accepts if it refuses
// `canary` for its key and for nothing else.
//
//   FAILED_PRECONDITION  NO_SIGNING_KEY: no such key signs for the issuer
//   what Vault::Sign returns
absl::StatusOr<std::string> SignTwin(Vault& vault,
                                     const IssuerSnapshot& snapshot,
                                     const domain::Gateway& gateway,
                                     const std::string& canary);

// As SignTwin, by a key that was never published: an unknown kid makes many
// verifiers fetch the key set anew.
absl::StatusOr<std::string> SignStranger(Vault& vault,
                                         const IssuerSnapshot& snapshot,
                                         const domain::Gateway& gateway,
                                         const std::string& canary);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_CANARY_SIGNER_H_
