// Use cases on revocations: how far each has come, gateway by gateway, and what
// a person knows of one.
#ifndef WARDER_SERVER_APP_REVOCATION_MANAGER_H_
#define WARDER_SERVER_APP_REVOCATION_MANAGER_H_

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
