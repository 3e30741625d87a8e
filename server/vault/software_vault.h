// A vault in software: keys sealed by AES-256-GCM under one key-encryption
// key, unsealed into a bounded cache when they sign.
#ifndef WARDER_SERVER_VAULT_SOFTWARE_VAULT_H_
#define WARDER_SERVER_VAULT_SOFTWARE_VAULT_H_

#include <array>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "server/app/vault.h"
#include "server/base/mutex.h"
#include "server/crypto/private_key.h"
#include "server/crypto/seal.h"

namespace warder::vault {

// Returns the associated data that binds a sealed key to its place.
std::string KeyBinding(const IssuerId& issuer, absl::string_view kid);

// Thread-safe.
class SoftwareVault : public app::Vault {
 public:
  // Unsealed keys kept in memory at most; past it, and where locked memory runs
  // short, arbitrary ones are dropped.
  static constexpr size_t kMaxUnsealed = 16384;

  // `sealer` outlives this.
  explicit SoftwareVault(const crypto::Sealer& sealer) : sealer_(sealer) {}

  absl::StatusOr<app::GeneratedKey> Generate(
      const IssuerId& issuer, domain::Algorithm algorithm) override;
  absl::StatusOr<app::ExposedKeyPair> GenerateExposed(
      domain::Algorithm algorithm) override;
  absl::StatusOr<std::string> GenerateTombstone() override;
  absl::StatusOr<std::string> Sign(const IssuerId& issuer,
                                   const app::SigningKey& key,
                                   absl::string_view input) override;
  void Forget(const KeyId& id) override;

 private:
  using KeyPtr = std::shared_ptr<const crypto::PrivateKey>;
  static constexpr size_t kShards = 16;
  static constexpr size_t kMaxForgotten = 8192;
  struct Shard {
    Mutex mu;
    absl::flat_hash_map<std::string, KeyPtr> keys ABSL_GUARDED_BY(mu);
    // A signer that still holds the sealed form must not bring a key back. Two
    // generations of at most kMaxForgotten: the older goes when the younger is
    // full.
    absl::flat_hash_set<std::string> forgotten ABSL_GUARDED_BY(mu);
    absl::flat_hash_set<std::string> forgotten_before ABSL_GUARDED_BY(mu);
  };

  Shard& ShardOf(const KeyId& id);
  absl::StatusOr<KeyPtr> Unseal(const IssuerId& issuer,
                                const app::SigningKey& key);

  const crypto::Sealer& sealer_;
  std::array<Shard, kShards> shards_;
};

}  // namespace warder::vault

#endif  // WARDER_SERVER_VAULT_SOFTWARE_VAULT_H_
