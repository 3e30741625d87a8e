#include "server/app/rotation_loop.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/app/activation_hold.h"
#include "server/app/spares.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/domain/lifecycle.h"
#include "server/domain/schedule.h"

namespace warder::app {
namespace {

constexpr int kBatch = 200;
constexpr int kMostPasses = 10;
// Never sleeps longer, so that a clock set by hand is noticed.
constexpr absl::Duration kLongestSleep = absl::Minutes(1);
// An issuer whose action failed or made no progress is left alone this long.
constexpr absl::Duration kDefer = absl::Seconds(30);
constexpr absl::Duration kHousekeeping = absl::Seconds(15);
constexpr absl::Duration kRequestMemory = absl::Hours(24 * 7);

}  // namespace

void RotationLoop::Start() {
  thread_ = std::thread([this] { Run(); });
}

void RotationLoop::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  runner_.clock().Notify();
  if (thread_.joinable()) thread_.join();
}

void RotationLoop::Wake() {
  {
    MutexLock lock(&mu_);
    woken_ = true;
  }
  runner_.clock().Notify();
}

void RotationLoop::Run() {
  while (true) {
    const absl::Time next = Tick();
    MutexLock lock(&mu_);
    runner_.clock().AwaitWithDeadline(
        &mu_,
        // Runs with mu_ held; the analysis does not see through the call.
        [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return woken_ || stopping_; },
        next);
    if (stopping_) return;
    woken_ = false;
  }
}

absl::Status RotationLoop::Rotate(const IssuerId& issuer) {
  // Keys are made outside the transaction: RSA takes its time.
  auto spares = SparesFor(runner_, issuer);
  bool progress = false;
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kNormal, [&](Change& change) {
        ASSIGN_OR_RETURN(domain::IssuerDraft draft,
                         change.txn().LoadDraft(issuer, KeyScope::kLiving));
        const auto before = domain::PublishedKeys(draft);
        if (spares.ok()) AddMissingSpares(*spares, draft, change.now());
        RETURN_IF_ERROR(HoldActivations(change.txn(), draft, change.now()));
        domain::ApplyDue(draft, change.now());
        progress = draft.changes.any() ||
                   domain::DueActions(draft, change.now()).empty();
        if (!progress) return absl::OkStatus();
        // A wake-up for nothing still writes when to look again.
        draft.changes.issuer = true;
        domain::Finish(draft, before, change.now());
        return change.Save(draft);
      }));
  RETURN_IF_ERROR(spares.status());
  if (progress) return absl::OkStatus();
  return Precondition(Reason::kTooManyPublishedKeys,
                      "a due action is not possible yet");
}

void RotationLoop::RotateDue(absl::Time now) {
  absl::erase_if(deferred_,
                 [&](const auto& entry) { return entry.second <= now; });
  absl::flat_hash_map<std::string, int> passes;
  while (true) {
    std::vector<IssuerId> due;
    const absl::Status read = runner_.store().Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(
          due,
          txn.ListDueIssuers(now, kBatch + static_cast<int>(deferred_.size())));
      return absl::OkStatus();
    });
    std::erase_if(due, [&](const IssuerId& id) {
      return deferred_.contains(id.value());
    });
    if (!read.ok()) {
      runner_.metrics().CountLoopFailure();
      Log(LogLevel::kError, "rotation.store_unavailable",
          {{"error", std::string(read.message())}});
      return;
    }
    if (due.empty()) return;
    for (const IssuerId& issuer : due) {
      {
        MutexLock lock(&mu_);
        if (stopping_) return;
      }
      // Keys of many issuers take minutes to make; no departure waits for them.
      if (runner_.clock().Uptime() - departures_looked_at_ >=
          absl::Seconds(1)) {
        RunDepartures();
      }
      absl::Status status = Rotate(issuer);
      // One that is due again and again would keep the loop from all others.
      if (status.ok() && ++passes[issuer.value()] >= kMostPasses) {
        status = Internal("still due after ten passes");
      }
      if (status.ok()) continue;
      deferred_[issuer.value()] = now + kDefer;
      runner_.metrics().CountLoopFailure();
      Log(LogLevel::kWarning, "rotation.deferred",
          {{"issuer", IssuerName(issuer)},
           {"until", TimeText(now + kDefer)},
           {"error", std::string(status.message())}});
    }
  }
}

