#include "server/rpc/exposure_service.h"

#include "absl/strings/match.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {

grpc::Status ExposureService::ListExposures(
    grpc::ServerContext* context, const v1::ListExposuresRequest* request,
    v1::ListExposuresResponse* response) {
  return Handle(
      shared_, context, "warder.v1.ExposureService/ListExposures",
      app::Permission::kReadExposures, *request, [&](const app::Request& call) {
        const app::PageRequest page = {.size = request->page_size(),
                                       .token = request->page_token()};
        app::ExposurePage found;
        if (absl::StartsWith(request->parent(), "issuers/")) {
          ASSIGN_OR_RETURN(const auto key,
                           ParseKeyName("parent", request->parent()));
          ASSIGN_OR_RETURN(found,
                           exposures_.OfKey(call, key.first, key.second, page));
        } else {
          ASSIGN_OR_RETURN(const auto person,
                           ParseOwnerName("parent", request->parent()));
          ASSIGN_OR_RETURN(found, exposures_.OfPerson(call, person, page));
        }
        for (const auto& exposure : found.exposures.items) {
          ToProto(exposure, response->add_exposures());
        }
        for (const auto& custody : found.custodies) {
          ToProto(custody, response->add_custodies());
        }
        response->set_next_page_token(found.exposures.next_token);
        return absl::OkStatus();
      });
}

grpc::Status ExposureService::DeclareExposure(
    grpc::ServerContext* context, const v1::DeclareExposureRequest* request,
    v1::Exposure* response) {
  return Handle(
      shared_, context, "warder.v1.ExposureService/DeclareExposure",
      app::Permission::kWriteExposures, *request,
      [&](const app::Request& call) {
        ASSIGN_OR_RETURN(auto exposure, FromProto(request->exposure()));
        ASSIGN_OR_RETURN(const auto declared,
                         exposures_.Declare(call, std::move(exposure)));
        ToProto(declared, response);
        return absl::OkStatus();
      });
}

grpc::Status ExposureService::DeclareCustody(
    grpc::ServerContext* context, const v1::DeclareCustodyRequest* request,
    v1::Custody* response) {
  return Handle(shared_, context, "warder.v1.ExposureService/DeclareCustody",
                app::Permission::kWriteExposures, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(auto custody, FromProto(request->custody()));
                  ASSIGN_OR_RETURN(
                      const auto declared,
                      exposures_.DeclareCustody(call, std::move(custody)));
                  ToProto(declared, response);
                  return absl::OkStatus();
                });
}

}  // namespace warder::rpc
