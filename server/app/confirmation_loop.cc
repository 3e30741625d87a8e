#include "server/app/confirmation_loop.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/app/revocation_statement.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"

namespace warder::app {
namespace {

constexpr int kReviewed = 200;  // in one transaction
constexpr int kStated = 50;     // in one turn
// Instances that were cut off are looked at this often.
constexpr absl::Duration kLongestSleep = absl::Seconds(5);
constexpr absl::Duration kLagEvery = absl::Seconds(15);
constexpr absl::Duration kRetry = absl::Seconds(1);

bool Newer(const domain::GatewayView& note, const domain::GatewayView& than) {
  return note.revision > than.revision ||
         (note.revision == than.revision && note.acknowledged &&
          !than.acknowledged);
}

// `into` keeps the first instant at which its revision was seen.
void Merge(const domain::GatewayView& note, domain::GatewayView& into) {
  const absl::Time heard = std::max(note.heard_time, into.heard_time);
  if (Newer(note, into)) into = note;
  into.heard_time = heard;
}

}  // namespace

void ConfirmationLoop::Start() {
  thread_ = std::thread([this] { Run(); });
}

void ConfirmationLoop::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  runner_.clock().Notify();
  if (thread_.joinable()) {
    thread_.join();
    Tick();
  }
}

void ConfirmationLoop::Wake() {
  {
    MutexLock lock(&mu_);
    woken_ = true;
  }
  runner_.clock().Notify();
}

void ConfirmationLoop::Note(const domain::GatewayView& view) {
  const Place place = {view.gateway, view.issuer};
  {
    MutexLock lock(&mu_);
    const auto known = known_.find(place);
    const bool news = known == known_.end() || Newer(view, known->second);
    if (!news && view.heard_time < known->second.heard_time + kHeardEvery) {
      return;
    }
    const auto [it, fresh] = notes_.emplace(place, view);
    if (!fresh) Merge(view, it->second);
    if (!news || news_) return;
    news_ = true;
  }
  runner_.clock().Notify();
}

void ConfirmationLoop::Run() {
  while (true) {
    const absl::Time next = Tick();
    MutexLock lock(&mu_);
    runner_.clock().AwaitWithDeadline(
        &mu_,
        // Runs with mu_ held; the analysis does not see through the call.
        [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return news_ || woken_ || stopping_;
        },
        next);
    if (!stopping_) {
      // More of the same is on its way.
      runner_.clock().AwaitWithDeadline(
          &mu_, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; },
          runner_.clock().TimeNow() + kBatch);
    }
    if (stopping_) return;
    woken_ = false;
  }
}

absl::StatusOr<std::set<IssuerId>> ConfirmationLoop::WriteNotes(
    const Notes& notes) {
  std::set<IssuerId> moved;
  Notes written;
  RETURN_IF_ERROR(runner_.store().Mutate([&](Transaction& txn) -> absl::Status {
    moved.clear();
    written.clear();
    for (const auto& [place, note] : notes) {
      ASSIGN_OR_RETURN(const auto gateway, txn.FindGateway(place.first));
      if (!gateway) continue;  // deleted meanwhile
      ASSIGN_OR_RETURN(const auto stored,
                       txn.ListViews(place.first, place.second));
      domain::GatewayView view = note;
      if (!stored.empty()) {
        if (Newer(note, stored[0])) {
          moved.insert(place.second);
        } else {
          view = stored[0];
          view.heard_time = std::max(view.heard_time, note.heard_time);
        }
      } else {
        moved.insert(place.second);
      }
      RETURN_IF_ERROR(txn.PutView(view));
      written[place] = view;
    }
    return absl::OkStatus();
  }));
  MutexLock lock(&mu_);
  for (auto& [place, view] : written) known_[place] = std::move(view);
  return moved;
}

absl::Status ConfirmationLoop::Review(const std::set<IssuerId>& moved,
                                      absl::Time now) {
  return runner_.RunAsSystem(
      ChangeRunner::Urgency::kUrgent, [&](Change& change) -> absl::Status {
        ASSIGN_OR_RETURN(auto revocations,
                         change.txn().ListDueRevocations(now, kReviewed));
        for (const IssuerId& issuer : moved) {
          ASSIGN_OR_RETURN(auto open,
                           change.txn().ListOpenRevocationsOf(issuer));
          for (domain::Revocation& revocation : open) {
            if (std::none_of(
                    revocations.begin(), revocations.end(),
                    [&](const auto& r) { return r.key == revocation.key; })) {
              revocations.push_back(std::move(revocation));
            }
          }
        }
        for (const domain::Revocation& revocation : revocations) {
          ASSIGN_OR_RETURN(const ReviewOutcome outcome,
                           ReviewRevocation(
                               change.txn(), revocation,
                               [this](const GatewayId& id) {
                                 return instances_.RefuseBy(id);
                               },
                               now));
          RecordReview(change, revocation, outcome);
        }
        return absl::OkStatus();
      });
}

