#include "server/rpc/token_service.h"

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {

grpc::Status TokenService::SignJwt(grpc::ServerContext* context,
                                   const v1::SignJwtRequest* request,
                                   v1::SignJwtResponse* response) {
  return Handle(
      shared_, context, "warder.v1.TokenService/SignJwt",
      app::Permission::kSignTokens, *request, [&](const app::Request& call) {
        app::SignJwtCommand command;
        ASSIGN_OR_RETURN(command.issuer,
                         ParseIssuerName("issuer", request->issuer()));
        ASSIGN_OR_RETURN(command.algorithm,
                         FromProto("algorithm", request->algorithm()));
        command.audiences.assign(request->audiences().begin(),
                                 request->audiences().end());
        command.subject = request->subject();
        command.token_type = request->token_type();
        command.claims = request->claims();
        if (request->has_lifetime()) {
          ASSIGN_OR_RETURN(command.lifetime,
                           FromProto("lifetime", request->lifetime()));
        }
        ASSIGN_OR_RETURN(app::SignedToken token, signer_.Sign(call, command));
        response->set_token(std::move(token.token));
        response->set_kid(token.key.value());
        response->set_token_id(std::move(token.token_id));
        ToProto(token.issue_time, response->mutable_issue_time());
        ToProto(token.expire_time, response->mutable_expire_time());
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
