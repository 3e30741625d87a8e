#include "server/rpc/event_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

using domain::SubscriptionFormat;

void Write(const domain::Subscription& subscription, v1::Subscription* out) {
  out->set_name(absl::StrCat("subscriptions/", subscription.id));
  out->set_url(subscription.url);
  out->set_format(subscription.format == SubscriptionFormat::kWebhook
                      ? v1::Subscription::WEBHOOK
                      : v1::Subscription::SECURITY_EVENT);
  for (const std::string& action : subscription.actions) {
    out->add_actions(action);
  }
  if (!subscription.issuer.empty()) {
    out->set_issuer(IssuerName(subscription.issuer));
  }
  out->set_audience(subscription.audience);
  out->set_created_by(subscription.created_by);
  ToProto(subscription.create_time, out->mutable_create_time());
}

void Write(const app::SubscriptionStatus& status, v1::Subscription* out) {
  Write(status.subscription, out);
  out->set_waiting_count(status.waiting);
  out->set_dead_letter_count(status.dead_letters);
  out->set_behind_count(status.behind);
  out->set_last_error(status.error);
}

void Write(const app::NewSubscription& made,
           v1::CreateSubscriptionResponse* out) {
  Write(made.subscription, out->mutable_subscription());
}

void Write(const domain::Delivery& delivery, v1::Delivery* out) {
  out->set_sequence(delivery.sequence);
  out->set_ordering_key(delivery.ordering_key);
  out->set_attempt_count(delivery.attempts);
  ToProto(delivery.create_time, out->mutable_create_time());
  if (!delivery.dead_letter)
    ToProto(delivery.next_time, out->mutable_next_time());
  out->set_error(delivery.error);
  out->set_dead_letter(delivery.dead_letter);
}

void Write(const domain::Transmitter& transmitter, v1::Transmitter* out) {
  out->set_name(absl::StrCat("transmitters/", transmitter.id));
  out->set_issuer(transmitter.issuer);
  out->set_audience(transmitter.audience);
  out->set_jwks_url(transmitter.jwks_url);
  ToProto(transmitter.fetch_time, out->mutable_fetch_time());
  out->set_created_by(transmitter.created_by);
  ToProto(transmitter.create_time, out->mutable_create_time());
}

absl::StatusOr<app::CreateSubscriptionCommand> ToCommand(
    const v1::CreateSubscriptionRequest& message) {
  app::CreateSubscriptionCommand command;
  const v1::Subscription& wanted = message.subscription();
  command.id = message.subscription_id();
  command.url = wanted.url();
  command.authorization = message.authorization();
  command.actions.assign(wanted.actions().begin(), wanted.actions().end());
  command.audience = wanted.audience();
  switch (wanted.format()) {
    case v1::Subscription::FORMAT_UNSPECIFIED:
    case v1::Subscription::WEBHOOK: break;
    case v1::Subscription::SECURITY_EVENT:
      command.format = SubscriptionFormat::kSecurityEvent;
      break;
    default:
      return FieldError("subscription.format",
                        absl::StrCat(static_cast<int>(wanted.format()),
                                     " is not WEBHOOK or SECURITY_EVENT"));
  }
  if (!wanted.issuer().empty() ||
      command.format == SubscriptionFormat::kSecurityEvent) {
    ASSIGN_OR_RETURN(command.issuer,
                     ParseIssuerName("subscription.issuer", wanted.issuer()));
  }
  return command;
}

absl::StatusOr<std::string> IdOf(absl::string_view field,
                                 absl::string_view collection,
                                 absl::string_view name) {
  absl::string_view id = name;
  if (absl::ConsumePrefix(&id, collection) && !id.empty()) {
    return std::string(id);
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 80), "\" is not ",
                                        collection, "ID"));
}

template <typename Message>
std::vector<int64_t> SequencesOf(const Message& message) {
  return {message.sequences().begin(), message.sequences().end()};
}

}  // namespace

grpc::Status EventService::CreateSubscription(
    grpc::ServerContext* context, const v1::CreateSubscriptionRequest* request,
    v1::CreateSubscriptionResponse* response) {
  return Handle(shared_, context, "warder.v1.EventService/CreateSubscription",
                app::Permission::kManageSubscriptions, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
                  ASSIGN_OR_RETURN(const auto made,
                                   subscriptions_.Create(call, command));
                  Write(made, response);
                  // What is not kept opens nothing.
                  if (!request->validate_only()) {
                    response->set_secret(made.secret);
                  }
                  return absl::OkStatus();
                });
}

grpc::Status EventService::ListSubscriptions(
    grpc::ServerContext* context, const v1::ListSubscriptionsRequest* request,
    v1::ListSubscriptionsResponse* response) {
  return Handle(shared_, context, "warder.v1.EventService/ListSubscriptions",
                app::Permission::kReadAudit, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto list, subscriptions_.List(call));
                  for (const app::SubscriptionStatus& status : list) {
                    Write(status, response->add_subscriptions());
                  }
                  return absl::OkStatus();
                });
}

