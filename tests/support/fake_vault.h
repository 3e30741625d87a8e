// A vault whose keys are numbers: fast, repeatable, and not cryptography.
#ifndef WARDER_TESTS_SUPPORT_FAKE_VAULT_H_
#define WARDER_TESTS_SUPPORT_FAKE_VAULT_H_

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/app/vault.h"
#include "server/base/error.h"
#include "server/base/mutex.h"

namespace warder {

// A key ID of the right form: 43 characters.
KeyId FakeKeyId(int number);

class FakeVault : public app::Vault {
 public:
  absl::StatusOr<app::GeneratedKey> Generate(
      const IssuerId& issuer, domain::Algorithm algorithm) override;
  absl::StatusOr<app::ExposedKeyPair> GenerateExposed(
      domain::Algorithm algorithm) override;
  absl::StatusOr<std::string> GenerateTombstone() override;
  // The signature names issuer and key.
  absl::StatusOr<std::string> Sign(const IssuerId& issuer,
                                   const app::SigningKey& key,
                                   absl::string_view input) override;
  void Forget(const KeyId& id) override;

  // While broken, Generate and Sign fail.
  void SetBroken(bool broken);
  int generated();
  bool forgotten(const KeyId& id);

 private:
  Mutex mu_;
  int next_ ABSL_GUARDED_BY(mu_) = 0;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;
  std::set<KeyId> forgotten_ ABSL_GUARDED_BY(mu_);
};

// Takes "proof of " and the text for a proof. The JWK is a number, and the key
// goes by FakeKeyId of it.
class FakePossessionVerifier : public app::PossessionVerifier {
 public:
  absl::StatusOr<app::ProvenKey> Verify(absl::string_view public_jwk,
                                        absl::string_view text,
                                        absl::string_view proof) const override;
};

// States in the clear: the type, a space, the payload.
class FakeStatementSigner : public app::StatementSigner {
 public:
  absl::StatusOr<std::string> SignStatement(
      absl::string_view type, absl::string_view payload) override {
    if (broken) {
      return Error(absl::StatusCode::kUnavailable, Reason::kVaultUnavailable,
                   "broken for the test");
    }
    return absl::StrCat(type, " ", payload);
  }

  bool broken = false;
};

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_FAKE_VAULT_H_
