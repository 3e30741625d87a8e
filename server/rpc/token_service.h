// warder.v1.TokenService as use cases. Stateless, but for the streams that are
// open.
#ifndef WARDER_SERVER_RPC_TOKEN_SERVICE_H_
#define WARDER_SERVER_RPC_TOKEN_SERVICE_H_

#include "server/app/token_signer.h"
#include "server/rpc/handler.h"
#include "server/rpc/open_streams.h"
#include "warder/v1/token.grpc.pb.h"

namespace warder::rpc {

class TokenService final : public v1::TokenService::Service {
 public:
  // What the arguments refer to outlives this.
  TokenService(HandlerContext shared, app::TokenSigner& signer)
      : shared_(shared), signer_(signer) {}

  // Ends the streams, and those that begin later: they would hold up the drain.
  void EndStreams() { streams_.End(); }

  grpc::Status SignJwt(grpc::ServerContext* context,
                       const v1::SignJwtRequest* request,
                       v1::SignJwtResponse* response) override;
  grpc::Status SignJwtBatch(grpc::ServerContext* context,
                            const v1::SignJwtBatchRequest* request,
                            v1::SignJwtBatchResponse* response) override;
  grpc::Status SignJwtStream(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::SignJwtStreamResponse, v1::SignJwtRequest>*
          stream) override;

 private:
  const HandlerContext shared_;
  app::TokenSigner& signer_;
  OpenStreams streams_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_TOKEN_SERVICE_H_
