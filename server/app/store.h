// Port: where issuers, keys, owners, exposures, requests and the audit log are
// kept. `storage` implements it on SQL; tests/support has one in memory; both
// pass tests/contract/store_contract.h.
//
// Errors common to every method:
//   UNAVAILABLE  STORE_UNAVAILABLE: locked, full, gone; the message says which
//                and what to do. Nothing was changed.
//   DATA_LOSS    STORE_CORRUPT: the database fails its own checks.
//   ABORTED      CONFLICT: another writer was faster; the caller may retry.
#ifndef WARDER_SERVER_APP_STORE_H_
#define WARDER_SERVER_APP_STORE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/alarm_store.h"
#include "server/app/gateway_store.h"
#include "server/base/ids.h"
#include "server/domain/audit.h"
#include "server/domain/issuer.h"
#include "server/domain/key.h"
#include "server/domain/owner.h"
#include "server/domain/subscription.h"
#include "server/domain/user.h"

namespace warder::app {

// Which keys a draft holds.
enum class KeyScope {
  kLiving,      // PENDING, ACTIVE, RETIRING, SUSPENDED
  kNotRevoked,  // and RETIRED
};

struct KeyFilter {
  std::optional<IssuerId> issuer;
  std::optional<domain::KeyState> state;
  std::optional<OwnerId> owner;
};

// What an idempotent change answered.
struct RequestRecord {
  std::string principal;
  std::string request_id;
  std::string method;
  std::string fingerprint;  // of the request's contents
  std::string result;       // the resource name the change answered with
  absl::Time create_time;
};

struct StoreCounts {
  std::map<std::string, int64_t> keys_by_state;
  int64_t orphaned_issuers = 0;
  int64_t overdue_owners = 0;  // suspended ones too
};

class ReadTransaction : public GatewayReads, public AlarmReads {
 public:
  virtual absl::StatusOr<std::optional<domain::Issuer>> FindIssuer(
      const IssuerId& id) = 0;
  // Returns at most `limit` issuers with an ID greater than `after`, in order.
  virtual absl::StatusOr<std::vector<domain::Issuer>> ListIssuers(
      const std::string& after, int limit) = 0;

  virtual absl::StatusOr<std::optional<domain::Owner>> FindOwner(
      const OwnerId& id) = 0;
  virtual absl::StatusOr<std::vector<domain::Owner>> ListOwners(
      const std::string& after, int limit) = 0;

  // Returns at most `limit` ACTIVE people not overdue yet whom nobody has
  // confirmed since `since`, the longest ago first.
  virtual absl::StatusOr<std::vector<domain::Owner>> ListLapsed(
      absl::Time since, int limit) = 0;
  // Returns at most `limit` ACTIVE people, not suspended, who have been overdue
  // since `since` or longer, the longest first.
  virtual absl::StatusOr<std::vector<domain::Owner>> ListOverdue(
      absl::Time since, int limit) = 0;
  virtual absl::StatusOr<int64_t> CountSuspendedSince(absl::Time since) = 0;
  // Returns whether `person` was ever exposed to a key, had something in
  // custody, or was issued a client certificate.
  virtual absl::StatusOr<bool> HasTouchedKeys(const std::string& person) = 0;

  virtual absl::StatusOr<std::optional<domain::Key>> FindKey(
      const IssuerId& issuer, const KeyId& id) = 0;
  // Returns at most `limit` keys whose (issuer, id) is greater than `after`.
  virtual absl::StatusOr<std::vector<domain::Key>> ListKeys(
      const KeyFilter& filter, const std::pair<IssuerId, KeyId>& after,
      int limit) = 0;

  // Returns the issuer with its keys of `scope`, spares, people, the exposures
  // of all its keys, ended and declared ones too, and the cuts that scheduled
  // departures make. The exposures of a custodian are among them while his
  // departure is scheduled. NOT_FOUND when the issuer does not exist.
  virtual absl::StatusOr<domain::IssuerDraft> LoadDraft(const IssuerId& id,
                                                        KeyScope scope) = 0;

  // Fills deputies, stand_ins and owner_leaves from the IDs in draft.issuer.
  virtual absl::Status LoadPeople(domain::IssuerDraft& draft) = 0;

  // Returns the issuers a departure of `person` reaches: owned, deputised (by
  // himself or in a team), or with a key the person was exposed to; all of them
  // for a custodian.
  virtual absl::StatusOr<std::vector<IssuerId>> ListIssuersTouchedBy(
      const OwnerId& person) = 0;
  // Recorded and declared ones, custodies aside.
  virtual absl::StatusOr<std::vector<domain::Exposure>> ListExposures(
      const OwnerId& person) = 0;
  virtual absl::StatusOr<std::vector<domain::Exposure>> ListKeyExposures(
      const IssuerId& issuer, const KeyId& key) = 0;
  // Of one person, or, where `person` is empty, of everybody.
  virtual absl::StatusOr<std::vector<domain::Custody>> ListCustodies(
      const std::string& person) = 0;

