#include "server/rpc/drill_service.h"

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

void Write(const app::DrillStatus& status, v1::Drill* out) {
  const domain::Drill& drill = status.drill;
  out->set_name(DrillName(drill.id));
  out->set_issuer(IssuerName(drill.issuer));
  out->set_leaver(OwnerName(drill.leaver));
  out->set_started_by(drill.started_by);
  ToProto(drill.start_time, out->mutable_start_time());
  for (const app::DrillStatus::Ended& key : status.keys) {
    out->add_revocations(RevocationName(key.revocation.key));
  }
  out->set_gateway_count(status.gateways);
  out->set_refused_count(status.refused);
  out->set_overdue_count(status.overdue);
  if (status.slowest) ToProto(*status.slowest, out->mutable_slowest());
}

}  // namespace

grpc::Status DrillService::RunDrill(grpc::ServerContext* context,
                                    const v1::RunDrillRequest* request,
                                    v1::Drill* response) {
  return Handle(
      shared_, context, "warder.v1.DrillService/RunDrill",
      app::Permission::kManageGateways, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const auto issuer,
                         ParseIssuerName("issuer", request->issuer()));
        ASSIGN_OR_RETURN(const auto status, drills_.Run(call, issuer));
        Write(status, response);
        return absl::OkStatus();
      });
}

grpc::Status DrillService::GetDrill(grpc::ServerContext* context,
                                    const v1::GetDrillRequest* request,
                                    v1::Drill* response) {
  return Handle(shared_, context, "warder.v1.DrillService/GetDrill",
                app::Permission::kReadGateways, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseDrillName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto status, drills_.Get(call, id));
                  Write(status, response);
                  return absl::OkStatus();
                });
}

grpc::Status DrillService::ListDrills(grpc::ServerContext* context,
                                      const v1::ListDrillsRequest* request,
                                      v1::ListDrillsResponse* response) {
  return Handle(shared_, context, "warder.v1.DrillService/ListDrills",
                app::Permission::kReadGateways, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(
                      const auto page,
                      drills_.List(call, {.size = request->page_size(),
                                          .token = request->page_token()}));
                  for (const auto& status : page.items) {
                    Write(status, response->add_drills());
                  }
                  response->set_next_page_token(page.next_token);
                  return absl::OkStatus();
                });
}

grpc::Status DrillService::GetDrillReport(
    grpc::ServerContext* context, const v1::GetDrillReportRequest* request,
    v1::DrillReport* response) {
  return Handle(shared_, context, "warder.v1.DrillService/GetDrillReport",
                app::Permission::kReadGateways, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseDrillName("name", request->name()));
                  ASSIGN_OR_RETURN(*response->mutable_jws(),
                                   drills_.Report(call, id));
                  return absl::OkStatus();
                });
}

}  // namespace warder::rpc
