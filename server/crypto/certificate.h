// X.509 for the gRPC door: a private CA, certificate requests, client and
// server certificates (RFC 5280). TLS keys only; signing keys never pass here.
//
// A caller's identity is one URI subject alternative name: warder://ROLE/NAME.
#ifndef WARDER_SERVER_CRYPTO_CERTIFICATE_H_
#define WARDER_SERVER_CRYPTO_CERTIFICATE_H_

#include <openssl/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/crypto/private_key.h"

namespace warder::crypto {

struct CertificateInfo {
  std::string subject;  // the common name
  std::string uri;      // the URI subject alternative name, or ""
  std::string serial;   // hexadecimal
  absl::Time not_before;
  absl::Time not_after;
};

// Returns what the first certificate of `pem` says; INVALID_ARGUMENT
// CERTIFICATE otherwise.
absl::StatusOr<CertificateInfo> DescribeCertificate(absl::string_view pem);

// Returns the P-256 public key of the first certificate of `pem`;
// INVALID_ARGUMENT CERTIFICATE for another.
absl::StatusOr<PublicKey> CertificatePublicKey(absl::string_view pem);

// Returns the URI name in the certificate that the peer of a TLS session showed
// and that was verified; "" where there is none, or more than one.
std::string PeerCertificateUri(SSL* session);

// Returns PKCS#8 in PEM (RFC 7468), for files and TLS libraries.
absl::StatusOr<std::string> PrivateKeyPem(const PrivateKey& key);

// Returns a PEM certificate request (PKCS#10) signed by `key`.
absl::StatusOr<std::string> CreateCertificateRequest(const PrivateKey& key,
                                                     absl::string_view name);

// A private CA: signs, and does nothing else. Immutable; thread-safe.
class CertificateAuthority {
 public:
  // Makes a self-signed CA certificate for `key` (P-256).
  static absl::StatusOr<CertificateAuthority> Create(PrivateKey key,
                                                     absl::string_view name,
                                                     absl::Duration lifetime,
                                                     absl::Time now);

  // Takes up a CA again; INVALID_ARGUMENT when key and certificate differ.
  static absl::StatusOr<CertificateAuthority> Load(
      PrivateKey key, absl::string_view certificate_pem);

  const std::string& certificate_pem() const { return pem_; }
  const PrivateKey& key() const { return key_; }

  // Returns a client certificate (PEM) for the key of `request_pem`, with the
  // single URI name `uri`. Whatever else the request asks for is ignored.
  // INVALID_ARGUMENT `certificate_request` for a request that is not PEM, not
  // PKCS#10, not signed by its own key, or whose key is neither P-256, P-384,
  // Ed25519 nor RSA of 2048 bits and more.
  absl::StatusOr<std::string> IssueClient(absl::string_view request_pem,
                                          absl::string_view uri,
                                          absl::Duration lifetime,
                                          absl::Time now) const;

  // Returns a server certificate (PEM) for `key`, valid for `hosts`: DNS names
  // and IP addresses.
  absl::StatusOr<std::string> IssueServer(const PrivateKey& key,
                                          const std::vector<std::string>& hosts,
                                          absl::Duration lifetime,
                                          absl::Time now) const;

 private:
  CertificateAuthority(PrivateKey key, OwnedX509 certificate, std::string pem)
      : key_(std::move(key)),
        certificate_(std::move(certificate)),
        pem_(std::move(pem)) {}

  PrivateKey key_;
  OwnedX509 certificate_;
  std::string pem_;
};

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_CERTIFICATE_H_
