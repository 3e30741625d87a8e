#include "server/rpc/status_service.h"

#include "server/base/status_macros.h"
#include "server/base/version.h"
#include "server/rpc/convert.h"

namespace warder::rpc {

grpc::Status StatusService::GetStatus(grpc::ServerContext* context,
                                      const v1::GetStatusRequest* request,
                                      v1::ServiceStatus* response) {
  return Handle(
      shared_, context, "warder.v1.StatusService/GetStatus",
      app::Permission::kReadStatus, *request, [&](const app::Request& call) {
        RETURN_IF_ERROR(
            runner_.Authorize(call, app::Permission::kReadStatus, "status")
                .status());
        response->set_version(kVersion);
        ToProto(runner_.clock().TimeNow(), response->mutable_time());
        response->set_caller(call.caller.Principal());
        response->set_published_issuers(
            static_cast<int64_t>(runner_.publisher().size()));
        response->set_rotation_held(loop_.held());
        app::StoreCounts counts;
        const absl::Status read =
            runner_.store().Read([&](app::ReadTransaction& txn) {
              ASSIGN_OR_RETURN(counts, txn.Count());
              return absl::OkStatus();
            });
        response->set_store_available(read.ok());
        for (const auto& [state, count] : counts.keys_by_state) {
          (*response->mutable_keys_by_state())[state] = count;
        }
        response->set_orphaned_issuers(counts.orphaned_issuers);
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
