// warder.v1.GatewayService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_GATEWAY_SERVICE_H_
#define WARDER_SERVER_RPC_GATEWAY_SERVICE_H_

#include "server/app/gateway_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/gateway.grpc.pb.h"

namespace warder::rpc {

class GatewayService final : public v1::GatewayService::Service {
 public:
  // What the arguments refer to outlives this.
  GatewayService(HandlerContext shared, app::GatewayManager& gateways)
      : shared_(shared), gateways_(gateways) {}

  grpc::Status CreateGateway(grpc::ServerContext* context,
                             const v1::CreateGatewayRequest* request,
                             v1::Gateway* response) override;
  grpc::Status GetGateway(grpc::ServerContext* context,
                          const v1::GetGatewayRequest* request,
                          v1::Gateway* response) override;
  grpc::Status ListGateways(grpc::ServerContext* context,
                            const v1::ListGatewaysRequest* request,
                            v1::ListGatewaysResponse* response) override;
  grpc::Status UpdateGateway(grpc::ServerContext* context,
                             const v1::UpdateGatewayRequest* request,
                             v1::Gateway* response) override;
  grpc::Status DeleteGateway(grpc::ServerContext* context,
                             const v1::DeleteGatewayRequest* request,
                             v1::DeleteGatewayResponse* response) override;
  grpc::Status ListConsumers(grpc::ServerContext* context,
                             const v1::ListConsumersRequest* request,
                             v1::ListConsumersResponse* response) override;

 private:
  const HandlerContext shared_;
  app::GatewayManager& gateways_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_GATEWAY_SERVICE_H_
