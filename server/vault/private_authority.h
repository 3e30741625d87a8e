// The private CA of the gRPC door, its key sealed in a file.
#ifndef WARDER_SERVER_VAULT_PRIVATE_AUTHORITY_H_
#define WARDER_SERVER_VAULT_PRIVATE_AUTHORITY_H_

#include <memory>
#include <string>
#include <vector>

#include "server/app/vault.h"
#include "server/crypto/certificate.h"
#include "server/crypto/seal.h"

namespace warder::vault {

// What a new CA consists of: the certificate, and its sealed key.
struct SealedAuthority {
  std::string certificate_pem;
  std::string sealed_key;
};

// A TLS server identity.
struct ServerIdentity {
  std::string certificate_pem;
  std::string private_key_pem;
  absl::Time expire_time;
};

// Immutable; thread-safe.
class PrivateAuthority : public app::ClientCertificateAuthority,
                         public app::StatementSigner {
 public:
  // Makes a CA that lives ten years.
  static absl::StatusOr<SealedAuthority> Create(const crypto::Sealer& sealer,
                                                absl::string_view name,
                                                absl::Time now);

  // FAILED_PRECONDITION KEY_ENCRYPTION_KEY when the key does not open.
  static absl::StatusOr<std::unique_ptr<PrivateAuthority>> Load(
      const crypto::Sealer& sealer, const SealedAuthority& sealed);

  absl::StatusOr<std::string> Issue(absl::string_view request_pem,
                                    absl::string_view uri,
                                    absl::Duration lifetime,
                                    absl::Time now) override;
  std::string AuthorityPem() const override;

  // By the CA's own key: a JWS begins with "e", a certificate to be signed with
  // 0x30, so that neither is ever taken for the other.
  absl::StatusOr<std::string> SignStatement(absl::string_view type,
                                            absl::string_view payload) override;

  // Returns a fresh server key and certificate for `hosts`; the key never
  // touches the disk.
  absl::StatusOr<ServerIdentity> IssueServer(
      const std::vector<std::string>& hosts, absl::Duration lifetime,
      absl::Time now) const;

 private:
  explicit PrivateAuthority(crypto::CertificateAuthority authority)
      : authority_(std::move(authority)) {}

  const crypto::CertificateAuthority authority_;
};

}  // namespace warder::vault

#endif  // WARDER_SERVER_VAULT_PRIVATE_AUTHORITY_H_
