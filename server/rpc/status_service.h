// warder.v1.StatusService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_STATUS_SERVICE_H_
#define WARDER_SERVER_RPC_STATUS_SERVICE_H_

#include "server/app/rotation_loop.h"
#include "server/rpc/handler.h"
#include "warder/v1/status.grpc.pb.h"

namespace warder::rpc {

class StatusService final : public v1::StatusService::Service {
 public:
  // What the arguments refer to outlives this.
  StatusService(HandlerContext shared, app::ChangeRunner& runner,
                const app::RotationLoop& loop)
      : shared_(shared), runner_(runner), loop_(loop) {}

  grpc::Status GetStatus(grpc::ServerContext* context,
                         const v1::GetStatusRequest* request,
                         v1::ServiceStatus* response) override;

 private:
  const HandlerContext shared_;
  app::ChangeRunner& runner_;
  const app::RotationLoop& loop_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_STATUS_SERVICE_H_
