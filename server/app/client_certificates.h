// Use case: certificates for people and services that call the gRPC door.
#ifndef WARDER_SERVER_APP_CLIENT_CERTIFICATES_H_
#define WARDER_SERVER_APP_CLIENT_CERTIFICATES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"

namespace warder::app {

struct IssueCertificateCommand {
  std::string request_pem;  // PKCS#10; the private key stays with the caller
  Caller subject;           // who the certificate is for
  std::optional<absl::Duration> lifetime;  // empty: 90 days; at most 398 days
};

struct IssuedCertificate {
  std::string certificate_pem;
  std::string authority_pem;
  absl::Time expire_time;
};

// Thread-safe.
class ClientCertificates {
 public:
  // Both outlive this.
  ClientCertificates(ChangeRunner& runner,
                     ClientCertificateAuthority& authority)
      : runner_(runner), authority_(authority) {}

  // PERMISSION_DENIED; INVALID_ARGUMENT: certificate_request, lifetime;
  // FAILED_PRECONDITION OWNER_NOT_ACTIVE: the subject is an owner who departed.
  absl::StatusOr<IssuedCertificate> Issue(
      const Request& request, const IssueCertificateCommand& command);

 private:
  ChangeRunner& runner_;
  ClientCertificateAuthority& authority_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_CLIENT_CERTIFICATES_H_