  // Returns at most `limit` issuers whose next action is due at `now`, the
  // longest overdue first, and when the next one is due after them.
  virtual absl::StatusOr<std::vector<IssuerId>> ListDueIssuers(absl::Time now,
                                                               int limit) = 0;
  virtual absl::StatusOr<absl::Time> NextDue() = 0;

  virtual absl::StatusOr<std::optional<domain::Departure>> FindDeparture(
      const OwnerId& owner) = 0;
  // Returns departures not done yet, soonest first.
  virtual absl::StatusOr<std::vector<domain::Cut>>
  ListScheduledDepartures() = 0;

  virtual absl::StatusOr<std::optional<domain::AuditEvent>> LastEvent() = 0;
  // Returns at most `limit` events with a sequence greater than `after`.
  virtual absl::StatusOr<std::vector<domain::AuditEvent>> ListEvents(
      int64_t after, int limit) = 0;

  // Users, deleted ones too.
  virtual absl::StatusOr<std::optional<domain::User>> FindUser(
      const std::string& id) = 0;
  // Returns the users, of any feed and deleted ones too, that carry `name`
  // (folded) as what `rule` compares.
  virtual absl::StatusOr<std::vector<domain::User>> FindUsersByName(
      domain::MatchRule rule, const std::string& name) = 0;
  virtual absl::StatusOr<std::vector<domain::User>> ListUsersOf(
      const OwnerId& owner) = 0;
  // Returns at most `limit` users of `feed` that are not deleted, in the order
  // they came, without the first `offset`; and counts them all.
  virtual absl::StatusOr<std::vector<domain::User>> ListUsers(
      const std::string& feed, int64_t offset, int limit) = 0;
  virtual absl::StatusOr<int64_t> CountUsers(const std::string& feed) = 0;
  // Returns the owner, ACTIVE or departed, whose MatchName by `rule` is `name`;
  // of several, an ACTIVE one.
  virtual absl::StatusOr<std::optional<domain::Owner>> FindOwnerByName(
      domain::MatchRule rule, const std::string& name) = 0;
  // Returns how many ACTIVE owners have that MatchName.
  virtual absl::StatusOr<int64_t> CountActiveByName(
      domain::MatchRule rule, const std::string& name) = 0;
  virtual absl::StatusOr<int64_t> CountActivePeople() = 0;

  virtual absl::StatusOr<std::vector<domain::Feed>> ListFeeds() = 0;
  virtual absl::StatusOr<std::optional<domain::FeedToken>> FindFeedToken(
      const std::string& id) = 0;
  virtual absl::StatusOr<std::vector<domain::FeedToken>> ListFeedTokens() = 0;

  virtual absl::StatusOr<std::optional<domain::HeldDeparture>> FindHeld(
      const OwnerId& owner) = 0;
  // Returns those not rejected, oldest first.
  virtual absl::StatusOr<std::vector<domain::HeldDeparture>> ListHeld() = 0;
  // Returns whom the last roster did not name, and since when.
  virtual absl::StatusOr<std::map<OwnerId, absl::Time>> ListAbsences() = 0;
  // Returns how many departures a feed (ROLE/NAME) has reported since, carried
  // out, scheduled and held.
  virtual absl::StatusOr<int64_t> CountFeedDepartures(
      absl::Time since, const std::string& reported_by) = 0;

  virtual absl::StatusOr<std::vector<domain::Subscription>>
  ListSubscriptions() = 0;
  virtual absl::StatusOr<std::optional<domain::Subscription>> FindSubscription(
      const std::string& id) = 0;
  // Returns at most `limit` deliveries with a sequence greater than `after`, in
  // order: the dead ones, or those still tried.
  virtual absl::StatusOr<std::vector<domain::Delivery>> ListDeliveries(
      const std::string& subscription, bool dead_letters, int64_t after,
      int limit) = 0;
  virtual absl::StatusOr<std::optional<domain::Delivery>> FindDelivery(
      const std::string& subscription, int64_t sequence) = 0;
  virtual absl::StatusOr<int64_t> CountDeliveries(
      const std::string& subscription, bool dead_letters) = 0;
  virtual absl::StatusOr<std::vector<domain::Transmitter>>
  ListTransmitters() = 0;
  virtual absl::StatusOr<std::optional<domain::Transmitter>> FindTransmitter(
      const std::string& feed) = 0;

  // Returns the sequence of the first event at `time` or later, or the one that
  // the next event will have.
  virtual absl::StatusOr<int64_t> FirstEventSince(absl::Time time) = 0;
  // Returns at most `limit` events that `person` (see domain::Actor) caused at
  // `since` or later, denied ones too, and how many there are.
  virtual absl::StatusOr<std::pair<std::vector<domain::AuditEvent>, int64_t>>
  ListEventsOf(const std::string& person, absl::Time since, int limit) = 0;

  // Returns at most `limit` events about the owner himself, in order.
  virtual absl::StatusOr<std::vector<domain::AuditEvent>> ListEventsAbout(
      const OwnerId& owner, int limit) = 0;

