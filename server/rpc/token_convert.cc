#include "server/rpc/token_convert.h"

#include <utility>

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {

absl::StatusOr<app::SignJwtCommand> ToCommand(
    const v1::SignJwtRequest& request) {
  app::SignJwtCommand command;
  ASSIGN_OR_RETURN(command.issuer, ParseIssuerName("issuer", request.issuer()));
  ASSIGN_OR_RETURN(command.algorithm,
                   FromProto("algorithm", request.algorithm()));
  command.audiences.assign(request.audiences().begin(),
                           request.audiences().end());
  command.subject = request.subject();
  command.token_type = request.token_type();
  command.claims = request.claims();
  if (request.has_lifetime()) {
    ASSIGN_OR_RETURN(command.lifetime,
                     FromProto("lifetime", request.lifetime()));
  }
  return command;
}

void ToProto(app::SignedToken token, v1::SignJwtResponse* out) {
  out->set_token(std::move(token.token));
  out->set_kid(token.key.value());
  out->set_token_id(std::move(token.token_id));
  ToProto(token.issue_time, out->mutable_issue_time());
  ToProto(token.expire_time, out->mutable_expire_time());
}

}  // namespace warder::rpc
