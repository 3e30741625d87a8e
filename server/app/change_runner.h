// Every change goes through here, so that all changes share their promises:
//
//  - the clock is read once, through ClockGuard, and a change is never dated
//    before what is recorded already
//  - state, audit events and request record are one transaction
//  - a request_id answered once changes nothing again, also after a restart;
//    the answer is the resource as it is now
//  - validate_only runs the change against the store and keeps nothing
//  - nothing is published before it is stored; nothing is answered before it
//    is published
//  - every denial is audited, see denial_log.h
//  - who has departed or is suspended is refused, whatever his certificates
//    say, also where that happens while his call runs
#ifndef WARDER_SERVER_APP_CHANGE_RUNNER_H_
#define WARDER_SERVER_APP_CHANGE_RUNNER_H_

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/audit_log.h"
#include "server/app/authorizer.h"
#include "server/app/canary_signer.h"
#include "server/app/clock_guard.h"
#include "server/app/denial_log.h"
#include "server/app/live_tokens.h"
#include "server/app/publisher.h"
#include "server/app/store.h"
#include "server/app/vault.h"
#include "server/base/clock.h"
#include "server/base/metrics.h"
#include "server/base/mutex.h"

namespace warder::app {

// One call of one method, as the door saw it.
struct Request {
  Caller caller;
  std::string method;      // "warder.v1.KeyService/RevokeKey"
  std::string request_id;  // empty: not idempotent beyond the method's nature
  std::string contents;    // the request's bytes without request_id
  bool validate_only = false;
};

// One change while it runs.
class Change {
 public:
  // References outlive this.
  Change(Transaction& txn, absl::Time now, const ClockGuard::Reading& clock,
         domain::Actor actor, const Sha256& sha256, Vault& vault,
         Metrics& metrics)
      : txn_(&txn),
        now_(now),
        clock_(clock),
        actor_(std::move(actor)),
        sha256_(&sha256),
        metrics_(&metrics),
        canaries_(vault) {}

  Transaction& txn() { return *txn_; }
  Metrics& metrics() { return *metrics_; }
  // What the change is dated with.
  absl::Time now() const { return now_; }
  // As ClockGuard::Reading::HasCome, or by what is recorded already.
  bool HasCome(absl::Time instant) const {
    return instant <= now_ || clock_.HasCome(instant);
  }
  const domain::Actor& actor() const { return actor_; }

  // Writes the draft, counts its revs up, and makes what is published of it
  // after the commit.
  absl::Status Save(domain::IssuerDraft& draft);

  // The keys revoked by what is saved next end because this person leaves.
  void SetLeaver(const OwnerId& leaver) { leaver_ = leaver; }
  // After the commit, every certificate of this person is refused.
  void Depart(const OwnerId& owner) { departed_.push_back(owner.value()); }
  // After the commit, every certificate of this person is refused, or accepted
  // again.
  void SetSuspended(const OwnerId& owner, bool suspended) {
    suspensions_.emplace_back(owner.value(), suspended);
  }

  // Adds an audit event that belongs to no issuer.
  void Record(absl::string_view action, absl::string_view resource,
              absl::string_view detail);

  // Runs after the commit, in order; what this tells holds by then.
  void AfterCommit(std::function<void()> tell) {
    after_.push_back(std::move(tell));
  }

  // The resource name a repeated request is answered with.
  void SetResult(std::string name) { result_ = std::move(name); }

 private:
  friend class ChangeRunner;

  // What becomes true outside the store once the change is committed.
  struct Publication {
    SnapshotPtr snapshot;
    std::vector<KeyId> forgotten;  // their private halves are destroyed
    std::vector<domain::RevocationReason> revoked;  // one for each key
  };

  Transaction* txn_;
  absl::Time now_;
  ClockGuard::Reading clock_;
  domain::Actor actor_;
  const Sha256* sha256_;
  Metrics* metrics_;
  std::vector<Publication> publications_;
  std::vector<domain::AuditEvent> events_;
  std::vector<std::string> departed_;
  std::vector<std::pair<std::string, bool>> suspensions_;
  std::vector<std::function<void()>> after_;
  OwnerId leaver_;
  CanarySigner canaries_;
  std::string result_;
};

// Thread-safe. Everything given to the constructor outlives this.
class ChangeRunner {
 public:
  ChangeRunner(Store& store, Clock& clock, Vault& vault, Publisher& publisher,
               Metrics& metrics, Sha256 sha256)
      : store_(store),
        clock_(clock),
        guard_(clock),
        vault_(vault),
        publisher_(publisher),
        metrics_(metrics),
        sha256_(std::move(sha256)),
        denials_(store, clock, guard_, metrics, sha256_),
        live_tokens_(clock.TimeNow()) {}

