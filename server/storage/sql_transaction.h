// What the port asks for, as statements. Those that serve a call are prepared
// once per connection; lists with filters and whole passes, when they run.
#ifndef WARDER_SERVER_STORAGE_SQL_TRANSACTION_H_
#define WARDER_SERVER_STORAGE_SQL_TRANSACTION_H_

#include <soci/soci.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/app/store.h"

namespace warder::storage {

struct Statements;
struct HrStatements;
struct EventStatements;
struct AlarmStatements;
struct GatewayStatements;

// What app::Transaction promises, on one connection. The caller begins and
// ends the transaction around it. Not thread-safe.
class SqlTransaction : public app::Transaction {
 public:
  // Prepares the statements. `sql` outlives this. Throws what SOCI throws.
  explicit SqlTransaction(soci::session& sql);
  ~SqlTransaction() override;

  // Call first in every transaction: forgets what the one before had read.
  void Start() { seen_ = {}; }

  absl::StatusOr<std::optional<domain::Issuer>> FindIssuer(
      const IssuerId& id) override;
  absl::StatusOr<std::vector<domain::Issuer>> ListIssuers(
      const std::string& after, int limit) override;
  absl::StatusOr<std::optional<domain::Owner>> FindOwner(
      const OwnerId& id) override;
  absl::StatusOr<std::vector<domain::Owner>> ListOwners(
      const std::string& after, int limit) override;
  absl::StatusOr<std::vector<domain::Owner>> ListLapsed(absl::Time since,
                                                        int limit) override;
  absl::StatusOr<std::vector<domain::Owner>> ListOverdue(absl::Time since,
                                                         int limit) override;
  absl::StatusOr<int64_t> CountSuspendedSince(absl::Time since) override;
  absl::StatusOr<bool> HasTouchedKeys(const std::string& person) override;
  absl::StatusOr<std::optional<domain::Key>> FindKey(const IssuerId& issuer,
                                                     const KeyId& id) override;
  absl::StatusOr<std::vector<domain::Key>> ListKeys(
      const app::KeyFilter& filter, const std::pair<IssuerId, KeyId>& after,
      int limit) override;
  absl::StatusOr<domain::IssuerDraft> LoadDraft(const IssuerId& id,
                                                app::KeyScope scope) override;
  absl::Status LoadPeople(domain::IssuerDraft& draft) override;
  absl::StatusOr<std::vector<IssuerId>> ListIssuersTouchedBy(
      const OwnerId& person) override;
  absl::StatusOr<std::vector<domain::Exposure>> ListExposures(
      const OwnerId& person) override;
  absl::StatusOr<std::vector<domain::Exposure>> ListKeyExposures(
      const IssuerId& issuer, const KeyId& key) override;
  absl::StatusOr<std::vector<domain::Custody>> ListCustodies(
      const std::string& person) override;
  absl::StatusOr<std::vector<IssuerId>> ListDueIssuers(absl::Time now,
                                                       int limit) override;
  absl::StatusOr<absl::Time> NextDue() override;
  absl::StatusOr<std::optional<domain::Departure>> FindDeparture(
      const OwnerId& owner) override;
  absl::StatusOr<std::vector<domain::Cut>> ListScheduledDepartures() override;
  absl::StatusOr<std::optional<domain::AuditEvent>> LastEvent() override;
  absl::StatusOr<std::vector<domain::AuditEvent>> ListEvents(
      int64_t after, int limit) override;
  absl::StatusOr<std::optional<domain::User>> FindUser(
      const std::string& id) override;
  absl::StatusOr<std::vector<domain::User>> FindUsersByName(
      domain::MatchRule rule, const std::string& name) override;
  absl::StatusOr<std::vector<domain::User>> ListUsersOf(
      const OwnerId& owner) override;
  absl::StatusOr<std::vector<domain::User>> ListUsers(const std::string& feed,
                                                      int64_t offset,
                                                      int limit) override;
  absl::StatusOr<int64_t> CountUsers(const std::string& feed) override;
  absl::StatusOr<std::optional<domain::Owner>> FindOwnerByName(
      domain::MatchRule rule, const std::string& name) override;
  absl::StatusOr<int64_t> CountActiveByName(domain::MatchRule rule,
                                            const std::string& name) override;
  absl::StatusOr<int64_t> CountActivePeople() override;
  absl::StatusOr<std::vector<domain::Feed>> ListFeeds() override;
  absl::StatusOr<std::optional<domain::FeedToken>> FindFeedToken(
      const std::string& id) override;
  absl::StatusOr<std::vector<domain::FeedToken>> ListFeedTokens() override;
  absl::StatusOr<std::optional<domain::HeldDeparture>> FindHeld(
      const OwnerId& owner) override;
  absl::StatusOr<std::vector<domain::HeldDeparture>> ListHeld() override;
  absl::StatusOr<std::map<OwnerId, absl::Time>> ListAbsences() override;
  absl::StatusOr<int64_t> CountFeedDepartures(
      absl::Time since, const std::string& reported_by) override;
  absl::StatusOr<std::vector<domain::Subscription>> ListSubscriptions()
      override;
  absl::StatusOr<std::optional<domain::Subscription>> FindSubscription(
      const std::string& id) override;
  absl::StatusOr<std::vector<domain::Delivery>> ListDeliveries(
      const std::string& subscription, bool dead_letters, int64_t after,
      int limit) override;
  absl::StatusOr<std::optional<domain::Delivery>> FindDelivery(
      const std::string& subscription, int64_t sequence) override;
  absl::StatusOr<int64_t> CountDeliveries(const std::string& subscription,
                                          bool dead_letters) override;
  absl::StatusOr<std::vector<domain::Transmitter>> ListTransmitters() override;
  absl::StatusOr<std::optional<domain::Transmitter>> FindTransmitter(
      const std::string& feed) override;
  absl::StatusOr<int64_t> FirstEventSince(absl::Time time) override;
  absl::StatusOr<std::pair<std::vector<domain::AuditEvent>, int64_t>>
  ListEventsOf(const std::string& person, absl::Time since, int limit) override;
  absl::StatusOr<std::vector<domain::AuditEvent>> ListEventsAbout(
      const OwnerId& owner, int limit) override;
  absl::StatusOr<std::optional<app::RequestRecord>> FindRequest(
      const std::string& principal, const std::string& request_id) override;
  absl::StatusOr<app::StoreCounts> Count() override;
  absl::Status VisitPublished(
      absl::FunctionRef<void(domain::IssuerDraft)> visit) override;
  absl::Status VisitEndedKeys(
      absl::FunctionRef<void(domain::Key)> visit) override;

