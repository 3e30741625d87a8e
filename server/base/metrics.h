// The one door to prometheus-cpp: every number the service tells about itself.
//
// Each method is thread-safe and does not block. Label values come from closed
// sets (method names, status codes, states), so that series stay few.
#ifndef WARDER_SERVER_BASE_METRICS_H_
#define WARDER_SERVER_BASE_METRICS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder {

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // warder_rpc_requests_total{method,code}, warder_rpc_duration_seconds{method}
  void CountRpc(absl::string_view method, absl::string_view code,
                absl::Duration took);
  // warder_key_set_requests_total{status}
  void CountKeySetRequest(int status);
  // warder_sign_operations_total{algorithm,result}
  void CountSign(absl::string_view algorithm, bool ok);
  // warder_ledger_tokens, warder_ledger_files, warder_ledger_incomplete_minutes
  void SetLedger(int64_t tokens, int64_t files, int64_t incomplete_minutes);
  // warder_alarms_total{kind,severity}: opened, or become a page
  void CountAlarm(absl::string_view kind, absl::string_view severity);
  // warder_observations_total{result}: tokens that gateways reported and that
  // were never_issued, not_judged, or dropped by the gateway
  void CountObservations(int64_t never_issued, int64_t not_judged,
                         int64_t dropped);
  // warder_revocations_total{reason}
  void CountRevocation(absl::string_view reason);
  // warder_denials_total
  void CountDenial();
  // warder_keys{state}
  void SetKeysByState(const std::map<std::string, int64_t>& counts);
  // warder_seconds_since_last_rotation
  void SetSinceLastRotation(absl::Duration since);
  // warder_rotation_loop_lag_seconds, warder_rotation_loop_failures_total
  void SetLoopLag(absl::Duration lag);
  void CountLoopFailure();
  // warder_store_available (1 or 0)
  void SetStoreAvailable(bool available);
  // warder_public_certificate_expire_time_seconds (since 1970)
  void SetCertificateExpiry(absl::Time expires);
  // warder_issuers_without_living_owner
  void SetOrphanedIssuers(int64_t count);

  // warder_owners_overdue (overdue or suspended)
  void SetOverdueOwners(int64_t count);
  // warder_suspensions_held
  void SetHeldSuspensions(int64_t count);

  // warder_confirmation_seconds{state}: from the revocation until a gateway had
  // fetched, or enforced
  void ObserveConfirmation(absl::string_view state, absl::Duration took);
  // warder_confirmations_overdue
  void SetOverdueConfirmations(int64_t count);
  // warder_gateway_revision_lag{gateway}: published sets it does not hold yet
  void SetRevisionLag(absl::string_view gateway, int64_t lag);

  // warder_departures_held_total
  void CountHeldDeparture();
  // warder_feed_silent{feed} (1 while its silence is an alarm)
  void SetFeedSilent(absl::string_view feed, bool silent);
  // warder_deliveries{subscription,state} (state waiting or dead)
  void SetDeliveries(absl::string_view subscription, int64_t waiting,
                     int64_t dead);
  // warder_delivery_attempts_total{subscription,result} (told or failed)
  void CountDeliveryAttempt(absl::string_view subscription, bool told);
  // warder_security_events_total{feed,result}
  void CountSecurityEvent(absl::string_view feed, absl::string_view result);
  // warder_hr_requests_total{method,status}
  void CountHrRequest(absl::string_view method, int status);

  // Returns all of it in the Prometheus text exposition format 0.0.4.
  std::string Text() const;

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

}  // namespace warder

#endif  // WARDER_SERVER_BASE_METRICS_H_