absl::Status ConfirmationLoop::StateWhatIsOver() {
  struct Over {
    domain::Revocation revocation;
    std::vector<domain::Confirmation> confirmations;
    bool drill = false;
  };
  std::vector<Over> over;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn)
                                           -> absl::Status {
    over.clear();
    ASSIGN_OR_RETURN(auto revocations, txn.ListUnstatedRevocations(kStated));
    for (domain::Revocation& revocation : revocations) {
      ASSIGN_OR_RETURN(auto confirmations,
                       txn.ListConfirmations(revocation.key));
      ASSIGN_OR_RETURN(const auto issuer, txn.FindIssuer(revocation.issuer));
      over.push_back({.revocation = std::move(revocation),
                      .confirmations = std::move(confirmations),
                      .drill = issuer && issuer->drill});
    }
    return absl::OkStatus();
  }));
  std::vector<std::pair<domain::Revocation, std::string>> stated;
  for (Over& one : over) {  // no transaction waits for a signature
    ASSIGN_OR_RETURN(std::string statement,
                     StateRevocation(statements_, one.revocation,
                                     one.confirmations, one.drill));
    stated.emplace_back(std::move(one.revocation), std::move(statement));
  }
  if (stated.empty()) return absl::OkStatus();
  return runner_.store().Mutate([&](Transaction& txn) -> absl::Status {
    for (const auto& [revocation, statement] : stated) {
      ASSIGN_OR_RETURN(auto now, txn.FindRevocation(revocation.key));
      // Moved on meanwhile: it is stated in the next turn.
      if (!now || now->rev != revocation.rev) continue;
      now->statement = statement;
      RETURN_IF_ERROR(txn.UpdateRevocation(*now, absl::InfiniteFuture()));
    }
    return absl::OkStatus();
  });
}

void ConfirmationLoop::UpdateLag(absl::Time now) {
  if (now < next_lag_ && next_lag_ <= now + kLagEvery) return;
  next_lag_ = now + kLagEvery;
  std::map<std::string, int64_t> lags;
  const absl::Status read = runner_.store().Read([&](ReadTransaction& txn) {
    lags.clear();
    ASSIGN_OR_RETURN(const auto views, txn.ListViews(GatewayId(), IssuerId()));
    for (const domain::GatewayView& view : views) {
      const SnapshotPtr snapshot =
          runner_.publisher().Find(view.issuer.value());
      if (snapshot == nullptr) continue;
      int64_t& lag = lags[view.gateway.value()];
      lag = std::max(lag, snapshot->revision - view.revision);
    }
    return absl::OkStatus();
  });
  if (!read.ok()) return;
  for (const auto& [gateway, lag] : lags) {
    runner_.metrics().SetRevisionLag(gateway, lag);
  }
}

absl::Time ConfirmationLoop::Tick() {
  // What horizons and deadlines are measured by; a clock that jumps proves
  // nothing.
  const absl::Time now = runner_.clock_guard().Read().trusted;
  if (const absl::Status kept = instances_.Tick(); !kept.ok()) {
    Log(LogLevel::kWarning, "instances.not_written",
        {{"error", std::string(kept.message())},
         {"next", "it is tried again"}});
  }
  Notes notes;
  {
    MutexLock lock(&mu_);
    notes = std::exchange(notes_, {});
    news_ = false;
  }
  const auto failed = [&](const absl::Status& status) {
    Log(LogLevel::kWarning, "confirmations.not_written",
        {{"error", std::string(status.message())},
         {"next", "it is tried again; revocations hold all the same"}});
    MutexLock lock(&mu_);
    for (const auto& [place, note] : notes) {
      const auto [it, fresh] = notes_.emplace(place, note);
      if (!fresh) Merge(note, it->second);
    }
    return runner_.clock().TimeNow() + kRetry;
  };
  std::set<IssuerId> moved;
  if (!notes.empty()) {
    auto written = WriteNotes(notes);
    if (!written.ok()) return failed(written.status());
    moved = *std::move(written);
  }
  absl::Time due = absl::InfiniteFuture();
  int64_t overdue = 0;
  const auto look = [&] {
    return runner_.store().Read([&](ReadTransaction& txn) -> absl::Status {
      ASSIGN_OR_RETURN(due, txn.NextRevocationDue());
      ASSIGN_OR_RETURN(overdue, txn.CountOverdueConfirmations());
      return absl::OkStatus();
    });
  };
  absl::Status status = look();
  if (status.ok() && (due <= now || !moved.empty())) {
    status = Review(moved, now);
    if (status.ok()) status = look();
  }
  if (!status.ok()) return failed(status);
  if (const absl::Status stated = StateWhatIsOver(); !stated.ok()) {
    Log(LogLevel::kWarning, "statements.not_signed",
        {{"error", std::string(stated.message())},
         {"next", "it is tried again; what is known is on record"}});
  }
  runner_.metrics().SetOverdueConfirmations(overdue);
  UpdateLag(now);
  const absl::Time soonest = now + absl::Milliseconds(1);
  return std::clamp(due, soonest, now + kLongestSleep);
}

}  // namespace warder::app
