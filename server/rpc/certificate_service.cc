#include "server/rpc/certificate_service.h"

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {

grpc::Status CertificateService::IssueCertificate(
    grpc::ServerContext* context, const v1::IssueCertificateRequest* request,
    v1::IssueCertificateResponse* response) {
  return Handle(
      shared_, context, "warder.v1.CertificateService/IssueCertificate",
      app::Permission::kIssueCertificates, *request,
      [&](const app::Request& call) {
        app::IssueCertificateCommand command;
        command.request_pem = request->certificate_request();
        ASSIGN_OR_RETURN(command.subject.role,
                         app::ParseRole("role", request->role()));
        ASSIGN_OR_RETURN(command.subject.name,
                         app::ParseCallerName("certificate_name",
                                              request->certificate_name()));
        if (request->has_lifetime()) {
          ASSIGN_OR_RETURN(command.lifetime,
                           FromProto("lifetime", request->lifetime()));
        }
        ASSIGN_OR_RETURN(const auto issued, certificates_.Issue(call, command));
        if (!request->validate_only()) {
          response->set_certificate(issued.certificate_pem);
        }
        response->set_authority(issued.authority_pem);
        ToProto(issued.expire_time, response->mutable_expire_time());
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
