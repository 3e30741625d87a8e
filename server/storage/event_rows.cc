#include "server/storage/event_rows.h"

#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/storage/columns.h"

namespace warder::storage {

void SubscriptionRow::From(const domain::Subscription& subscription) {
  id = subscription.id;
  url = subscription.url;
  format = std::string(domain::SubscriptionFormatName(subscription.format));
  actions = WriteJson(subscription.actions);
  issuer = subscription.issuer.value();
  audience = subscription.audience;
  sealed_secret = subscription.sealed_secret;
  former_sealed_secret = subscription.former_sealed_secret;
  former_until_us = OptionalMicros(subscription.former_until);
  sealed_authorization = subscription.sealed_authorization;
  cursor = subscription.cursor;
  created_by = subscription.created_by;
  create_us = ToMicros(subscription.create_time);
}

absl::StatusOr<domain::Subscription> SubscriptionRow::To() const {
  domain::Subscription subscription;
  subscription.id = id;
  subscription.url = url;
  ASSIGN_OR_RETURN(subscription.format,
                   domain::ParseSubscriptionFormat("format", format));
  const auto list = ParseJson(actions, kOwnLimits);
  if (!list.ok() || !list->is_array()) return Damaged("unreadable actions");
  for (const Json& action : *list) {
    if (action.is_string()) {
      subscription.actions.push_back(action.get<std::string>());
    }
  }
  subscription.issuer = IssuerId(issuer);
  subscription.audience = audience;
  subscription.sealed_secret = sealed_secret;
  subscription.former_sealed_secret = former_sealed_secret;
  subscription.former_until = OptionalTime(former_until_us);
  subscription.sealed_authorization = sealed_authorization;
  subscription.cursor = cursor;
  subscription.created_by = created_by;
  subscription.create_time = FromMicros(create_us);
  return subscription;
}

void DeliveryRow::From(const domain::Delivery& delivery) {
  subscription = delivery.subscription;
  sequence = delivery.sequence;
  ordering_key = delivery.ordering_key;
  attempts = delivery.attempts;
  create_us = ToMicros(delivery.create_time);
  next_us = ToMicros(delivery.next_time);
  error = delivery.error;
  refused_us = OptionalMicros(delivery.refused_since);
  dead_letter = delivery.dead_letter ? 1 : 0;
}

absl::StatusOr<domain::Delivery> DeliveryRow::To() const {
  return domain::Delivery{.subscription = subscription,
                          .sequence = sequence,
                          .ordering_key = ordering_key,
                          .attempts = static_cast<int>(attempts),
                          .create_time = FromMicros(create_us),
                          .next_time = FromMicros(next_us),
                          .error = error,
                          .refused_since = OptionalTime(refused_us),
                          .dead_letter = dead_letter != 0};
}

void TransmitterRow::From(const domain::Transmitter& transmitter) {
  id = transmitter.id;
  issuer = transmitter.issuer;
  audience = transmitter.audience;
  jwks_url = transmitter.jwks_url;
  jwks = transmitter.jwks;
  fetch_us = ToMicros(transmitter.fetch_time);
  created_by = transmitter.created_by;
  create_us = ToMicros(transmitter.create_time);
}

absl::StatusOr<domain::Transmitter> TransmitterRow::To() const {
  return domain::Transmitter{.id = id,
                             .issuer = issuer,
                             .audience = audience,
                             .jwks_url = jwks_url,
                             .jwks = jwks,
                             .fetch_time = FromMicros(fetch_us),
                             .created_by = created_by,
                             .create_time = FromMicros(create_us)};
}

}  // namespace warder::storage
