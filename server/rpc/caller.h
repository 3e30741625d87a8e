// The caller behind a call, from the TLS peer's certificate.
#ifndef WARDER_SERVER_RPC_CALLER_H_
#define WARDER_SERVER_RPC_CALLER_H_

#include <grpcpp/server_context.h>

#include "absl/status/statusor.h"
#include "server/app/authorizer.h"

namespace warder::rpc {

// Returns the caller; UNAUTHENTICATED unless the peer's certificate carries
// exactly one URI name of the form warder://ROLE/NAME.
absl::StatusOr<app::Caller> CallerOf(const grpc::ServerContextBase& context);

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_CALLER_H_