void RotationLoop::RunDepartures() {
  departures_looked_at_ = runner_.clock().Uptime();
  const auto departed = departures_.RunDue();
  if (departed.ok()) return;
  runner_.metrics().CountLoopFailure();
  Log(LogLevel::kError, "departure.failed",
      {{"error", std::string(departed.status().message())},
       {"next", "it is tried again in a moment"}});
}

void RotationLoop::UpdateMetrics(absl::Time now) {
  StoreCounts counts;
  const absl::Status status = runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(counts, txn.Count());
    return absl::OkStatus();
  });
  runner_.NoteStore(status);
  if (!status.ok()) return;
  runner_.metrics().SetKeysByState(counts.keys_by_state);
  runner_.metrics().SetOrphanedIssuers(counts.orphaned_issuers);
  runner_.metrics().SetOverdueOwners(counts.overdue_owners);
  const absl::Time last = runner_.publisher().newest_activation();
  if (last != absl::InfinitePast()) {
    runner_.metrics().SetSinceLastRotation(now - last);
  }
}

void RotationLoop::DoHrDuties() {
  const auto note = [&](absl::string_view event, const absl::Status& status) {
    if (status.ok()) return;
    runner_.metrics().CountLoopFailure();
    Log(LogLevel::kError, event, {{"error", std::string(status.message())}});
  };
  if (hr_.rosters != nullptr) {
    note("absences.not_carried_out", hr_.rosters->RunDueAbsences().status());
  }
  if (hr_.attestations != nullptr) {
    note("attestations.not_carried_out", hr_.attestations->RunDue().status());
  }
  if (hr_.feeds != nullptr) note("feeds.not_noted", hr_.feeds->Beat());
}

absl::Time RotationLoop::Tick() {
  const ClockGuard::Reading clock = runner_.clock_guard().Read();
  const absl::Time now = clock.wall;
  RunDepartures();
  if (!clock.held) RotateDue(now);
  if (now >= next_housekeeping_ || next_housekeeping_ > now + kHousekeeping) {
    next_housekeeping_ = now + kHousekeeping;
    UpdateMetrics(clock.trusted);
    runner_.denials().Flush(/*all=*/false);
    runner_.live_tokens().Prune(clock.trusted);
    DoHrDuties();
    const absl::Status pruned = runner_.store().Mutate([&](Transaction& txn) {
      return txn.PruneRequests(clock.trusted - kRequestMemory);
    });
    if (!pruned.ok()) {
      runner_.metrics().CountLoopFailure();
      Log(LogLevel::kWarning, "requests.not_pruned",
          {{"error", std::string(pruned.message())}});
    }
    if (const absl::Status kept = runner_.store().Maintain(); !kept.ok()) {
      Log(LogLevel::kWarning, "store.not_maintained",
          {{"error", std::string(kept.message())}});
    }
  }

  absl::Time next = now + kLongestSleep;
  absl::Time due = next;
  const absl::Status read = runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(due, txn.NextDue());
    ASSIGN_OR_RETURN(const auto scheduled, txn.ListScheduledDepartures());
    if (!scheduled.empty()) next = std::min(next, scheduled[0].instant);
    return absl::OkStatus();
  });
  if (read.ok()) {  // an unreadable store has no lag to tell
    runner_.metrics().SetLoopLag(due < now && due > absl::UnixEpoch()
                                     ? now - due
                                     : absl::ZeroDuration());
  }
  // What is overdue now is deferred or held; it is not worth a busy loop.
  if (due <= now) due = now + absl::Seconds(1);
  return std::max(std::min(next, due), now + absl::Milliseconds(1));
}

}  // namespace warder::app