  absl::Status InsertOwner(const domain::Owner& owner) override;
  absl::Status UpdateOwner(domain::Owner& owner) override;
  absl::Status SaveDraft(domain::IssuerDraft& draft,
                         absl::Time next_due) override;
  absl::Status AppendEvent(const domain::AuditEvent& event) override;
  absl::Status InsertRequest(const app::RequestRecord& record) override;
  absl::Status PruneRequests(absl::Time before) override;
  absl::Status PutDeparture(const domain::Departure& departure) override;
  absl::Status DeleteDeparture(const OwnerId& owner) override;
  absl::Status InsertDeclaredExposure(
      const domain::Exposure& exposure) override;
  absl::Status InsertCustody(const domain::Custody& custody) override;
  absl::Status InsertUser(const domain::User& user) override;
  absl::Status UpdateUser(domain::User& user) override;
  absl::Status PutFeed(const domain::Feed& feed) override;
  absl::Status PutFeedToken(const domain::FeedToken& token) override;
  absl::Status PutHeld(const domain::HeldDeparture& held) override;
  absl::Status DeleteHeld(const OwnerId& owner) override;
  absl::Status PutAbsence(const OwnerId& owner, absl::Time since) override;
  absl::Status DeleteAbsence(const OwnerId& owner) override;
  absl::Status InsertSubscription(
      const domain::Subscription& subscription) override;
  absl::Status UpdateSubscription(
      const domain::Subscription& subscription) override;
  absl::Status MoveCursor(const std::string& subscription, int64_t from,
                          int64_t to) override;
  absl::Status DeleteSubscription(const std::string& id) override;
  absl::Status PutDelivery(const domain::Delivery& delivery) override;
  absl::Status DeleteDelivery(const std::string& subscription,
                              int64_t sequence) override;
  absl::Status PutTransmitter(const domain::Transmitter& transmitter) override;
  absl::Status DeleteTransmitter(const std::string& feed) override;

