// warder.v1.DrillService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_DRILL_SERVICE_H_
#define WARDER_SERVER_RPC_DRILL_SERVICE_H_

#include "server/app/drill_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/drill.grpc.pb.h"

namespace warder::rpc {

class DrillService final : public v1::DrillService::Service {
 public:
  // What the arguments refer to outlives this.
  DrillService(HandlerContext shared, app::DrillManager& drills)
      : shared_(shared), drills_(drills) {}

  grpc::Status RunDrill(grpc::ServerContext* context,
                        const v1::RunDrillRequest* request,
                        v1::Drill* response) override;
  grpc::Status GetDrill(grpc::ServerContext* context,
                        const v1::GetDrillRequest* request,
                        v1::Drill* response) override;
  grpc::Status ListDrills(grpc::ServerContext* context,
                          const v1::ListDrillsRequest* request,
                          v1::ListDrillsResponse* response) override;
  grpc::Status GetDrillReport(grpc::ServerContext* context,
                              const v1::GetDrillReportRequest* request,
                              v1::DrillReport* response) override;

 private:
  const HandlerContext shared_;
  app::DrillManager& drills_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_DRILL_SERVICE_H_
