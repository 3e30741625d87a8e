// SignJwt's messages, to use cases and back.
#ifndef WARDER_SERVER_RPC_TOKEN_CONVERT_H_
#define WARDER_SERVER_RPC_TOKEN_CONVERT_H_

#include "absl/status/statusor.h"
#include "server/app/token_signer.h"
#include "warder/v1/token.pb.h"

namespace warder::rpc {

// Returns INVALID_ARGUMENT with the field.
absl::StatusOr<app::SignJwtCommand> ToCommand(
    const v1::SignJwtRequest& request);

void ToProto(app::SignedToken token, v1::SignJwtResponse* out);

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_TOKEN_CONVERT_H_
