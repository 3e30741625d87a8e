// warder.v1.HrService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_HR_SERVICE_H_
#define WARDER_SERVER_RPC_HR_SERVICE_H_

#include "server/app/departure_intake.h"
#include "server/app/feed_access.h"
#include "server/app/roster_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/hr.grpc.pb.h"

namespace warder::rpc {

class HrService final : public v1::HrService::Service {
 public:
  // What the arguments refer to outlives this.
  HrService(HandlerContext shared, app::FeedAccess& access,
            app::DepartureIntake& intake, app::RosterManager& rosters)
      : shared_(shared), access_(access), intake_(intake), rosters_(rosters) {}

  grpc::Status CreateFeedToken(grpc::ServerContext* context,
                               const v1::CreateFeedTokenRequest* request,
                               v1::CreateFeedTokenResponse* response) override;
  grpc::Status ListFeedTokens(grpc::ServerContext* context,
                              const v1::ListFeedTokensRequest* request,
                              v1::ListFeedTokensResponse* response) override;
  grpc::Status RevokeFeedToken(grpc::ServerContext* context,
                               const v1::RevokeFeedTokenRequest* request,
                               v1::FeedToken* response) override;
  grpc::Status ListFeeds(grpc::ServerContext* context,
                         const v1::ListFeedsRequest* request,
                         v1::ListFeedsResponse* response) override;
  grpc::Status ListHeldDepartures(
      grpc::ServerContext* context,
      const v1::ListHeldDeparturesRequest* request,
      v1::ListHeldDeparturesResponse* response) override;
  grpc::Status ReleaseHeldDepartures(
      grpc::ServerContext* context,
      const v1::ReleaseHeldDeparturesRequest* request,
      v1::ReleaseHeldDeparturesResponse* response) override;
  grpc::Status RejectHeldDepartures(
      grpc::ServerContext* context,
      const v1::RejectHeldDeparturesRequest* request,
      v1::RejectHeldDeparturesResponse* response) override;
  grpc::Status ReconcileRoster(
      grpc::ServerContext* context,
      grpc::ServerReader<v1::ReconcileRosterRequest>* reader,
      v1::ReconcileRosterResponse* response) override;

 private:
  const HandlerContext shared_;
  app::FeedAccess& access_;
  app::DepartureIntake& intake_;
  app::RosterManager& rosters_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_HR_SERVICE_H_
