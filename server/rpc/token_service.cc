#include "server/rpc/token_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/sign_stream.h"
#include "server/rpc/token_convert.h"

namespace warder::rpc {

grpc::Status TokenService::SignJwt(grpc::ServerContext* context,
                                   const v1::SignJwtRequest* request,
                                   v1::SignJwtResponse* response) {
  return Handle(
      shared_, context, "warder.v1.TokenService/SignJwt",
      app::Permission::kSignTokens, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
        ASSIGN_OR_RETURN(app::SignedToken token, signer_.Sign(call, command));
        ToProto(std::move(token), response);
        return absl::OkStatus();
      });
}

grpc::Status TokenService::SignJwtBatch(grpc::ServerContext* context,
                                        const v1::SignJwtBatchRequest* request,
                                        v1::SignJwtBatchResponse* response) {
  return Handle(
      shared_, context, "warder.v1.TokenService/SignJwtBatch",
      app::Permission::kSignTokens, *request, [&](const app::Request& call) {
        std::vector<app::SignJwtCommand> commands;
        commands.reserve(static_cast<size_t>(request->requests_size()));
        for (const v1::SignJwtRequest& one : request->requests()) {
          auto command = ToCommand(one);
          if (!command.ok()) {
            return WithContext(command.status(),
                               absl::StrCat("requests[", commands.size(), "]"));
          }
          commands.push_back(*std::move(command));
        }
        ASSIGN_OR_RETURN(auto tokens, signer_.SignBatch(call, commands));
        for (app::SignedToken& token : tokens) {
          ToProto(std::move(token), response->add_tokens());
        }
        return absl::OkStatus();
      });
}

grpc::Status TokenService::SignJwtStream(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::SignJwtStreamResponse, v1::SignJwtRequest>*
        stream) {
  return Handle(
      shared_, context, "warder.v1.TokenService/SignJwtStream",
      app::Permission::kSignTokens, v1::SignJwtRequest(),
      [&](const app::Request& call) -> absl::Status {
        RETURN_IF_ERROR(
            shared_.runner
                .Authorize(call, app::Permission::kSignTokens, "SignJwtStream")
                .status());
        ASSIGN_OR_RETURN(const OpenStreams::Place place,
                         streams_.Enter(call.caller, *context));
        SignStream(signer_, call, *context, *stream).Run();
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