  absl::StatusOr<std::optional<domain::Gateway>> FindGateway(
      const GatewayId& id) override;
  absl::StatusOr<std::vector<domain::Gateway>> ListGateways(
      const std::string& after, int limit) override;
  absl::StatusOr<bool> AnyGateway() override;
  absl::StatusOr<std::vector<domain::Gateway>> ListGatewaysOf(
      const IssuerId& issuer) override;
  absl::StatusOr<std::vector<domain::GatewayView>> ListViews(
      const GatewayId& gateway, const IssuerId& issuer) override;
  absl::StatusOr<std::optional<domain::Revocation>> FindRevocation(
      const KeyId& key) override;
  absl::StatusOr<std::vector<domain::Revocation>> ListRevocations(
      const app::RevocationFilter& filter,
      const std::pair<absl::Time, std::string>& before, int limit) override;
  absl::StatusOr<std::vector<domain::Revocation>> ListDueRevocations(
      absl::Time now, int limit) override;
  absl::StatusOr<absl::Time> NextRevocationDue() override;
  absl::StatusOr<std::vector<domain::Revocation>> ListOpenRevocationsOf(
      const IssuerId& issuer) override;
  absl::StatusOr<std::vector<domain::Confirmation>> ListConfirmations(
      const KeyId& key) override;
  absl::StatusOr<int64_t> CountOverdueConfirmations() override;
  absl::Status InsertGateway(const domain::Gateway& gateway) override;
  absl::Status UpdateGateway(domain::Gateway& gateway) override;
  absl::Status DeleteGateway(const GatewayId& id) override;
  absl::Status PutView(const domain::GatewayView& view) override;
  absl::StatusOr<std::vector<domain::GatewayInstance>> ListInstances() override;
  absl::Status PutInstance(const domain::GatewayInstance& instance) override;
  absl::Status DeleteInstance(const GatewayId& gateway,
                              const std::string& name) override;
  absl::Status InsertRevocation(const domain::Revocation& revocation,
                                absl::Time next) override;
  absl::Status UpdateRevocation(domain::Revocation& revocation,
                                absl::Time next) override;
  absl::StatusOr<std::vector<domain::Revocation>> ListUnstatedRevocations(
      int limit) override;
  absl::StatusOr<std::vector<domain::Confirmation>> ListOpenConfirmationsOf(
      const GatewayId& gateway) override;
  absl::StatusOr<std::optional<domain::Canary>> FindCanary(
      const KeyId& key, const std::string& audience, absl::Time now,
      absl::Time until) override;
  absl::StatusOr<bool> AnyCanary(const KeyId& key, const std::string& audience,
                                 absl::Time now) override;
  absl::StatusOr<std::vector<app::ProbeTarget>> ListProbeTargets(
      absl::Time now, int limit) override;
  absl::StatusOr<std::optional<domain::Drill>> FindDrill(
      const DrillId& id) override;
  absl::StatusOr<std::vector<domain::Drill>> ListDrills(
      const std::pair<absl::Time, std::string>& before, int limit) override;
  absl::Status InsertDrill(const domain::Drill& drill) override;
  absl::StatusOr<std::optional<domain::Alarm>> FindAlarm(
      int64_t number) override;
  absl::StatusOr<std::optional<domain::Alarm>> FindLivingAlarm(
      const std::string& place) override;
  absl::StatusOr<std::vector<domain::Alarm>> ListAlarms(bool open_only,
                                                        int64_t before,
                                                        int limit) override;
  absl::Status InsertAlarm(domain::Alarm& alarm) override;
  absl::Status UpdateAlarm(domain::Alarm& alarm) override;
  absl::Status InsertCanary(const domain::Canary& canary) override;
  absl::Status DeleteCanariesUntil(absl::Time until) override;
  absl::Status InsertConfirmation(
      const domain::Confirmation& confirmation) override;
  absl::Status UpdateConfirmation(domain::Confirmation& confirmation) override;

 private:
  absl::Status LoadDeputies(domain::Issuer& issuer);
  absl::StatusOr<std::optional<domain::Deputy>> LoadDeputy(const OwnerId& id);
  // As FindOwner, from memory where this transaction has read it: thousands of
  // issuers of one departure have the same people.
  absl::StatusOr<std::optional<domain::Owner>> SeenOwner(const OwnerId& id);
  absl::Status LoadCuts(domain::IssuerDraft& draft);
  absl::Status SaveUserNames(const domain::User& user);
  absl::Status SaveMembers(const domain::Owner& owner);
  absl::Status SaveIssuer(domain::IssuerDraft& draft, absl::Time next_due);
  absl::Status SaveDeputies(const domain::IssuerDraft& draft);
  absl::Status UpdateKeys(domain::IssuerDraft& draft);
  void InsertKeys(domain::IssuerDraft& draft);
  absl::Status SaveGatewayIssuers(const domain::Gateway& gateway);
  void EndExposures(const domain::IssuerDraft& draft);

  soci::session& sql_;
  std::unique_ptr<Statements> statements_;
  std::unique_ptr<HrStatements> hr_;
  std::unique_ptr<EventStatements> events_;
  std::unique_ptr<GatewayStatements> gateways_;
  std::unique_ptr<AlarmStatements> alarms_;
  // What this transaction has read and not changed since.
  struct Seen {
    std::map<OwnerId, std::optional<domain::Owner>> owners;
    std::optional<bool> any_scheduled;  // departures
    std::optional<bool> any_declared;   // exposures
    std::optional<bool> any_gateway;
  };
  Seen seen_;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_SQL_TRANSACTION_H_
