#include "server/vault/private_authority.h"

#include <utility>

#include "server/base/base64url.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/jose/jwk.h"

namespace warder::vault {
namespace {

constexpr char kBinding[] = "warder-authority-v1";
constexpr absl::Duration kAuthorityLifetime = absl::Hours(24 * 3653);

}  // namespace

absl::StatusOr<SealedAuthority> PrivateAuthority::Create(
    const crypto::Sealer& sealer, absl::string_view name, absl::Time now) {
  ASSIGN_OR_RETURN(auto key,
                   crypto::PrivateKey::Generate(crypto::KeyType::kP256));
  ASSIGN_OR_RETURN(const SecretBytes der, key.ToPkcs8());
  SealedAuthority sealed;
  ASSIGN_OR_RETURN(sealed.sealed_key, sealer.Seal(der.span(), kBinding));
  ASSIGN_OR_RETURN(const auto authority,
                   crypto::CertificateAuthority::Create(
                       std::move(key), name, kAuthorityLifetime, now));
  sealed.certificate_pem = authority.certificate_pem();
  return sealed;
}

absl::StatusOr<std::unique_ptr<PrivateAuthority>> PrivateAuthority::Load(
    const crypto::Sealer& sealer, const SealedAuthority& sealed) {
  ASSIGN_OR_RETURN(const SecretBytes der,
                   sealer.Unseal(sealed.sealed_key, kBinding));
  ASSIGN_OR_RETURN(auto key, crypto::PrivateKey::FromPkcs8(
                                 der.span(), crypto::KeyType::kP256));
  ASSIGN_OR_RETURN(auto authority, crypto::CertificateAuthority::Load(
                                       std::move(key), sealed.certificate_pem));
  return std::unique_ptr<PrivateAuthority>(
      new PrivateAuthority(std::move(authority)));
}

absl::StatusOr<std::string> PrivateAuthority::Issue(
    absl::string_view request_pem, absl::string_view uri,
    absl::Duration lifetime, absl::Time now) {
  return authority_.IssueClient(request_pem, uri, lifetime, now);
}

std::string PrivateAuthority::AuthorityPem() const {
  return authority_.certificate_pem();
}

absl::StatusOr<std::string> PrivateAuthority::SignStatement(
    absl::string_view type, absl::string_view payload) {
  ASSIGN_OR_RETURN(const auto public_key, authority_.key().Public());
  ASSIGN_OR_RETURN(const std::string kid, jose::Thumbprint(public_key));
  std::string jws = Base64UrlEncode(
      WriteJson({{"alg", "ES256"}, {"kid", kid}, {"typ", type}}));
  jws.push_back('.');
  Base64UrlAppend(payload, &jws);
  ASSIGN_OR_RETURN(
      const std::string signature,
      authority_.key().Sign(crypto::SignatureScheme::kEcdsaSha256, jws));
  jws.push_back('.');
  Base64UrlAppend(signature, &jws);
  return jws;
}

absl::StatusOr<ServerIdentity> PrivateAuthority::IssueServer(
    const std::vector<std::string>& hosts, absl::Duration lifetime,
    absl::Time now) const {
  ASSIGN_OR_RETURN(const auto key,
                   crypto::PrivateKey::Generate(crypto::KeyType::kP256));
  ServerIdentity identity;
  ASSIGN_OR_RETURN(identity.certificate_pem,
                   authority_.IssueServer(key, hosts, lifetime, now));
  ASSIGN_OR_RETURN(identity.private_key_pem, crypto::PrivateKeyPem(key));
  identity.expire_time = now + lifetime;
  return identity;
}

}  // namespace warder::vault