  enum class Urgency {
    kNormal,
    // Ends trust: goes through even while the clock is behind.
    kUrgent,
  };

  // Runs `change`. When the request was answered before, runs `replay` with
  // the recorded resource name instead. Blocks for one store transaction.
  //
  //   INVALID_ARGUMENT     request_id: malformed; REQUEST_ID_REUSED
  //   FAILED_PRECONDITION  CLOCK_WENT_BACKWARDS
  //   what `change`, `replay` and the store return
  absl::Status Run(
      const Request& request, Urgency urgency,
      absl::FunctionRef<absl::Status(Change&)> change,
      absl::FunctionRef<absl::Status(ReadTransaction&, const std::string&)>
          replay);

  // As Run, for what the service does by itself.
  absl::Status RunAsSystem(Urgency urgency,
                           absl::FunctionRef<absl::Status(Change&)> change);

  // Returns the access of the request's caller; PERMISSION_DENIED, audited,
  // when the table says no.
  absl::StatusOr<Access> Authorize(const Request& request,
                                   Permission permission,
                                   absl::string_view resource);

  // Refuses every certificate of `owner` from now on, whatever is stored.
  void RefuseFromNowOn(const OwnerId& owner);

  // Returns OK unless `caller` carries the name of an owner who has departed or
  // is suspended: then PERMISSION_DENIED. In memory; for paths that read no
  // store.
  absl::Status RefuseUntrusted(const Caller& caller) const;

  // Learns who has departed or is suspended; call once at start, before any
  // door opens.
  absl::Status LoadUntrusted();

  // Audits a refusal at the door, before the caller was known.
  void DeniedStranger(absl::string_view method, const absl::Status& status);

  // Audits a refusal that a use case found, and returns `status`.
  absl::Status Denied(const Request& request, absl::string_view resource,
                      absl::Status status);

  // Takes note of how the store answered; warder_store_available follows.
  void NoteStore(const absl::Status& answer);
  // Returns whether an answer told of damage since the start. Changes are still
  // tried: a revocation may touch sound pages only.
  bool store_damaged() const { return damaged_; }

  Store& store() { return store_; }
  Clock& clock() { return clock_; }
  ClockGuard& clock_guard() { return guard_; }
  DenialLog& denials() { return denials_; }
  LiveTokens& live_tokens() { return live_tokens_; }
  Vault& vault() { return vault_; }
  Publisher& publisher() { return publisher_; }
  Metrics& metrics() { return metrics_; }
  const Sha256& sha256() const { return sha256_; }

  // Called after every change, published before: there may be work for the
  // rotation loop. Set once, before the first Run.
  void SetWaker(std::function<void()> waker) { waker_ = std::move(waker); }

 private:
  static absl::Status CheckClock(Urgency urgency, absl::Time now,
                                 absl::Time last);
  absl::Status Commit(const Request& request, Urgency urgency,
                      const domain::Actor& actor,
                      absl::FunctionRef<absl::Status(Change&)> change,
                      std::string* replayed);
  void Publish(std::vector<Change::Publication> publications);

  // Constant after construction, own synchronization.
  Store& store_;
  Clock& clock_;
  ClockGuard guard_;
  Vault& vault_;
  Publisher& publisher_;
  Metrics& metrics_;
  const Sha256 sha256_;
  DenialLog denials_;
  LiveTokens live_tokens_;
  std::function<void()> waker_;

  std::atomic<bool> damaged_ = false;

  // Commit and publication of one change before the next one's commit.
  Mutex commit_mu_;
  mutable Mutex untrusted_mu_;
  absl::flat_hash_set<std::string> departed_ ABSL_GUARDED_BY(untrusted_mu_);
  absl::flat_hash_set<std::string> suspended_ ABSL_GUARDED_BY(untrusted_mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_CHANGE_RUNNER_H_
