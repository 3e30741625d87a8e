#include "server/crypto/certificate.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::crypto {
namespace {

PrivateKey MustGenerate(KeyType type = KeyType::kP256) {
  auto key = PrivateKey::Generate(type);
  EXPECT_OK(key.status());
  return *std::move(key);
}

CertificateAuthority MustCreate() {
  auto ca = CertificateAuthority::Create(MustGenerate(), "CA", absl::Hours(24),
                                         TestStart());
  EXPECT_OK(ca.status());
  return *std::move(ca);
}

}  // namespace

TEST(CertificateTest, AClientCertificateCarriesTheUriAndNothingAskedFor) {
  const auto ca = MustCreate();
  ASSERT_OK_AND_ASSIGN(const std::string request,
                       CreateCertificateRequest(MustGenerate(), "root"));
  ASSERT_OK_AND_ASSIGN(
      const std::string pem,
      ca.IssueClient(request, "warder://hr/hook", absl::Hours(1), TestStart()));
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info, DescribeCertificate(pem));
  EXPECT_EQ(info.uri, "warder://hr/hook");
  EXPECT_EQ(info.subject, "warder://hr/hook");
  EXPECT_EQ(info.not_after, TestStart() + absl::Hours(1));
}

TEST(CertificateTest, BadRequestsAreRefused) {
  const auto ca = MustCreate();
  ASSERT_OK_AND_ASSIGN(std::string request,
                       CreateCertificateRequest(MustGenerate(), "x"));
  const auto issue = [&](const std::string& pem) {
    return ca.IssueClient(pem, "warder://hr/x", absl::Hours(1), TestStart());
  };
  EXPECT_THAT(issue(""), FailsWith(Reason::kInvalidField));
  EXPECT_THAT(issue("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
                    "-----END CERTIFICATE REQUEST-----\n"),
              FailsWith(Reason::kInvalidField));
  EXPECT_THAT(issue(std::string(20000, 'x')), FailsWith(Reason::kInvalidField));
  // A flipped byte in the middle: the request is not signed by its key.
  request[request.size() / 2] = request[request.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_THAT(issue(request), FailsWith(Reason::kInvalidField));
}

TEST(CertificateTest, ServerNamesAreChecked) {
  const auto ca = MustCreate();
  const PrivateKey key = MustGenerate();
  EXPECT_OK(ca.IssueServer(key, {"localhost", "127.0.0.1", "::1"},
                           absl::Hours(1), TestStart()));
  EXPECT_THAT(ca.IssueServer(key, {"a,DNS:evil"}, absl::Hours(1), TestStart()),
              FailsWith(Reason::kInvalidField));
  EXPECT_THAT(ca.IssueServer(key, {}, absl::Hours(1), TestStart()),
              FailsWith(Reason::kInvalidField));
}

TEST(CertificateTest, AForeignKeyDoesNotLoad) {
  const auto ca = MustCreate();
  EXPECT_THAT(CertificateAuthority::Load(MustGenerate(), ca.certificate_pem()),
              FailsWith(Reason::kCertificate));
}

}  // namespace warder::crypto
