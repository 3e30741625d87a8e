// What every call has in common: who calls, how long it took, what it answered.
#ifndef WARDER_SERVER_RPC_HANDLER_H_
#define WARDER_SERVER_RPC_HANDLER_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/rpc/caller.h"
#include "server/rpc/status_convert.h"

namespace warder::rpc {

// What handlers share. Everything synchronises itself.
struct HandlerContext {
  app::ChangeRunner& runner;
};

// Returns the app::Request of a message: request_id and validate_only where it
// has them, and its remaining bytes as contents.
template <typename Message>
app::Request MakeRequest(app::Caller caller, absl::string_view method,
                         const Message& message) {
  app::Request request;
  request.caller = std::move(caller);
  request.method = std::string(method);
  if constexpr (requires { message.request_id(); }) {
    request.request_id = message.request_id();
    request.validate_only = message.validate_only();
    if (!request.request_id.empty()) {
      Message contents = message;
      contents.clear_request_id();
      request.contents = contents.SerializeAsString();
    }
  }
  return request;
}

// Authenticates, runs `body(const app::Request&) -> absl::Status`, counts. The
// use case holds `permission`; here it is asked only where the message cannot
// be read, so that who may not call is told so, and audited, whatever he sends.
template <typename Message, typename Body>
grpc::Status Handle(const HandlerContext& shared,
                    const grpc::ServerContextBase* context,
                    absl::string_view method, app::Permission permission,
                    const Message& message, Body body) {
  const absl::Duration start = shared.runner.clock().Uptime();
  absl::Status status;
  auto caller = CallerOf(*context);
  if (caller.ok()) {
    const app::Role role = caller->role;
    const app::Request request =
        MakeRequest(*std::move(caller), method, message);
    status = body(request);
    if (absl::IsInvalidArgument(status) &&
        app::AccessOf(role, permission) == app::Access::kNo) {
      status =
          shared.runner.Authorize(request, permission, "unreadable").status();
    }
  } else {
    status = caller.status();
    shared.runner.DeniedStranger(method, status);
  }
  shared.runner.metrics().CountRpc(method, CodeName(status),
                                   shared.runner.clock().Uptime() - start);
  return ToGrpc(status);
}

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_HANDLER_H_
