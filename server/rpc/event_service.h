// warder.v1.EventService as use cases. Stateless.
#ifndef WARDER_SERVER_RPC_EVENT_SERVICE_H_
#define WARDER_SERVER_RPC_EVENT_SERVICE_H_

#include "server/app/event_intake.h"
#include "server/app/subscription_manager.h"
#include "server/rpc/handler.h"
#include "warder/v1/event.grpc.pb.h"

namespace warder::rpc {

class EventService final : public v1::EventService::Service {
 public:
  // What the arguments refer to outlives this.
  EventService(HandlerContext shared, app::SubscriptionManager& subscriptions,
               app::EventIntake& intake)
      : shared_(shared), subscriptions_(subscriptions), intake_(intake) {}

  grpc::Status CreateSubscription(
      grpc::ServerContext* context,
      const v1::CreateSubscriptionRequest* request,
      v1::CreateSubscriptionResponse* response) override;
  grpc::Status ListSubscriptions(
      grpc::ServerContext* context, const v1::ListSubscriptionsRequest* request,
      v1::ListSubscriptionsResponse* response) override;
  grpc::Status DeleteSubscription(
      grpc::ServerContext* context,
      const v1::DeleteSubscriptionRequest* request,
      v1::DeleteSubscriptionResponse* response) override;
  grpc::Status RotateSubscriptionSecret(
      grpc::ServerContext* context,
      const v1::RotateSubscriptionSecretRequest* request,
      v1::CreateSubscriptionResponse* response) override;
  grpc::Status ListDeliveries(grpc::ServerContext* context,
                              const v1::ListDeliveriesRequest* request,
                              v1::ListDeliveriesResponse* response) override;
  grpc::Status RetryDeliveries(grpc::ServerContext* context,
                               const v1::RetryDeliveriesRequest* request,
                               v1::RetryDeliveriesResponse* response) override;
  grpc::Status DropDeliveries(grpc::ServerContext* context,
                              const v1::DropDeliveriesRequest* request,
                              v1::DropDeliveriesResponse* response) override;
  grpc::Status CreateTransmitter(grpc::ServerContext* context,
                                 const v1::CreateTransmitterRequest* request,
                                 v1::Transmitter* response) override;
  grpc::Status ListTransmitters(
      grpc::ServerContext* context, const v1::ListTransmittersRequest* request,
      v1::ListTransmittersResponse* response) override;
  grpc::Status DeleteTransmitter(
      grpc::ServerContext* context, const v1::DeleteTransmitterRequest* request,
      v1::DeleteTransmitterResponse* response) override;

 private:
  const HandlerContext shared_;
  app::SubscriptionManager& subscriptions_;
  app::EventIntake& intake_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_EVENT_SERVICE_H_
