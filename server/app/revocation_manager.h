// Use cases on revocations: how far each has come, gateway by gateway, and what
// a person knows of one.
#ifndef WARDER_SERVER_APP_REVOCATION_MANAGER_H_
#define WARDER_SERVER_APP_REVOCATION_MANAGER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/page_token.h"
#include "server/domain/revocation.h"

namespace warder::app {

// A confirmation with what people need to judge it.
struct ConfirmationStatus {
  domain::Confirmation confirmation;
  domain::Reach reach = domain::Reach::kPoll;
  std::string consumer;     // empty: the gateway was deleted
  domain::Horizon horizon;  // its reasons, where `latest` is unbounded
};

struct RevocationStatus {
  domain::Revocation revocation;
  std::vector<ConfirmationStatus> gateways;  // in order
  int Count(domain::ConfirmationState state) const;
};

// What revoking a key would do, from what gateways are known to hold.
struct RevocationImpact {
  struct OnGateway {
    domain::Gateway gateway;
    domain::Horizon horizon;
    bool holds_successor = false;
  };
  domain::Key key;
  KeyId successor;  // empty: none has to sign, or none can
  bool successor_published = false;
  int64_t live_tokens = 0;
  bool more_live_tokens = false;
  std::optional<absl::Time> tokens_until;
  std::vector<OnGateway> gateways;  // in order
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists. A gateway sees of each what is about itself.
class RevocationManager {
 public:
  // `runner` outlives this.
  explicit RevocationManager(ChangeRunner& runner) : runner_(runner) {}

  //   NOT_FOUND            no key of that ID was revoked while gateways were
  //                        registered for its issuer
  absl::StatusOr<RevocationStatus> Get(const Request& request,
                                       const KeyId& key);
  // The latest first.
  absl::StatusOr<Page<RevocationStatus>> List(const Request& request,
                                              const RevocationFilter& filter,
                                              const PageRequest& page);
  // Changes nothing. Whoever may revoke the key may ask. NOT_FOUND.
  absl::StatusOr<RevocationImpact> Plan(const Request& request,
                                        const IssuerId& issuer,
                                        const KeyId& key);
  // Records the caller's word that the gateway refuses the key.
  //
  //   NOT_FOUND  no such revocation, or it does not wait for that gateway
  absl::StatusOr<RevocationStatus> Confirm(const Request& request,
                                           const KeyId& key,
                                           const GatewayId& gateway);

 private:
  ChangeRunner& runner_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_REVOCATION_MANAGER_H_
