// Makes clients for benchmarks, as `warder cert issue` does.
#ifndef WARDER_TOOLS_BENCHMARKS_SIGNER_CLIENT_H_
#define WARDER_TOOLS_BENCHMARKS_SIGNER_CLIENT_H_

#include <fstream>
#include <memory>
#include <string>

#include "client/client.h"
#include "server/crypto/certificate.h"
#include "warder/v1/certificate.grpc.pb.h"

namespace warder::bench {

// Returns a profile of warder://ROLE/NAME; its files go to `directory`.
inline absl::StatusOr<client::Profile> IssueProfile(
    client::Client& admin, client::Profile profile, const std::string& role,
    const std::string& name, const std::string& directory) {
  auto key = crypto::PrivateKey::Generate(crypto::KeyType::kP256);
  if (!key.ok()) return key.status();
  auto csr = crypto::CreateCertificateRequest(*key, name);
  if (!csr.ok()) return csr.status();
  v1::IssueCertificateRequest request;
  request.set_certificate_request(*csr);
  request.set_role(role);
  request.set_certificate_name(name);
  auto issued =
      admin.Call(&v1::CertificateService::Stub::IssueCertificate, request);
  if (!issued.ok()) return issued.status();
  auto key_pem = crypto::PrivateKeyPem(*key);
  if (!key_pem.ok()) return key_pem.status();
  profile.certificate = directory + "/" + name + ".pem";
  profile.private_key = directory + "/" + name + "-key.pem";
  std::ofstream(profile.certificate) << issued->certificate();
  std::ofstream(profile.private_key) << *key_pem;
  return profile;
}

// Returns a connection as warder://signer/checkout; its files go to
// `directory`.
inline absl::StatusOr<std::unique_ptr<client::Client>> SignerClient(
    client::Client& admin, const client::Profile& profile,
    const std::string& directory, Random& random, absl::Time now) {
  auto made = IssueProfile(admin, profile, "signer", "checkout", directory);
  if (!made.ok()) return made.status();
  return client::Client::Connect(*made, random, now, [](absl::Duration) {});
}

}  // namespace warder::bench

#endif  // WARDER_TOOLS_BENCHMARKS_SIGNER_CLIENT_H_
