#include "server/vault/sealed_secrets.h"

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "server/crypto/digest.h"

namespace warder::vault {
namespace {

// No key's binding begins so, see KeyBinding.
std::string BindingOf(absl::string_view name) {
  return absl::StrCat("warder-shared-secret-v1\n", name);
}

absl::string_view TextOf(const SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

absl::StatusOr<std::string> SealedSecrets::Seal(absl::string_view name,
                                                absl::string_view secret) {
  return sealer_.Seal(
      {reinterpret_cast<const uint8_t*>(secret.data()), secret.size()},
      BindingOf(name));
}

absl::StatusOr<std::string> SealedSecrets::Open(absl::string_view name,
                                                absl::string_view sealed) {
  ASSIGN_OR_RETURN(const SecretBytes secret,
                   sealer_.Unseal(sealed, BindingOf(name)));
  return std::string(TextOf(secret));
}

absl::StatusOr<std::string> SealedSecrets::Mac(absl::string_view name,
                                               absl::string_view sealed,
                                               absl::string_view message) {
  ASSIGN_OR_RETURN(const SecretBytes secret,
                   sealer_.Unseal(sealed, BindingOf(name)));
  return crypto::HmacSha256(TextOf(secret), message);
}

}  // namespace warder::vault
