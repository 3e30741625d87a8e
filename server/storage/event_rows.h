// Columns of subscriptions, deliveries and transmitters, and the structs they
// become. See rows.h.
#ifndef WARDER_SERVER_STORAGE_EVENT_ROWS_H_
#define WARDER_SERVER_STORAGE_EVENT_ROWS_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/domain/subscription.h"

namespace warder::storage {

struct SubscriptionRow {
  static constexpr char kFixed[] =
      "id, url, format, actions, issuer, audience, authorization, cursor, "
      "created_by, create_us";
  static constexpr char kChanges[] = "secret, former_secret, former_until_us";
  std::string id, url, format, actions, issuer, audience, authorization,
      created_by, secret, former_secret;
  long long cursor = 0, create_us = 0, former_until_us = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(id), f(url), f(format), f(actions), f(issuer), f(audience),
        f(authorization), f(cursor), f(created_by), f(create_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(secret), f(former_secret), f(former_until_us);
  }
  void From(const domain::Subscription& subscription);
  absl::StatusOr<domain::Subscription> To() const;
};

struct DeliveryRow {
  static constexpr char kColumns[] =
      "subscription, sequence, subject, attempts, create_us, next_us, error, "
      "refused_us, dead";
  std::string subscription, subject, error;
  long long sequence = 0, attempts = 0, create_us = 0, next_us = 0,
            refused_us = 0, dead = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(subscription), f(sequence), f(subject), f(attempts), f(create_us),
        f(next_us), f(error), f(refused_us), f(dead);
  }
  void From(const domain::Delivery& delivery);
  absl::StatusOr<domain::Delivery> To() const;
};

struct TransmitterRow {
  static constexpr char kColumns[] =
      "feed, issuer, audience, jwks_url, jwks, fetch_us, created_by, create_us";
  std::string feed, issuer, audience, jwks_url, jwks, created_by;
  long long fetch_us = 0, create_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(feed), f(issuer), f(audience), f(jwks_url), f(jwks), f(fetch_us),
        f(created_by), f(create_us);
  }
  void From(const domain::Transmitter& transmitter);
  absl::StatusOr<domain::Transmitter> To() const;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_EVENT_ROWS_H_
