// Who has the private half of a public key? By `jose`.
#ifndef WARDER_SERVER_VAULT_POSSESSION_H_
#define WARDER_SERVER_VAULT_POSSESSION_H_

#include "server/app/vault.h"

namespace warder::vault {

// Thread-safe.
class JosePossessionVerifier : public app::PossessionVerifier {
 public:
  absl::StatusOr<app::ProvenKey> Verify(absl::string_view public_jwk,
                                        absl::string_view text,
                                        absl::string_view proof) const override;
};

}  // namespace warder::vault

#endif  // WARDER_SERVER_VAULT_POSSESSION_H_
