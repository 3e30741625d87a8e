// warder.v1.AuditService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_AUDIT_SERVICE_H_
#define WARDER_SERVER_RPC_AUDIT_SERVICE_H_

#include "server/app/change_runner.h"
#include "server/rpc/handler.h"
#include "warder/v1/audit.grpc.pb.h"

namespace warder::rpc {

class AuditService final : public v1::AuditService::Service {
 public:
  // What the arguments refer to outlives this.
  AuditService(HandlerContext shared, app::ChangeRunner& runner)
      : shared_(shared), runner_(runner) {}

  grpc::Status ListEvents(grpc::ServerContext* context,
                          const v1::ListEventsRequest* request,
                          v1::ListEventsResponse* response) override;

 private:
  const HandlerContext shared_;
  app::ChangeRunner& runner_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_AUDIT_SERVICE_H_
