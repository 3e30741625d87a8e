// warder.v1.TokenService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_TOKEN_SERVICE_H_
#define WARDER_SERVER_RPC_TOKEN_SERVICE_H_

#include "server/app/token_signer.h"
#include "server/rpc/handler.h"
#include "warder/v1/token.grpc.pb.h"

namespace warder::rpc {

class TokenService final : public v1::TokenService::Service {
 public:
  // What the arguments refer to outlives this.
  TokenService(HandlerContext shared, app::TokenSigner& signer)
      : shared_(shared), signer_(signer) {}

  grpc::Status SignJwt(grpc::ServerContext* context,
                       const v1::SignJwtRequest* request,
                       v1::SignJwtResponse* response) override;

 private:
  const HandlerContext shared_;
  app::TokenSigner& signer_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_TOKEN_SERVICE_H_
