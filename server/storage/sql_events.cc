// The part of SqlTransaction about what goes out and who is believed.
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/storage/columns.h"
#include "server/storage/event_statements.h"
#include "server/storage/sql_error.h"
#include "server/storage/sql_transaction.h"

namespace warder::storage {

absl::StatusOr<std::vector<domain::Subscription>>
SqlTransaction::ListSubscriptions() {
  return Guard([&] { return events_->list_subscriptions.All(); });
}

absl::StatusOr<std::optional<domain::Subscription>>
SqlTransaction::FindSubscription(const std::string& id) {
  return Guard([&] { return events_->find_subscription.First(id); });
}

absl::StatusOr<std::vector<domain::Delivery>> SqlTransaction::ListDeliveries(
    const std::string& subscription, bool dead_letters, int64_t after,
    int limit) {
  return Guard([&] {
    return events_->list_deliveries.All(subscription, dead_letters ? 1 : 0,
                                        after, limit);
  });
}

absl::StatusOr<std::optional<domain::Delivery>> SqlTransaction::FindDelivery(
    const std::string& subscription, int64_t sequence) {
  return Guard(
      [&] { return events_->find_delivery.First(subscription, sequence); });
}

absl::StatusOr<int64_t> SqlTransaction::CountDeliveries(
    const std::string& subscription, bool dead_letters) {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto count, events_->count_deliveries.First(
                                           subscription, dead_letters ? 1 : 0));
    return count.value_or(0);
  });
}

absl::StatusOr<std::vector<domain::Transmitter>>
SqlTransaction::ListTransmitters() {
  return Guard([&] { return events_->list_transmitters.All(); });
}

absl::StatusOr<std::optional<domain::Transmitter>>
SqlTransaction::FindTransmitter(const std::string& feed) {
  return Guard([&] { return events_->find_transmitter.First(feed); });
}

absl::Status SqlTransaction::InsertSubscription(
    const domain::Subscription& subscription) {
  absl::Status status = Guard([&]() -> absl::Status {
    events_->insert_subscription.row().From(subscription);
    events_->insert_subscription.Run();
    return absl::OkStatus();
  });
  if (!absl::IsAlreadyExists(status)) return status;
  return Error(
      absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
      absl::StrCat("subscriptions/", subscription.id, " already exists"));
}

absl::Status SqlTransaction::UpdateSubscription(
    const domain::Subscription& subscription) {
  return Guard([&]() -> absl::Status {
    events_->update_subscription.row().From(subscription);
    if (events_->update_subscription.Run(subscription.id) != 1) {
      return Conflict(absl::StrCat("subscriptions/", subscription.id));
    }
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::MoveCursor(const std::string& subscription,
                                        int64_t from, int64_t to) {
  return Guard([&]() -> absl::Status {
    if (events_->move_cursor.Run(to, subscription, from) != 1) {
      return Conflict(absl::StrCat("subscriptions/", subscription));
    }
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::DeleteSubscription(const std::string& id) {
  return Guard([&]() -> absl::Status {
    events_->delete_subscription.Run(id);
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::PutDelivery(const domain::Delivery& delivery) {
  return Guard([&]() -> absl::Status {
    events_->put_delivery.row().From(delivery);
    events_->put_delivery.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::DeleteDelivery(const std::string& subscription,
                                            int64_t sequence) {
  return Guard([&]() -> absl::Status {
    events_->delete_delivery.Run(subscription, sequence);
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::PutTransmitter(
    const domain::Transmitter& transmitter) {
  return Guard([&]() -> absl::Status {
    events_->put_transmitter.row().From(transmitter);
    events_->put_transmitter.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::DeleteTransmitter(const std::string& feed) {
  return Guard([&]() -> absl::Status {
    events_->delete_transmitter.Run(feed);
    return absl::OkStatus();
  });
}

}  // namespace warder::storage
