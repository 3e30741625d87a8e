// warder.v1.IssuerService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_ISSUER_SERVICE_H_
#define WARDER_SERVER_RPC_ISSUER_SERVICE_H_

#include "server/app/issuer_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/issuer.grpc.pb.h"

namespace warder::rpc {

class IssuerService final : public v1::IssuerService::Service {
 public:
  // What the arguments refer to outlives this.
  IssuerService(HandlerContext shared, app::IssuerManager& issuers)
      : shared_(shared), issuers_(issuers) {}

  grpc::Status CreateIssuer(grpc::ServerContext* context,
                            const v1::CreateIssuerRequest* request,
                            v1::Issuer* response) override;
  grpc::Status GetIssuer(grpc::ServerContext* context,
                         const v1::GetIssuerRequest* request,
                         v1::Issuer* response) override;
  grpc::Status ListIssuers(grpc::ServerContext* context,
                           const v1::ListIssuersRequest* request,
                           v1::ListIssuersResponse* response) override;
  grpc::Status UpdateIssuer(grpc::ServerContext* context,
                            const v1::UpdateIssuerRequest* request,
                            v1::Issuer* response) override;
  grpc::Status RotateKey(grpc::ServerContext* context,
                         const v1::RotateKeyRequest* request,
                         v1::Key* response) override;

 private:
  const HandlerContext shared_;
  app::IssuerManager& issuers_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_ISSUER_SERVICE_H_
