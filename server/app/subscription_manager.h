// Use cases on subscriptions: who outside is told of what happens here, and
// what could not be told.
#ifndef WARDER_SERVER_APP_SUBSCRIPTION_MANAGER_H_
#define WARDER_SERVER_APP_SUBSCRIPTION_MANAGER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/outbound.h"
#include "server/base/random.h"
#include "server/domain/subscription.h"

namespace warder::app {

struct CreateSubscriptionCommand {
  std::string id;
  std::string url;
  domain::SubscriptionFormat format = domain::SubscriptionFormat::kWebhook;
  std::vector<std::string> actions;  // of a webhook; empty: the usual ones
  IssuerId issuer;                   // of SETs
  std::string audience;              // of SETs
  std::string authorization;         // a header's value, or empty
};

struct NewSubscription {
  domain::Subscription subscription;
  std::string secret;  // of a webhook; shown once
};

// A subscription and how far it has come.
struct SubscriptionStatus {
  domain::Subscription subscription;
  int64_t waiting = 0;  // deliveries taken up and still tried
  int64_t dead_letters = 0;
  int64_t behind = 0;  // audit events not looked at yet
  std::string error;   // of the delivery that has waited longest
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class SubscriptionManager {
 public:
  // All outlive this.
  SubscriptionManager(ChangeRunner& runner, Random& random,
                      SharedSecrets& secrets)
      : runner_(runner), random_(random), secrets_(secrets) {}

  // Adds one. It is told of what happens from now on.
  //
  //   INVALID_ARGUMENT     id, url, actions, audience, authorization
  //   ALREADY_EXISTS
  //   FAILED_PRECONDITION  WRONG_STATE: the issuer signs no RS256; there are
  //                        kMostSubscriptions
  //   NOT_FOUND            no such issuer
  absl::StatusOr<NewSubscription> Create(
      const Request& request, const CreateSubscriptionCommand& command);
  // Who may not manage them sees no more than the origins of their URLs.
  absl::StatusOr<std::vector<SubscriptionStatus>> List(const Request& request);
  // NOT_FOUND. What it has not been told yet is forgotten.
  absl::Status Delete(const Request& request, const std::string& id);
  // Makes a new secret of a webhook; the former one signs as well for
  // `overlap`.
  //
  //   NOT_FOUND            no such subscription
  //   INVALID_ARGUMENT     overlap: negative or past 30 days
  //   FAILED_PRECONDITION  WRONG_STATE: it sends SETs, which have no secret
  absl::StatusOr<NewSubscription> RotateSecret(const Request& request,
                                               const std::string& id,
                                               absl::Duration overlap);

  // Returns at most 1000 deliveries, in order. NOT_FOUND.
  absl::StatusOr<std::vector<domain::Delivery>> ListDeliveries(
      const Request& request, const std::string& id, bool dead_letters);
  // Tries dead letters again, of these sequences or, where there are none, all.
  // Returns how many. NOT_FOUND: no such subscription, or no such dead letter,
  // and nothing was changed.
  absl::StatusOr<int> Retry(const Request& request, const std::string& id,
                            const std::vector<int64_t>& sequences);
  // Forgets dead letters. As Retry.
  absl::StatusOr<int> Drop(const Request& request, const std::string& id,
                           const std::vector<int64_t>& sequences);

  static constexpr int kMostSubscriptions = 32;

 private:
  absl::StatusOr<domain::Subscription> Check(
      const CreateSubscriptionCommand& command);
  // Gives it a fresh secret, and returns that.
  absl::StatusOr<std::string> MakeSecret(domain::Subscription& subscription);
  absl::StatusOr<int> ChangeDead(const Request& request, const std::string& id,
                                 const std::vector<int64_t>& sequences,
                                 bool retry);

  ChangeRunner& runner_;
  Random& random_;
  SharedSecrets& secrets_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_SUBSCRIPTION_MANAGER_H_
