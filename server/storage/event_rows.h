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
      "id, url, format, actions, issuer, audience, sealed_authorization, "
      "cursor, "
      "created_by, create_us";
  static constexpr char kChanges[] =
      "sealed_secret, former_sealed_secret, former_until_us";
  std::string id, url, format, actions, issuer, audience, sealed_authorization,
      created_by, sealed_secret, former_sealed_secret;
  long long cursor = 0, create_us = 0, former_until_us = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(id), f(url), f(format), f(actions), f(issuer), f(audience),
        f(sealed_authorization), f(cursor), f(created_by), f(create_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(sealed_secret), f(former_sealed_secret), f(former_until_us);
  }
  void From(const domain::Subscription& subscription);
  absl::StatusOr<domain::Subscription> To() const;
};

struct DeliveryRow {
  static constexpr char kColumns[] =
      "subscription, sequence, ordering_key, attempts, create_us, next_us, "
      "error, "
      "refused_us, dead_letter";
  std::string subscription, ordering_key, error;
  long long sequence = 0, attempts = 0, create_us = 0, next_us = 0,
            refused_us = 0, dead_letter = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(subscription), f(sequence), f(ordering_key), f(attempts), f(create_us),
        f(next_us), f(error), f(refused_us), f(dead_letter);
  }
  void From(const domain::Delivery& delivery);
  absl::StatusOr<domain::Delivery> To() const;
};

struct TransmitterRow {
  static constexpr char kColumns[] =
      "id, issuer, audience, jwks_url, jwks, fetch_us, created_by, create_us";
  std::string id, issuer, audience, jwks_url, jwks, created_by;
  long long fetch_us = 0, create_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(id), f(issuer), f(audience), f(jwks_url), f(jwks), f(fetch_us),
        f(created_by), f(create_us);
  }
  void From(const domain::Transmitter& transmitter);
  absl::StatusOr<domain::Transmitter> To() const;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_EVENT_ROWS_H_
