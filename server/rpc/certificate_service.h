// warder.v1.CertificateService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_CERTIFICATE_SERVICE_H_
#define WARDER_SERVER_RPC_CERTIFICATE_SERVICE_H_

#include "server/app/client_certificates.h"
#include "server/rpc/handler.h"
#include "warder/v1/certificate.grpc.pb.h"

namespace warder::rpc {

class CertificateService final : public v1::CertificateService::Service {
 public:
  // What the arguments refer to outlives this.
  CertificateService(HandlerContext shared,
                     app::ClientCertificates& certificates)
      : shared_(shared), certificates_(certificates) {}

  grpc::Status IssueCertificate(
      grpc::ServerContext* context, const v1::IssueCertificateRequest* request,
      v1::IssueCertificateResponse* response) override;

 private:
  const HandlerContext shared_;
  app::ClientCertificates& certificates_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_CERTIFICATE_SERVICE_H_
