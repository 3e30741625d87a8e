// Use cases on gateways: who verifies our tokens, and how each can be reached
// and asked.
#ifndef WARDER_SERVER_APP_GATEWAY_MANAGER_H_
#define WARDER_SERVER_APP_GATEWAY_MANAGER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/gateway_directory.h"
#include "server/app/page_token.h"
#include "server/domain/gateway.h"
#include "server/domain/horizon.h"

namespace warder::app {

// A gateway with what it is known to hold of one issuer's key set.
struct GatewayStanding {
  IssuerId issuer;
  int64_t published = 0;     // the revision that is published
  domain::GatewayView view;  // revision 0: it was never seen
  domain::Horizon horizon;   // of a key revoked now
};

struct GatewayStatus {
  domain::Gateway gateway;
  std::vector<GatewayStanding> issuers;  // in order
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists. A gateway sees itself alone.
class GatewayManager {
 public:
  // Both outlive this.
  GatewayManager(ChangeRunner& runner, GatewayDirectory& directory)
      : runner_(runner), directory_(directory) {}

  // Adds one. From now on it has URLs of its own on the public door, its
  // certificate (role `gateway`, the same name) may watch, and revocations of
  // its issuers wait for it.
  //
  //   INVALID_ARGUMENT     see domain::ValidateGateway; probe.url
  //   ALREADY_EXISTS
  //   NOT_FOUND            no such issuer
  //   FAILED_PRECONDITION  WRONG_STATE: it reads none of an issuer's algorithms
  absl::StatusOr<GatewayStatus> Create(const Request& request,
                                       domain::Gateway gateway);
  // NOT_FOUND.
  absl::StatusOr<GatewayStatus> Get(const Request& request,
                                    const GatewayId& id);
  absl::StatusOr<Page<GatewayStatus>> List(const Request& request,
                                           const PageRequest& page);
  // `apply` changes what is to change of the gateway as it is stored. Errors as
  // Create; NOT_FOUND; ABORTED ETAG_MISMATCH.
  absl::StatusOr<GatewayStatus> Update(
      const Request& request, const GatewayId& id, const std::string& etag,
      const std::function<absl::Status(domain::Gateway&)>& apply);
  // It is gone: no revocation waits for it any more. NOT_FOUND.
  absl::Status Delete(const Request& request, const GatewayId& id);

 private:
  absl::Status Check(const domain::Gateway& gateway);
  absl::Status CheckIssuers(ReadTransaction& txn,
                            const domain::Gateway& gateway);
  absl::StatusOr<GatewayStatus> StatusOf(ReadTransaction& txn,
                                         domain::Gateway gateway);
  // What was changed is what the doors see from now on.
  absl::StatusOr<GatewayStatus> Finish(const Request& request,
                                       const GatewayId& id,
                                       const domain::Gateway& planned);

  ChangeRunner& runner_;
  GatewayDirectory& directory_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_GATEWAY_MANAGER_H_
