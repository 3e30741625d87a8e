#include "server/vault/software_vault.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/crypto/certificate.h"
#include "server/jose/algorithm.h"
#include "server/jose/jwk.h"

namespace warder::vault {
namespace {

absl::StatusOr<crypto::SignatureScheme> SchemeOf(domain::Algorithm algorithm) {
  return jose::SchemeOf(domain::AlgorithmName(algorithm));
}

}  // namespace

std::string KeyBinding(const IssuerId& issuer, absl::string_view kid) {
  return absl::StrCat("warder-key-v1\n", issuer.value(), "\n", kid);
}

absl::StatusOr<app::GeneratedKey> SoftwareVault::Generate(
    const IssuerId& issuer, domain::Algorithm algorithm) {
  ASSIGN_OR_RETURN(const auto scheme, SchemeOf(algorithm));
  ASSIGN_OR_RETURN(const auto key,
                   crypto::PrivateKey::Generate(crypto::TypeOf(scheme)));
  ASSIGN_OR_RETURN(const crypto::PublicKey public_key, key.Public());
  app::GeneratedKey made;
  ASSIGN_OR_RETURN(const std::string kid, jose::Thumbprint(public_key));
  made.id = KeyId(kid);
  ASSIGN_OR_RETURN(
      made.public_jwk,
      jose::WriteJwk(public_key, domain::AlgorithmName(algorithm)));
  ASSIGN_OR_RETURN(const SecretBytes der, key.ToPkcs8());
  ASSIGN_OR_RETURN(made.sealed,
                   sealer_.Seal(der.span(), KeyBinding(issuer, kid)));
  return made;
}

absl::StatusOr<app::ExposedKeyPair> SoftwareVault::GenerateExposed(
    domain::Algorithm algorithm) {
  ASSIGN_OR_RETURN(const auto scheme, SchemeOf(algorithm));
  ASSIGN_OR_RETURN(const auto key,
                   crypto::PrivateKey::Generate(crypto::TypeOf(scheme)));
  ASSIGN_OR_RETURN(const crypto::PublicKey public_key, key.Public());
  app::ExposedKeyPair made;
  ASSIGN_OR_RETURN(const std::string kid, jose::Thumbprint(public_key));
  made.id = KeyId(kid);
  ASSIGN_OR_RETURN(
      made.public_jwk,
      jose::WriteJwk(public_key, domain::AlgorithmName(algorithm)));
  ASSIGN_OR_RETURN(made.private_pem, crypto::PrivateKeyPem(key));
  return made;
}

absl::StatusOr<std::string> SoftwareVault::GenerateTombstone() {
  ASSIGN_OR_RETURN(const auto key,
                   crypto::PrivateKey::Generate(crypto::KeyType::kP256));
  ASSIGN_OR_RETURN(const crypto::PublicKey public_key, key.Public());
  return jose::WriteJwk(public_key, "ES256");
}

SoftwareVault::Shard& SoftwareVault::ShardOf(const KeyId& id) {
  return shards_[absl::Hash<std::string>()(id.value()) % kShards];
}

absl::StatusOr<SoftwareVault::KeyPtr> SoftwareVault::Unseal(
    const IssuerId& issuer, const app::SigningKey& key) {
  Shard& shard = ShardOf(key.id);
  {
    MutexLock lock(&shard.mu);
    const auto it = shard.keys.find(key.id.value());
    if (it != shard.keys.end()) return it->second;
  }
  ASSIGN_OR_RETURN(const auto scheme, SchemeOf(key.algorithm));
  auto der = sealer_.Unseal(key.sealed, KeyBinding(issuer, key.id.value()));
  if (!der.ok()) {
    return WithContext(der.status(), KeyName(issuer, key.id));
  }
  ASSIGN_OR_RETURN(auto unsealed, crypto::PrivateKey::FromPkcs8(
                                      der->span(), crypto::TypeOf(scheme)));
  auto shared = std::make_shared<const crypto::PrivateKey>(std::move(unsealed));
  MutexLock lock(&shard.mu);
  if (shard.forgotten.contains(key.id.value()) ||
      shard.forgotten_before.contains(key.id.value())) {
    return Precondition(Reason::kNoSigningKey,
                        absl::StrCat(KeyName(issuer, key.id),
                                     " has ended; retry with its successor"));
  }
  while (!shard.keys.empty() && (shard.keys.size() >= kMaxUnsealed / kShards ||
                                 !crypto::SecureHeapHasRoom())) {
    shard.keys.erase(shard.keys.begin());
  }
  shard.keys[key.id.value()] = shared;
  return shared;
}

absl::StatusOr<std::string> SoftwareVault::Sign(const IssuerId& issuer,
                                                const app::SigningKey& key,
                                                absl::string_view input) {
  ASSIGN_OR_RETURN(const auto scheme, SchemeOf(key.algorithm));
  ASSIGN_OR_RETURN(const KeyPtr unsealed, Unseal(issuer, key));
  return unsealed->Sign(scheme, input);
}

void SoftwareVault::Forget(const KeyId& id) {
  Shard& shard = ShardOf(id);
  KeyPtr dropped;  // destroyed after the lock is gone
  MutexLock lock(&shard.mu);
  if (shard.forgotten.size() >= kMaxForgotten) {
    shard.forgotten_before = std::move(shard.forgotten);
    shard.forgotten.clear();
  }
  shard.forgotten.insert(id.value());
  const auto it = shard.keys.find(id.value());
  if (it == shard.keys.end()) return;
  dropped = std::move(it->second);
  shard.keys.erase(it);
}

}  // namespace warder::vault
