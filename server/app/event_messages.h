// Audit events as messages to others: webhooks and Security Event Tokens.
#ifndef WARDER_SERVER_APP_EVENT_MESSAGES_H_
#define WARDER_SERVER_APP_EVENT_MESSAGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/outbound.h"
#include "server/app/publisher.h"
#include "server/app/token_signer.h"
#include "server/domain/subscription.h"

namespace warder::app {

// A POST but for its URL.
struct EventMessage {
  std::vector<std::string> headers;
  std::string body;
};

// Thread-safe.
class EventMessages {
 public:
  // All outlive this.
  EventMessages(const Publisher& publisher, TokenSigner& signer,
                SharedSecrets& secrets)
      : publisher_(publisher), signer_(signer), secrets_(secrets) {}

  // Returns what `subscription` is told of `event` at `now`. Its ID is the same
  // every time, so that a receiver knows a repetition.
  //
  // A webhook is {"type", "timestamp", "data"}, signed as Standard Webhooks 1.0
  // says: webhook-id, webhook-timestamp, webhook-signature "v1,<base64>".
  //
  // A SET is CAEP's credential-change (CAEP 1.0 section 3.3) with change_type
  // "revoke": `sub_id` is the key, as iss_sub of its issuer and kid; `txn` is
  // the same for all keys of one change. RS256, as the CAEP interoperability
  // profile wants it.
  //
  //   FAILED_PRECONDITION  NO_SIGNING_KEY: the issuer of the SETs signs no
  //   RS256
  //                        now; KEY_ENCRYPTION_KEY
  absl::StatusOr<EventMessage> Make(const domain::Subscription& subscription,
                                    const domain::AuditEvent& event,
                                    absl::Time now);

 private:
  absl::StatusOr<EventMessage> Webhook(const domain::Subscription& subscription,
                                       const domain::AuditEvent& event,
                                       absl::Time now);
  // The event of a SET, and its subject.
  absl::StatusOr<Json> RevocationClaims(const domain::AuditEvent& event);
  absl::StatusOr<Json> AlarmClaims(const domain::AuditEvent& event);
  absl::StatusOr<EventMessage> SecurityEvent(
      const domain::Subscription& subscription,
      const domain::AuditEvent& event);

  const Publisher& publisher_;
  TokenSigner& signer_;
  SharedSecrets& secrets_;
};

// The resource a subscription's secrets are bound to: "subscriptions/{id}".
std::string SubscriptionName(const std::string& id);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_EVENT_MESSAGES_H_
