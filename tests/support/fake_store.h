// The store in memory, for tests of what stands above it. Passes the same
// contract suite as the SQL store, the orphan rules included.
#ifndef WARDER_TESTS_SUPPORT_FAKE_STORE_H_
#define WARDER_TESTS_SUPPORT_FAKE_STORE_H_

#include <map>
#include <set>
#include <string>

#include "server/app/store.h"
#include "server/base/mutex.h"

namespace warder {

// All there is; copied at the begin of a transaction.
struct FakeStoreState {
  std::map<OwnerId, domain::Owner> owners;
  std::map<IssuerId, domain::Issuer> issuers;
  std::map<IssuerId, absl::Time> next_due;
  std::map<std::pair<IssuerId, KeyId>, domain::Key> keys;
  std::map<std::pair<IssuerId, KeyId>, domain::Spare> spares;
  std::vector<domain::Exposure> exposures;
  std::vector<domain::Custody> custodies;
  std::vector<domain::User> users;  // in the order they came
  std::map<std::string, domain::Feed> feeds;
  std::map<std::string, domain::FeedToken> feed_tokens;
  std::map<OwnerId, domain::HeldDeparture> held;
  std::map<OwnerId, absl::Time> absences;
  std::map<std::string, domain::Subscription> subscriptions;
  std::map<std::pair<std::string, int64_t>, domain::Delivery> deliveries;
  std::map<std::string, domain::Transmitter> transmitters;
  std::map<GatewayId, domain::Gateway> gateways;
  std::map<std::pair<GatewayId, IssuerId>, domain::GatewayView> views;
  std::map<std::pair<GatewayId, std::string>, domain::GatewayInstance>
      instances;
  std::vector<domain::Canary> canaries;
  std::map<DrillId, domain::Drill> drills;
  std::map<int64_t, domain::Alarm> alarms;
  // With when time may change something.
  std::map<KeyId, std::pair<domain::Revocation, absl::Time>> revocations;
  std::map<std::pair<KeyId, GatewayId>, domain::Confirmation> confirmations;
  std::map<std::pair<std::string, std::string>, app::RequestRecord> requests;
  std::map<OwnerId, domain::Departure> departures;
  std::vector<domain::AuditEvent> events;
};

class FakeStore : public app::Store {
 public:
  absl::Status Mutate(
      absl::FunctionRef<absl::Status(app::Transaction&)> body) override;
  absl::Status Read(
      absl::FunctionRef<absl::Status(app::ReadTransaction&)> body) override;

  absl::Status Maintain() override { return absl::OkStatus(); }

  // While set, Mutate runs its body and then fails with this instead of
  // committing; Read fails at once when `reads_too`.
  void FailWith(absl::Status status, bool reads_too = false);

 private:
  Mutex mu_;
  FakeStoreState state_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool reads_fail_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_FAKE_STORE_H_
