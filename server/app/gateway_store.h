// The part of the store's port (store.h) about gateways, what each holds, and
// what is known of revoked keys being refused. Errors as there.
#ifndef WARDER_SERVER_APP_GATEWAY_STORE_H_
#define WARDER_SERVER_APP_GATEWAY_STORE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/canary.h"
#include "server/domain/drill.h"
#include "server/domain/gateway.h"
#include "server/domain/revocation.h"

namespace warder::app {

struct RevocationFilter {
  std::optional<IssuerId> issuer = std::nullopt;
  std::optional<OwnerId> leaver = std::nullopt;
  bool open_only = false;  // not refused by every gateway yet
};

// A gateway that is asked whether it refuses a key.
struct ProbeTarget {
  KeyId key;
  GatewayId gateway;
};

class GatewayReads {
 public:
  virtual ~GatewayReads() = default;

  virtual absl::StatusOr<std::optional<domain::Gateway>> FindGateway(
      const GatewayId& id) = 0;
  // Returns at most `limit` gateways with an ID greater than `after`, in order.
  virtual absl::StatusOr<std::vector<domain::Gateway>> ListGateways(
      const std::string& after, int limit) = 0;
  // Returns whether there is any.
  virtual absl::StatusOr<bool> AnyGateway() = 0;
  virtual absl::StatusOr<std::vector<domain::Gateway>> ListGatewaysOf(
      const IssuerId& issuer) = 0;

  // Returns what the gateway, or where it is empty every gateway, is known to
  // hold of the issuer's key set, or where that is empty of every issuer's.
  virtual absl::StatusOr<std::vector<domain::GatewayView>> ListViews(
      const GatewayId& gateway, const IssuerId& issuer) = 0;

  virtual absl::StatusOr<std::vector<domain::GatewayInstance>>
  ListInstances() = 0;

  virtual absl::StatusOr<std::optional<domain::Revocation>> FindRevocation(
      const KeyId& key) = 0;
  // Returns at most `limit`, the latest first, of those before (time, key).
  virtual absl::StatusOr<std::vector<domain::Revocation>> ListRevocations(
      const RevocationFilter& filter,
      const std::pair<absl::Time, std::string>& before, int limit) = 0;
  // Returns at most `limit` open ones for which time may change something at
  // `now`, and when that is next so for the others.
  virtual absl::StatusOr<std::vector<domain::Revocation>> ListDueRevocations(
      absl::Time now, int limit) = 0;
  virtual absl::StatusOr<absl::Time> NextRevocationDue() = 0;
  virtual absl::StatusOr<std::vector<domain::Revocation>> ListOpenRevocationsOf(
      const IssuerId& issuer) = 0;
  virtual absl::StatusOr<std::vector<domain::Confirmation>> ListConfirmations(
      const KeyId& key) = 0;
  virtual absl::StatusOr<int64_t> CountOverdueConfirmations() = 0;
  // Returns at most `limit` closed ones about which nothing is stated yet.
  virtual absl::StatusOr<std::vector<domain::Revocation>>
  ListUnstatedRevocations(int limit) = 0;
  // Returns those that are not known to have ended, of any key.
  virtual absl::StatusOr<std::vector<domain::Confirmation>>
  ListOpenConfirmationsOf(const GatewayId& gateway) = 0;
  // Returns a canary of the key that is to be used at `now`, and is valid until
  // after `until`. Its window's `issued` is not kept.
  virtual absl::StatusOr<std::optional<domain::Canary>> FindCanary(
      const KeyId& key, const std::string& audience, absl::Time now,
      absl::Time until) = 0;
  // Returns whether any is left for `now` or later.
  virtual absl::StatusOr<bool> AnyCanary(const KeyId& key,
                                         const std::string& audience,
                                         absl::Time now) = 0;
  // Returns at most `limit` of what can be asked: gateways with a probe that
  // are to refuse a key of which there are canaries for `now` or later.
  virtual absl::StatusOr<std::vector<ProbeTarget>> ListProbeTargets(
      absl::Time now, int limit) = 0;

  virtual absl::StatusOr<std::optional<domain::Drill>> FindDrill(
      const DrillId& id) = 0;
  // Returns at most `limit`, the latest first, of those before (time, ID).
  virtual absl::StatusOr<std::vector<domain::Drill>> ListDrills(
      const std::pair<absl::Time, std::string>& before, int limit) = 0;
};

class GatewayWrites {
 public:
  virtual ~GatewayWrites() = default;

  // ALREADY_EXISTS. FAILED_PRECONDITION: no such issuer.
  virtual absl::Status InsertGateway(const domain::Gateway& gateway) = 0;
  // Compare-and-set on gateway.rev; counts it up. ABORTED when it moved.
  virtual absl::Status UpdateGateway(domain::Gateway& gateway) = 0;
  // With its views; what was confirmed of it is kept.
  virtual absl::Status DeleteGateway(const GatewayId& id) = 0;
  // Inserts or replaces.
  virtual absl::Status PutView(const domain::GatewayView& view) = 0;
  virtual absl::Status PutInstance(const domain::GatewayInstance& instance) = 0;
  virtual absl::Status DeleteInstance(const GatewayId& gateway,
                                      const std::string& name) = 0;

  // `next`: when time may change something. ALREADY_EXISTS.
  virtual absl::Status InsertRevocation(const domain::Revocation& revocation,
                                        absl::Time next) = 0;
  // Writes close_time, statement and `next`. Compare-and-set; counts rev up.
  // ABORTED.
  virtual absl::Status UpdateRevocation(domain::Revocation& revocation,
                                        absl::Time next) = 0;
  virtual absl::Status InsertCanary(const domain::Canary& canary) = 0;
  // Those that expired before.
  virtual absl::Status DeleteCanariesUntil(absl::Time until) = 0;
  virtual absl::Status InsertConfirmation(
      const domain::Confirmation& confirmation) = 0;
  // Compare-and-set; counts rev up. ABORTED.
  virtual absl::Status UpdateConfirmation(
      domain::Confirmation& confirmation) = 0;
  // ALREADY_EXISTS.
  virtual absl::Status InsertDrill(const domain::Drill& drill) = 0;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_GATEWAY_STORE_H_
