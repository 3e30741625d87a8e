// warder.v1.RevocationService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_REVOCATION_SERVICE_H_
#define WARDER_SERVER_RPC_REVOCATION_SERVICE_H_

#include "server/app/revocation_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/revocation.grpc.pb.h"

namespace warder::rpc {

class RevocationService final : public v1::RevocationService::Service {
 public:
  // What the arguments refer to outlives this.
  RevocationService(HandlerContext shared, app::RevocationManager& revocations)
      : shared_(shared), revocations_(revocations) {}

  grpc::Status GetRevocation(grpc::ServerContext* context,
                             const v1::GetRevocationRequest* request,
                             v1::Revocation* response) override;
  grpc::Status ListRevocations(grpc::ServerContext* context,
                               const v1::ListRevocationsRequest* request,
                               v1::ListRevocationsResponse* response) override;
  grpc::Status PlanRevocation(grpc::ServerContext* context,
                              const v1::PlanRevocationRequest* request,
                              v1::RevocationPlan* response) override;
  grpc::Status ConfirmRevocation(grpc::ServerContext* context,
                                 const v1::ConfirmRevocationRequest* request,
                                 v1::Revocation* response) override;

 private:
  const HandlerContext shared_;
  app::RevocationManager& revocations_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_REVOCATION_SERVICE_H_
