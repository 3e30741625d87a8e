#include <cstdlib>

#include "server/crypto/certificate.h"

namespace {

const warder::crypto::CertificateAuthority& Authority() {
  static const auto& authority = *new warder::crypto::CertificateAuthority(
      *warder::crypto::CertificateAuthority::Create(
          *warder::crypto::PrivateKey::Generate(warder::crypto::KeyType::kP256),
          "CA", absl::Hours(1), absl::UnixEpoch()));
  return authority;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto issued = Authority().IssueClient(
      text, "warder://hr/x", absl::Hours(1), absl::UnixEpoch());
  if (issued.ok()) {
    const auto info = warder::crypto::DescribeCertificate(*issued);
    if (!info.ok() || info->uri != "warder://hr/x") abort();
  }
  warder::crypto::DescribeCertificate(text).status().IgnoreError();
  return 0;
}