grpc::Status EventService::DeleteSubscription(
    grpc::ServerContext* context, const v1::DeleteSubscriptionRequest* request,
    v1::DeleteSubscriptionResponse* response) {
  return Handle(shared_, context, "warder.v1.EventService/DeleteSubscription",
                app::Permission::kManageSubscriptions, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(
                      const std::string id,
                      IdOf("name", "subscriptions/", request->name()));
                  response->Clear();
                  return subscriptions_.Delete(call, id);
                });
}

grpc::Status EventService::RotateSubscriptionSecret(
    grpc::ServerContext* context,
    const v1::RotateSubscriptionSecretRequest* request,
    v1::CreateSubscriptionResponse* response) {
  return Handle(
      shared_, context, "warder.v1.EventService/RotateSubscriptionSecret",
      app::Permission::kManageSubscriptions, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const std::string id,
                         IdOf("name", "subscriptions/", request->name()));
        absl::Duration overlap;
        if (request->has_overlap()) {
          ASSIGN_OR_RETURN(overlap, FromProto("overlap", request->overlap()));
        }
        ASSIGN_OR_RETURN(const auto made,
                         subscriptions_.RotateSecret(call, id, overlap));
        Write(made, response);
        if (!request->validate_only()) response->set_secret(made.secret);
        return absl::OkStatus();
      });
}

grpc::Status EventService::ListDeliveries(
    grpc::ServerContext* context, const v1::ListDeliveriesRequest* request,
    v1::ListDeliveriesResponse* response) {
  return Handle(
      shared_, context, "warder.v1.EventService/ListDeliveries",
      app::Permission::kReadAudit, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const std::string id,
                         IdOf("parent", "subscriptions/", request->parent()));
        ASSIGN_OR_RETURN(
            const auto list,
            subscriptions_.ListDeliveries(call, id, request->dead_letters()));
        for (const domain::Delivery& delivery : list) {
          Write(delivery, response->add_deliveries());
        }
        return absl::OkStatus();
      });
}

grpc::Status EventService::RetryDeliveries(
    grpc::ServerContext* context, const v1::RetryDeliveriesRequest* request,
    v1::RetryDeliveriesResponse* response) {
  return Handle(
      shared_, context, "warder.v1.EventService/RetryDeliveries",
      app::Permission::kManageSubscriptions, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const std::string id,
                         IdOf("parent", "subscriptions/", request->parent()));
        ASSIGN_OR_RETURN(const int count,
                         subscriptions_.Retry(call, id, SequencesOf(*request)));
        response->set_count(count);
        return absl::OkStatus();
      });
}

grpc::Status EventService::DropDeliveries(
    grpc::ServerContext* context, const v1::DropDeliveriesRequest* request,
    v1::DropDeliveriesResponse* response) {
  return Handle(
      shared_, context, "warder.v1.EventService/DropDeliveries",
      app::Permission::kManageSubscriptions, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const std::string id,
                         IdOf("parent", "subscriptions/", request->parent()));
        ASSIGN_OR_RETURN(const int count,
                         subscriptions_.Drop(call, id, SequencesOf(*request)));
        response->set_count(count);
        return absl::OkStatus();
      });
}

grpc::Status EventService::CreateTransmitter(
    grpc::ServerContext* context, const v1::CreateTransmitterRequest* request,
    v1::Transmitter* response) {
  return Handle(shared_, context, "warder.v1.EventService/CreateTransmitter",
                app::Permission::kManageFeeds, *request,
                [&](const app::Request& call) -> absl::Status {
                  const v1::Transmitter& wanted = request->transmitter();
                  ASSIGN_OR_RETURN(
                      const auto made,
                      intake_.Create(call, {.id = request->transmitter_id(),
                                            .issuer = wanted.issuer(),
                                            .audience = wanted.audience(),
                                            .jwks_url = wanted.jwks_url(),
                                            .jwks = wanted.jwks()}));
                  Write(made, response);
                  return absl::OkStatus();
                });
}

grpc::Status EventService::ListTransmitters(
    grpc::ServerContext* context, const v1::ListTransmittersRequest* request,
    v1::ListTransmittersResponse* response) {
  return Handle(shared_, context, "warder.v1.EventService/ListTransmitters",
                app::Permission::kReadOwners, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto list, intake_.List(call));
                  for (const domain::Transmitter& transmitter : list) {
                    Write(transmitter, response->add_transmitters());
                  }
                  return absl::OkStatus();
                });
}

grpc::Status EventService::DeleteTransmitter(
    grpc::ServerContext* context, const v1::DeleteTransmitterRequest* request,
    v1::DeleteTransmitterResponse* response) {
  return Handle(shared_, context, "warder.v1.EventService/DeleteTransmitter",
                app::Permission::kManageFeeds, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(
                      const std::string feed,
                      IdOf("name", "transmitters/", request->name()));
                  response->Clear();
                  return intake_.Delete(call, feed);
                });
}

}  // namespace warder::rpc
