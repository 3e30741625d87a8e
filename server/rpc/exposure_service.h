// warder.v1.ExposureService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_EXPOSURE_SERVICE_H_
#define WARDER_SERVER_RPC_EXPOSURE_SERVICE_H_

#include "server/app/exposure_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/exposure.grpc.pb.h"

namespace warder::rpc {

class ExposureService final : public v1::ExposureService::Service {
 public:
  // What the arguments refer to outlives this.
  ExposureService(HandlerContext shared, app::ExposureManager& exposures)
      : shared_(shared), exposures_(exposures) {}

  grpc::Status ListExposures(grpc::ServerContext* context,
                             const v1::ListExposuresRequest* request,
                             v1::ListExposuresResponse* response) override;
  grpc::Status DeclareExposure(grpc::ServerContext* context,
                               const v1::DeclareExposureRequest* request,
                               v1::Exposure* response) override;
  grpc::Status DeclareCustody(grpc::ServerContext* context,
                              const v1::DeclareCustodyRequest* request,
                              v1::Custody* response) override;

 private:
  const HandlerContext shared_;
  app::ExposureManager& exposures_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_EXPOSURE_SERVICE_H_
