// Secrets shared with others, sealed under the key-encryption key.
#ifndef WARDER_SERVER_VAULT_SEALED_SECRETS_H_
#define WARDER_SERVER_VAULT_SEALED_SECRETS_H_

#include "server/app/outbound.h"
#include "server/crypto/seal.h"

namespace warder::vault {

// What app::SharedSecrets promises.
class SealedSecrets : public app::SharedSecrets {
 public:
  // `sealer` outlives this.
  explicit SealedSecrets(const crypto::Sealer& sealer) : sealer_(sealer) {}

  absl::StatusOr<std::string> Seal(absl::string_view name,
                                   absl::string_view secret) override;
  absl::StatusOr<std::string> Open(absl::string_view name,
                                   absl::string_view sealed) override;
  absl::StatusOr<std::string> Mac(absl::string_view name,
                                  absl::string_view sealed,
                                  absl::string_view message) override;

 private:
  const crypto::Sealer& sealer_;
};

}  // namespace warder::vault

#endif  // WARDER_SERVER_VAULT_SEALED_SECRETS_H_
