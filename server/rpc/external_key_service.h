// warder.v1.ExternalKeyService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_EXTERNAL_KEY_SERVICE_H_
#define WARDER_SERVER_RPC_EXTERNAL_KEY_SERVICE_H_

#include "server/app/external_key_manager.h"
#include "server/app/issuance_reporter.h"
#include "server/rpc/handler.h"
#include "warder/v1/external_key.grpc.pb.h"

namespace warder::rpc {

class ExternalKeyService final : public v1::ExternalKeyService::Service {
 public:
  // What the arguments refer to outlives this.
  ExternalKeyService(HandlerContext shared, app::ExternalKeyManager& keys,
                     app::IssuanceReporter& reporter)
      : shared_(shared), keys_(keys), reporter_(reporter) {}

  grpc::Status CreateKeyChallenge(grpc::ServerContext* context,
                                  const v1::CreateKeyChallengeRequest* request,
                                  v1::KeyChallenge* response) override;
  grpc::Status RegisterExternalKey(
      grpc::ServerContext* context,
      const v1::RegisterExternalKeyRequest* request,
      v1::Key* response) override;
  grpc::Status RenewKeyLease(grpc::ServerContext* context,
                             const v1::RenewKeyLeaseRequest* request,
                             v1::Key* response) override;
  grpc::Status ReportIssuance(grpc::ServerContext* context,
                              const v1::ReportIssuanceRequest* request,
                              v1::ReportIssuanceResponse* response) override;

 private:
  const HandlerContext shared_;
  app::ExternalKeyManager& keys_;
  app::IssuanceReporter& reporter_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_EXTERNAL_KEY_SERVICE_H_
