// Who is told of what happens here, and who is believed from outside. Plain
// values.
#ifndef WARDER_SERVER_DOMAIN_SUBSCRIPTION_H_
#define WARDER_SERVER_DOMAIN_SUBSCRIPTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/audit.h"

namespace warder::domain {

enum class SubscriptionFormat {
  kWebhook,        // JSON, signed as Standard Webhooks 1.0 says
  kSecurityEvent,  // a SET (RFC 8417) by push (RFC 8935)
};

absl::string_view SubscriptionFormatName(SubscriptionFormat format);
// Returns the format of "WEBHOOK", "SECURITY_EVENT"; INVALID_ARGUMENT.
absl::StatusOr<SubscriptionFormat> ParseSubscriptionFormat(
    absl::string_view field, absl::string_view name);

// Returns whether there is a SET that tells of the action: key.revoked (CAEP
// credential-change), alarm.raised and alarm.paged (RISC credential-compromise).
bool HasSecurityEvent(absl::string_view action);

// An endpoint outside that is told of audit events.
struct Subscription {
  std::string id;
  std::string url;
  SubscriptionFormat format = SubscriptionFormat::kWebhook;
  // Patterns of actions it wants ("key.*"); of SETs see HasSecurityEvent.
  std::vector<std::string> actions;
  // Signs the SETs, by RS256.
  IssuerId issuer;
  std::string audience;  // `aud` of the SETs
  // Sealed: the secret that signs a webhook, and the one before it, which signs
  // as well until `former_until`.
  std::string sealed_secret;
  std::string former_sealed_secret;
  std::optional<absl::Time> former_until;
  // Sealed: the value of the Authorization header; empty for none.
  std::string sealed_authorization;
  // The sequence of the last audit event that was taken up.
  int64_t cursor = 0;
  std::string created_by;
  absl::Time create_time;

  friend bool operator==(const Subscription&, const Subscription&) = default;
};

// One event that one subscription has not taken yet.
struct Delivery {
  std::string subscription;
  int64_t sequence = 0;  // of the audit event
  // What is kept in order: an owner's resource name, or what the event is
  // about.
  std::string ordering_key;
  int attempts = 0;
  absl::Time create_time;
  absl::Time next_time;  // when it is tried next
  std::string error;     // of the last attempt
  // Since when every attempt was refused for good; unset after any other.
  std::optional<absl::Time> refused_since = std::nullopt;
  // Given up; waits for a human word.
  bool dead_letter = false;

  friend bool operator==(const Delivery&, const Delivery&) = default;
};

// Returns whether `subscription` wants to hear of `event`.
bool Wants(const Subscription& subscription, const AuditEvent& event);

// Returns what the event is about, see Delivery::ordering_key.
std::string OrderingKeyOf(const AuditEvent& event);

// An identity provider outside that reports by SETs. As a feed it is called
// transmitters/{id}.
struct Transmitter {
  std::string id;
  std::string issuer;    // `iss` of its SETs
  std::string audience;  // `aud` they must name
  std::string jwks_url;  // empty: its keys are pinned
  std::string jwks;      // its key set as it was last fetched, or pinned
  absl::Time fetch_time;
  std::string created_by;
  absl::Time create_time;

  friend bool operator==(const Transmitter&, const Transmitter&) = default;
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_SUBSCRIPTION_H_
