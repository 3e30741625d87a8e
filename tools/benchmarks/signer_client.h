// Makes a client of role signer for the benchmark, as `warder cert issue` does.
#ifndef WARDER_TOOLS_BENCHMARKS_SIGNER_CLIENT_H_
#define WARDER_TOOLS_BENCHMARKS_SIGNER_CLIENT_H_

#include <fstream>
#include <memory>
#include <string>

#include "client/client.h"
#include "server/crypto/certificate.h"
#include "warder/v1/certificate.grpc.pb.h"

namespace warder::bench {

// Returns a connection as warder://signer/checkout; its files go to
// `directory`.
inline absl::StatusOr<std::unique_ptr<client::Client>> SignerClient(
    client::Client& admin, client::Profile profile,
    const std::string& directory, Random& random, absl::Time now) {
  auto key = crypto::PrivateKey::Generate(crypto::KeyType::kP256);
  if (!key.ok()) return key.status();
  auto csr = crypto::CreateCertificateRequest(*key, "checkout");
  if (!csr.ok()) return csr.status();
  v1::IssueCertificateRequest request;
  request.set_certificate_request(*csr);
  request.set_role("signer");
  request.set_certificate_name("checkout");
  auto issued =
      admin.Call(&v1::CertificateService::Stub::IssueCertificate, request);
  if (!issued.ok()) return issued.status();
  auto key_pem = crypto::TlsPrivateKeyPem(*key);
  if (!key_pem.ok()) return key_pem.status();
  profile.certificate = directory + "/signer.pem";
  profile.private_key = directory + "/signer-key.pem";
  std::ofstream(profile.certificate) << issued->certificate();
  std::ofstream(profile.private_key) << *key_pem;
  return client::Client::Connect(profile, random, now, [](absl::Duration) {});
}

}  // namespace warder::bench

#endif  // WARDER_TOOLS_BENCHMARKS_SIGNER_CLIENT_H_
