// The real warderd, composed with a store that ends the process by SIGKILL at
// the step $WARDER_CRASH_STEP, counted from the moment the file "armed" stands
// in the data directory. The last step lies after the publication and before
// the answer.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <iostream>

#include "server/main/server.h"

namespace warder {
namespace {

std::string g_armed_file;  // set once, before any thread

void Step() {
  static std::atomic<int> steps = 0;
  static const int last = atoi(getenv("WARDER_CRASH_STEP"));
  if (access(g_armed_file.c_str(), F_OK) != 0) return;
  if (++steps == last) kill(getpid(), SIGKILL);
}

// Every write is a step.
class SteppingTransaction : public app::Transaction {
 public:
  explicit SteppingTransaction(app::Transaction& inner) : t_(inner) {}

  absl::StatusOr<std::optional<domain::Gateway>> FindGateway(
      const GatewayId& id) override {
    return t_.FindGateway(id);
  }
  absl::StatusOr<std::vector<domain::Gateway>> ListGateways(
      const std::string& after, int limit) override {
    return t_.ListGateways(after, limit);
  }
  absl::StatusOr<bool> AnyGateway() override { return t_.AnyGateway(); }
  absl::StatusOr<std::vector<domain::Gateway>> ListGatewaysOf(
      const IssuerId& issuer) override {
    return t_.ListGatewaysOf(issuer);
  }
  absl::StatusOr<std::vector<domain::GatewayView>> ListViews(
      const GatewayId& gateway, const IssuerId& issuer) override {
    return t_.ListViews(gateway, issuer);
  }
  absl::StatusOr<std::optional<domain::Revocation>> FindRevocation(
      const KeyId& key) override {
    return t_.FindRevocation(key);
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListRevocations(
      const app::RevocationFilter& filter,
      const std::pair<absl::Time, std::string>& before, int limit) override {
    return t_.ListRevocations(filter, before, limit);
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListDueRevocations(
      absl::Time now, int limit) override {
    return t_.ListDueRevocations(now, limit);
  }
  absl::StatusOr<absl::Time> NextRevocationDue() override {
    return t_.NextRevocationDue();
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListOpenRevocationsOf(
      const IssuerId& issuer) override {
    return t_.ListOpenRevocationsOf(issuer);
  }
  absl::StatusOr<std::vector<domain::Confirmation>> ListConfirmations(
      const KeyId& key) override {
    return t_.ListConfirmations(key);
  }
  absl::StatusOr<int64_t> CountOverdueConfirmations() override {
    return t_.CountOverdueConfirmations();
  }
  absl::Status InsertGateway(const domain::Gateway& gateway) override {
    return t_.InsertGateway(gateway);
  }
  absl::Status UpdateGateway(domain::Gateway& gateway) override {
    return t_.UpdateGateway(gateway);
  }
  absl::Status DeleteGateway(const GatewayId& id) override {
    return t_.DeleteGateway(id);
  }
  absl::StatusOr<std::vector<domain::GatewayInstance>> ListInstances()
      override {
    return t_.ListInstances();
  }
  absl::Status PutInstance(const domain::GatewayInstance& instance) override {
    return t_.PutInstance(instance);
  }
  absl::Status DeleteInstance(const GatewayId& gateway,
                              const std::string& name) override {
    return t_.DeleteInstance(gateway, name);
  }
  absl::Status PutView(const domain::GatewayView& view) override {
    return t_.PutView(view);
  }
  absl::Status InsertRevocation(const domain::Revocation& revocation,
                                absl::Time next) override {
    return t_.InsertRevocation(revocation, next);
  }
  absl::Status UpdateRevocation(domain::Revocation& revocation,
                                absl::Time next) override {
    return t_.UpdateRevocation(revocation, next);
  }
  absl::StatusOr<std::vector<domain::Revocation>> ListUnstatedRevocations(
      int limit) override {
    return t_.ListUnstatedRevocations(limit);
  }
  absl::StatusOr<std::vector<domain::Confirmation>> ListOpenConfirmationsOf(
      const GatewayId& gateway) override {
    return t_.ListOpenConfirmationsOf(gateway);
  }
  absl::StatusOr<std::optional<domain::Canary>> FindCanary(
      const KeyId& key, const std::string& audience, absl::Time now,
      absl::Time until) override {
    return t_.FindCanary(key, audience, now, until);
  }
  absl::StatusOr<bool> AnyCanary(const KeyId& key, const std::string& audience,
                                 absl::Time now) override {
    return t_.AnyCanary(key, audience, now);
  }
  absl::StatusOr<std::vector<app::ProbeTarget>> ListProbeTargets(
      absl::Time now, int limit) override {
    return t_.ListProbeTargets(now, limit);
  }
  absl::StatusOr<std::optional<domain::Drill>> FindDrill(
      const DrillId& id) override {
    return t_.FindDrill(id);
  }
  absl::StatusOr<std::vector<domain::Drill>> ListDrills(
      const std::pair<absl::Time, std::string>& before, int limit) override {
    return t_.ListDrills(before, limit);
  }
  absl::Status InsertDrill(const domain::Drill& drill) override {
    return t_.InsertDrill(drill);
  }
  absl::StatusOr<std::optional<domain::Alarm>> FindAlarm(
      int64_t number) override {
    return t_.FindAlarm(number);
  }
  absl::StatusOr<std::optional<domain::Alarm>> FindLivingAlarm(
      const std::string& place) override {
    return t_.FindLivingAlarm(place);
  }
  absl::StatusOr<std::vector<domain::Alarm>> ListAlarms(bool open_only,
                                                        int64_t before,
                                                        int limit) override {
    return t_.ListAlarms(open_only, before, limit);
  }
  absl::Status InsertAlarm(domain::Alarm& alarm) override {
    return t_.InsertAlarm(alarm);
  }
  absl::Status UpdateAlarm(domain::Alarm& alarm) override {
    return t_.UpdateAlarm(alarm);
  }
  absl::Status InsertCanary(const domain::Canary& canary) override {
    return t_.InsertCanary(canary);
  }
  absl::Status DeleteCanariesUntil(absl::Time until) override {
    return t_.DeleteCanariesUntil(until);
  }
  absl::Status InsertConfirmation(
      const domain::Confirmation& confirmation) override {
    return t_.InsertConfirmation(confirmation);
  }
  absl::Status UpdateConfirmation(domain::Confirmation& confirmation) override {
    return t_.UpdateConfirmation(confirmation);
  }

  absl::StatusOr<std::optional<domain::Issuer>> FindIssuer(
      const IssuerId& id) override {
    return t_.FindIssuer(id);
  }
  absl::StatusOr<std::vector<domain::Issuer>> ListIssuers(
      const std::string& after, int limit) override {
    return t_.ListIssuers(after, limit);
  }
  absl::StatusOr<std::optional<domain::Owner>> FindOwner(
      const OwnerId& id) override {
    return t_.FindOwner(id);
  }
  absl::StatusOr<std::vector<domain::Owner>> ListOwners(
      const std::string& after, int limit) override {
    return t_.ListOwners(after, limit);
  }
  absl::StatusOr<std::vector<domain::Subscription>> ListSubscriptions()
      override {
    return t_.ListSubscriptions();
  }
  absl::StatusOr<std::optional<domain::Subscription>> FindSubscription(
      const std::string& id) override {
    return t_.FindSubscription(id);
  }
  absl::StatusOr<std::vector<domain::Delivery>> ListDeliveries(
      const std::string& subscription, bool dead_letters, int64_t after,
      int limit) override {
    return t_.ListDeliveries(subscription, dead_letters, after, limit);
  }
  absl::StatusOr<std::optional<domain::Delivery>> FindDelivery(
      const std::string& subscription, int64_t sequence) override {
    return t_.FindDelivery(subscription, sequence);
  }
  absl::StatusOr<int64_t> CountDeliveries(const std::string& subscription,
                                          bool dead_letters) override {
    return t_.CountDeliveries(subscription, dead_letters);
  }
  absl::StatusOr<std::vector<domain::Transmitter>> ListTransmitters() override {
    return t_.ListTransmitters();
  }
  absl::StatusOr<std::optional<domain::Transmitter>> FindTransmitter(
      const std::string& feed) override {
    return t_.FindTransmitter(feed);
  }
  absl::Status InsertSubscription(
      const domain::Subscription& subscription) override {
    Step();
    return t_.InsertSubscription(subscription);
  }
  absl::Status UpdateSubscription(
      const domain::Subscription& subscription) override {
    Step();
    return t_.UpdateSubscription(subscription);
  }
  absl::Status MoveCursor(const std::string& subscription, int64_t from,
                          int64_t to) override {
    Step();
    return t_.MoveCursor(subscription, from, to);
  }
  absl::Status DeleteSubscription(const std::string& id) override {
    Step();
    return t_.DeleteSubscription(id);
  }
  absl::Status PutDelivery(const domain::Delivery& delivery) override {
    Step();
    return t_.PutDelivery(delivery);
  }
  absl::Status DeleteDelivery(const std::string& subscription,
                              int64_t sequence) override {
    Step();
    return t_.DeleteDelivery(subscription, sequence);
  }
  absl::Status PutTransmitter(const domain::Transmitter& transmitter) override {
    Step();
    return t_.PutTransmitter(transmitter);
  }
  absl::Status DeleteTransmitter(const std::string& feed) override {
    Step();
    return t_.DeleteTransmitter(feed);
  }
  absl::StatusOr<std::vector<domain::Owner>> ListLapsed(absl::Time since,
                                                        int limit) override {
    return t_.ListLapsed(since, limit);
  }
  absl::StatusOr<std::vector<domain::Owner>> ListOverdue(absl::Time since,
                                                         int limit) override {
    return t_.ListOverdue(since, limit);
  }
  absl::StatusOr<bool> HasTouchedKeys(const std::string& person) override {
    return t_.HasTouchedKeys(person);
  }
  absl::StatusOr<std::vector<domain::AuditEvent>> ListEventsAbout(
      const OwnerId& owner, int limit) override {
    return t_.ListEventsAbout(owner, limit);
  }
  absl::StatusOr<int64_t> CountSuspendedSince(absl::Time since) override {
    return t_.CountSuspendedSince(since);
  }
  absl::StatusOr<std::optional<domain::Key>> FindKey(const IssuerId& issuer,
                                                     const KeyId& id) override {
    return t_.FindKey(issuer, id);
  }
  absl::StatusOr<std::vector<domain::Key>> ListKeys(
      const app::KeyFilter& filter, const std::pair<IssuerId, KeyId>& after,
      int limit) override {
    return t_.ListKeys(filter, after, limit);
  }
  absl::StatusOr<domain::IssuerDraft> LoadDraft(const IssuerId& id,
                                                app::KeyScope scope) override {
    return t_.LoadDraft(id, scope);
  }
  absl::Status LoadPeople(domain::IssuerDraft& draft) override {
    return t_.LoadPeople(draft);
  }
  absl::StatusOr<std::vector<domain::Exposure>> ListKeyExposures(
      const IssuerId& issuer, const KeyId& key) override {
    return t_.ListKeyExposures(issuer, key);
  }
  absl::StatusOr<std::vector<domain::Custody>> ListCustodies(
      const std::string& person) override {
    return t_.ListCustodies(person);
  }
  absl::StatusOr<int64_t> FirstEventSince(absl::Time time) override {
    return t_.FirstEventSince(time);
  }
  absl::StatusOr<std::pair<std::vector<domain::AuditEvent>, int64_t>>
  ListEventsOf(const std::string& person, absl::Time since,
               int limit) override {
    return t_.ListEventsOf(person, since, limit);
  }
  absl::StatusOr<std::vector<IssuerId>> ListIssuersTouchedBy(
      const OwnerId& person) override {
    return t_.ListIssuersTouchedBy(person);
  }
  absl::StatusOr<std::vector<domain::Exposure>> ListExposures(
      const OwnerId& person) override {
    return t_.ListExposures(person);
  }
  absl::StatusOr<std::vector<IssuerId>> ListDueIssuers(absl::Time now,
                                                       int limit) override {
    return t_.ListDueIssuers(now, limit);
  }
  absl::StatusOr<absl::Time> NextDue() override { return t_.NextDue(); }
  absl::StatusOr<std::optional<domain::Departure>> FindDeparture(
      const OwnerId& owner) override {
    return t_.FindDeparture(owner);
  }
  absl::StatusOr<std::vector<domain::Cut>> ListScheduledDepartures() override {
    return t_.ListScheduledDepartures();
  }
  absl::StatusOr<std::optional<domain::AuditEvent>> LastEvent() override {
    return t_.LastEvent();
  }
  absl::StatusOr<std::vector<domain::AuditEvent>> ListEvents(
      int64_t after, int limit) override {
    return t_.ListEvents(after, limit);
  }
  absl::StatusOr<std::optional<app::RequestRecord>> FindRequest(
      const std::string& principal, const std::string& request_id) override {
    return t_.FindRequest(principal, request_id);
  }
  absl::StatusOr<app::StoreCounts> Count() override { return t_.Count(); }
  absl::Status VisitPublished(
      absl::FunctionRef<void(domain::IssuerDraft)> visit) override {
    return t_.VisitPublished(visit);
  }
  absl::Status VisitEndedKeys(
      absl::FunctionRef<void(domain::Key)> visit) override {
    return t_.VisitEndedKeys(visit);
  }
  absl::Status InsertOwner(const domain::Owner& owner) override {
    Step();
    return t_.InsertOwner(owner);
  }
  absl::Status UpdateOwner(domain::Owner& owner) override {
    Step();
    return t_.UpdateOwner(owner);
  }
  absl::Status SaveDraft(domain::IssuerDraft& draft,
                         absl::Time next_due) override {
    Step();
    return t_.SaveDraft(draft, next_due);
  }
  absl::Status AppendEvent(const domain::AuditEvent& event) override {
    Step();
    return t_.AppendEvent(event);
  }
  absl::Status InsertRequest(const app::RequestRecord& record) override {
    Step();
    return t_.InsertRequest(record);
  }
  absl::Status PruneRequests(absl::Time before) override {
    return t_.PruneRequests(before);
  }
  absl::Status DeleteDeparture(const OwnerId& owner) override {
    Step();
    return t_.DeleteDeparture(owner);
  }
  absl::Status InsertDeclaredExposure(
      const domain::Exposure& exposure) override {
    Step();
    return t_.InsertDeclaredExposure(exposure);
  }
  absl::StatusOr<std::optional<domain::User>> FindUser(
      const std::string& id) override {
    return t_.FindUser(id);
  }
  absl::StatusOr<std::vector<domain::User>> FindUsersByName(
      domain::MatchRule rule, const std::string& name) override {
    return t_.FindUsersByName(rule, name);
  }
  absl::StatusOr<std::vector<domain::User>> ListUsersOf(
      const OwnerId& owner) override {
    return t_.ListUsersOf(owner);
  }
  absl::StatusOr<std::vector<domain::User>> ListUsers(const std::string& feed,
                                                      int64_t offset,
                                                      int limit) override {
    return t_.ListUsers(feed, offset, limit);
  }
  absl::StatusOr<int64_t> CountUsers(const std::string& feed) override {
    return t_.CountUsers(feed);
  }
  absl::StatusOr<std::optional<domain::Owner>> FindOwnerByName(
      domain::MatchRule rule, const std::string& name) override {
    return t_.FindOwnerByName(rule, name);
  }
  absl::StatusOr<int64_t> CountActiveByName(domain::MatchRule rule,
                                            const std::string& name) override {
    return t_.CountActiveByName(rule, name);
  }
  absl::StatusOr<int64_t> CountActivePeople() override {
    return t_.CountActivePeople();
  }
  absl::StatusOr<std::vector<domain::Feed>> ListFeeds() override {
    return t_.ListFeeds();
  }
  absl::StatusOr<std::optional<domain::FeedToken>> FindFeedToken(
      const std::string& id) override {
    return t_.FindFeedToken(id);
  }
  absl::StatusOr<std::vector<domain::FeedToken>> ListFeedTokens() override {
    return t_.ListFeedTokens();
  }
  absl::StatusOr<std::optional<domain::HeldDeparture>> FindHeld(
      const OwnerId& owner) override {
    return t_.FindHeld(owner);
  }
  absl::StatusOr<std::vector<domain::HeldDeparture>> ListHeld() override {
    return t_.ListHeld();
  }
  absl::StatusOr<std::map<OwnerId, absl::Time>> ListAbsences() override {
    return t_.ListAbsences();
  }
  absl::Status PutAbsence(const OwnerId& owner, absl::Time since) override {
    Step();
    return t_.PutAbsence(owner, since);
  }
  absl::Status DeleteAbsence(const OwnerId& owner) override {
    Step();
    return t_.DeleteAbsence(owner);
  }
  absl::StatusOr<int64_t> CountFeedDepartures(
      absl::Time since, const std::string& reported_by) override {
    return t_.CountFeedDepartures(since, reported_by);
  }
  absl::Status InsertUser(const domain::User& user) override {
    Step();
    return t_.InsertUser(user);
  }
  absl::Status UpdateUser(domain::User& user) override {
    Step();
    return t_.UpdateUser(user);
  }
  absl::Status PutFeed(const domain::Feed& feed) override {
    Step();
    return t_.PutFeed(feed);
  }
  absl::Status PutFeedToken(const domain::FeedToken& token) override {
    Step();
    return t_.PutFeedToken(token);
  }
  absl::Status PutHeld(const domain::HeldDeparture& held) override {
    Step();
    return t_.PutHeld(held);
  }
  absl::Status DeleteHeld(const OwnerId& owner) override {
    Step();
    return t_.DeleteHeld(owner);
  }
  absl::Status InsertCustody(const domain::Custody& custody) override {
    Step();
    return t_.InsertCustody(custody);
  }
  absl::Status PutDeparture(const domain::Departure& departure) override {
    Step();
    return t_.PutDeparture(departure);
  }

 private:
  app::Transaction& t_;
};

class SteppingStore : public app::Store {
 public:
  explicit SteppingStore(std::unique_ptr<app::Store> inner)
      : inner_(std::move(inner)) {}

  absl::Status Mutate(
      absl::FunctionRef<absl::Status(app::Transaction&)> body) override {
    Step();  // before the transaction
    const absl::Status status = inner_->Mutate([&](app::Transaction& txn) {
      SteppingTransaction stepping(txn);
      absl::Status done = body(stepping);
      Step();  // all written, not committed
      return done;
    });
    Step();  // committed, not published
    return status;
  }
  absl::Status Maintain() override { return inner_->Maintain(); }
  absl::Status Read(
      absl::FunctionRef<absl::Status(app::ReadTransaction&)> body) override {
    return inner_->Read(body);
  }

 private:
  std::unique_ptr<app::Store> inner_;
};

int Main(const std::string& config_file) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  PrepareProcess();
  const auto config = ReadConfig(config_file);
  if (!config.ok()) return 2;
  g_armed_file = config->data_directory + "/armed";
  ServerHooks hooks;
  hooks.wrap_store = [](std::unique_ptr<app::Store> store) {
    return std::unique_ptr<app::Store>(
        std::make_unique<SteppingStore>(std::move(store)));
  };
  hooks.after_publish = Step;
  auto server = Server::Start(*config, hooks);
  if (!server.ok()) {
    std::cerr << server.status() << "\n";
    return 1;
  }
  (*server)->WaitForSignal("");
  return 0;
}

}  // namespace
}  // namespace warder

int main(int, char** argv) { return warder::Main(argv[1]); }
