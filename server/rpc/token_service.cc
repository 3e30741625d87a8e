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
  return Handle(shared_, context, "warder.v1.TokenService/SignJwtStream",
                app::Permission::kSignTokens, v1::SignJwtRequest(),
                [&](const app::Request& call) {
                  {
                    MutexLock lock(&mu_);
                    if (ending_) {
                      return Error(absl::StatusCode::kUnavailable,
                                   Reason::kUnreachable, "warderd ends");
                    }
                    if (streams_.size() >= kMostStreams) {
                      return Error(absl::StatusCode::kResourceExhausted,
                                   Reason::kRateLimited,
                                   absl::StrCat(kMostStreams,
                                                " streams are open; use one "
                                                "for all tokens of a process"));
                    }
                    streams_.insert(context);
                  }
                  SignStream(signer_, call, *context, *stream).Run();
                  MutexLock lock(&mu_);
                  streams_.erase(context);
                  return absl::OkStatus();
                });
}

void TokenService::EndStreams() {
  MutexLock lock(&mu_);
  ending_ = true;
  for (grpc::ServerContext* const context : streams_) context->TryCancel();
}

}  // namespace warder::rpc