  virtual absl::StatusOr<std::optional<RequestRecord>> FindRequest(
      const std::string& principal, const std::string& request_id) = 0;

  virtual absl::StatusOr<StoreCounts> Count() = 0;

  // Calls `visit` once per issuer with its published keys and nothing else
  // of the draft but the issuer; one pass over the store.
  virtual absl::Status VisitPublished(
      absl::FunctionRef<void(domain::IssuerDraft)> visit) = 0;
  // Calls `visit` for every RETIRED and REVOKED key; one pass.
  virtual absl::Status VisitEndedKeys(
      absl::FunctionRef<void(domain::Key)> visit) = 0;
};

// An error of these ends the transaction: the body returns it and calls no
// more.
class Transaction : public ReadTransaction,
                    public GatewayWrites,
                    public AlarmWrites {
 public:
  // ALREADY_EXISTS when the ID is taken.
  virtual absl::Status InsertOwner(const domain::Owner& owner) = 0;
  // Compare-and-set on owner.rev; counts it up. ABORTED when it moved.
  // FAILED_PRECONDITION when a departed owner would still own anything.
  virtual absl::Status UpdateOwner(domain::Owner& owner) = 0;

  // Writes draft.changes but the events, counts up every rev it touches.
  // `next_due` is when the rotation loop has to look again.
  //
  //   ALREADY_EXISTS       a new issuer's ID is taken
  //   ABORTED              a row moved since it was loaded
  //   FAILED_PRECONDITION  the schema refuses: a key without an ACTIVE owner or
  //                        a deputy
  virtual absl::Status SaveDraft(domain::IssuerDraft& draft,
                                 absl::Time next_due) = 0;

  virtual absl::Status AppendEvent(const domain::AuditEvent& event) = 0;
  virtual absl::Status InsertRequest(const RequestRecord& record) = 0;
  // Forgets requests made before `before`.
  virtual absl::Status PruneRequests(absl::Time before) = 0;
  // Inserts or replaces the departure of departure.owner.
  virtual absl::Status PutDeparture(const domain::Departure& departure) = 0;
  // Forgets a departure that is not done.
  virtual absl::Status DeleteDeparture(const OwnerId& owner) = 0;
  // ALREADY_EXISTS when the same fact stands there.
  virtual absl::Status InsertDeclaredExposure(
      const domain::Exposure& exposure) = 0;
  virtual absl::Status InsertCustody(const domain::Custody& custody) = 0;

  // ALREADY_EXISTS when the feed has a user of that name.
  virtual absl::Status InsertUser(const domain::User& user) = 0;
  // Compare-and-set on user.rev; counts it up. ABORTED when it moved;
  // ALREADY_EXISTS when the feed has another user of that name.
  virtual absl::Status UpdateUser(domain::User& user) = 0;
  // Inserts or replaces.
  virtual absl::Status PutFeed(const domain::Feed& feed) = 0;
  virtual absl::Status PutFeedToken(const domain::FeedToken& token) = 0;
  virtual absl::Status PutHeld(const domain::HeldDeparture& held) = 0;
  virtual absl::Status DeleteHeld(const OwnerId& owner) = 0;
  virtual absl::Status PutAbsence(const OwnerId& owner, absl::Time since) = 0;
  virtual absl::Status DeleteAbsence(const OwnerId& owner) = 0;

  // ALREADY_EXISTS.
  virtual absl::Status InsertSubscription(
      const domain::Subscription& subscription) = 0;
  // Writes the secrets alone. ABORTED when it is gone.
  virtual absl::Status UpdateSubscription(
      const domain::Subscription& subscription) = 0;
  // Compare-and-set. ABORTED when it is not at `from`, or gone.
  virtual absl::Status MoveCursor(const std::string& subscription, int64_t from,
                                  int64_t to) = 0;
  // With its deliveries.
  virtual absl::Status DeleteSubscription(const std::string& id) = 0;
  // Inserts or replaces. FAILED_PRECONDITION without its subscription.
  virtual absl::Status PutDelivery(const domain::Delivery& delivery) = 0;
  virtual absl::Status DeleteDelivery(const std::string& subscription,
                                      int64_t sequence) = 0;
  virtual absl::Status PutTransmitter(
      const domain::Transmitter& transmitter) = 0;
  virtual absl::Status DeleteTransmitter(const std::string& feed) = 0;
};

// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  // Runs `body` in one transaction and commits it durably when it returns OK;
  // nothing of it remains otherwise. `body` may run again after a conflict, so
  // it touches nothing but its transaction and what it resets first. Blocks
  // for other writers and for the disk.
  virtual absl::Status Mutate(
      absl::FunctionRef<absl::Status(Transaction&)> body) = 0;

  // Moves what was written to its final place and erases what was freed. The
  // rotation loop calls it now and then. Blocks on the disk, but holds up
  // neither readers nor, for more than a moment, writers.
  virtual absl::Status Maintain() = 0;

  // Runs `body` on one consistent view. Does not wait for writers.
  virtual absl::Status Read(
      absl::FunctionRef<absl::Status(ReadTransaction&)> body) = 0;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_STORE_H_
