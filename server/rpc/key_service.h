// warder.v1.KeyService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_KEY_SERVICE_H_
#define WARDER_SERVER_RPC_KEY_SERVICE_H_

#include "server/app/key_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/key.grpc.pb.h"

namespace warder::rpc {

class KeyService final : public v1::KeyService::Service {
 public:
  // What the arguments refer to outlives this.
  KeyService(HandlerContext shared, app::KeyManager& keys)
      : shared_(shared), keys_(keys) {}

  grpc::Status IssueKey(grpc::ServerContext* context,
                        const v1::IssueKeyRequest* request,
                        v1::Key* response) override;
  grpc::Status GetKey(grpc::ServerContext* context,
                      const v1::GetKeyRequest* request,
                      v1::Key* response) override;
  grpc::Status ListKeys(grpc::ServerContext* context,
                        const v1::ListKeysRequest* request,
                        v1::ListKeysResponse* response) override;
  grpc::Status RevokeKey(grpc::ServerContext* context,
                         const v1::RevokeKeyRequest* request,
                         v1::Key* response) override;
  grpc::Status SuspendKey(grpc::ServerContext* context,
                          const v1::SuspendKeyRequest* request,
                          v1::Key* response) override;
  grpc::Status ResumeKey(grpc::ServerContext* context,
                         const v1::ResumeKeyRequest* request,
                         v1::Key* response) override;
  grpc::Status DrainKey(grpc::ServerContext* context,
                        const v1::DrainKeyRequest* request,
                        v1::Key* response) override;
  grpc::Status CreateHoneyKey(grpc::ServerContext* context,
                              const v1::CreateHoneyKeyRequest* request,
                              v1::CreateHoneyKeyResponse* response) override;

 private:
  const HandlerContext shared_;
  app::KeyManager& keys_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_KEY_SERVICE_H_
