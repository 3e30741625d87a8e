#include "tests/support/fake_vault.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder {

KeyId FakeKeyId(int number) { return KeyId(absl::StrFormat("k%042d", number)); }

absl::StatusOr<app::GeneratedKey> FakeVault::Generate(
    const IssuerId& issuer, domain::Algorithm algorithm) {
  MutexLock lock(&mu_);
  if (broken_) {
    return Error(absl::StatusCode::kUnavailable, Reason::kVaultUnavailable,
                 "the vault is broken");
  }
  app::GeneratedKey key;
  key.id = FakeKeyId(++next_);
  key.public_jwk = absl::StrCat("{\"alg\":\"", domain::AlgorithmName(algorithm),
                                "\",\"kid\":\"", key.id.value(), "\"}");
  key.sealed = absl::StrCat("sealed:", issuer.value(), ":", key.id.value());
  return key;
}

absl::StatusOr<app::ExposedKeyPair> FakeVault::GenerateExposed(
    domain::Algorithm algorithm) {
  ASSIGN_OR_RETURN(const auto made, Generate(IssuerId("exposed"), algorithm));
  return app::ExposedKeyPair{.id = made.id,
                             .public_jwk = made.public_jwk,
                             .private_pem = "PEM of " + made.id.value()};
}

absl::StatusOr<app::ProvenKey> FakePossessionVerifier::Verify(
    absl::string_view public_jwk, absl::string_view text,
    absl::string_view proof) const {
  int number = 0;
  if (!absl::SimpleAtoi(public_jwk, &number)) {
    return FieldError("public_jwk", "is no number");
  }
  if (proof != absl::StrCat("proof of ", text)) {
    return Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
                 "no such proof");
  }
  const KeyId id = FakeKeyId(number);
  return app::ProvenKey{
      .id = id,
      .algorithm = domain::Algorithm::kEs256,
      .public_jwk = absl::StrCat("{\"kid\":\"", id.value(), "\"}")};
}

absl::StatusOr<std::string> FakeVault::GenerateTombstone() {
  return std::string("{\"kid\":\"tombstone\"}");
}

absl::StatusOr<std::string> FakeVault::Sign(const IssuerId& issuer,
                                            const app::SigningKey& key,
                                            absl::string_view) {
  MutexLock lock(&mu_);
  if (broken_) {
    return Error(absl::StatusCode::kUnavailable, Reason::kVaultUnavailable,
                 "the vault is broken");
  }
  return absl::StrCat("signed:", issuer.value(), ":", key.id.value());
}

void FakeVault::Forget(const KeyId& id) {
  MutexLock lock(&mu_);
  forgotten_.insert(id);
}

void FakeVault::SetBroken(bool broken) {
  MutexLock lock(&mu_);
  broken_ = broken;
}

int FakeVault::generated() {
  MutexLock lock(&mu_);
  return next_;
}

bool FakeVault::forgotten(const KeyId& id) {
  MutexLock lock(&mu_);
  return forgotten_.count(id) > 0;
}

}  // namespace warder
