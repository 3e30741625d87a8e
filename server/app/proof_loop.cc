#include "server/app/proof_loop.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/app/canary_signer.h"
#include "server/app/revocation_record.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"

namespace warder::app {
namespace {

using domain::ProbeAnswer;
using domain::ProbeOutcome;

constexpr int kMostRevocations = 1000;
constexpr absl::Duration kLookEvery = absl::Seconds(10);
constexpr absl::Duration kLeastCooldown = absl::Seconds(5);
// A canary that expires while it travels proves nothing.
constexpr absl::Duration kMargin = absl::Seconds(5);

std::vector<std::string> HeadersOf(const domain::Probe& probe,
                                   const std::string& token) {
  if (!probe.cookie.empty()) {
    return {absl::StrCat("Cookie: ", probe.cookie, "=", token)};
  }
  if (probe.header == "Authorization") {
    return {absl::StrCat("Authorization: Bearer ", token)};
  }
  return {absl::StrCat(probe.header, ": ", token)};
}

bool Holds(const std::vector<int>& statuses, int status) {
  return std::count(statuses.begin(), statuses.end(), status) > 0;
}

}  // namespace

void ProofLoop::Start() {
  threads_.emplace_back([this] { RunLooker(); });
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this] { RunAsker(); });
  }
}

void ProofLoop::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  runner_.clock().Notify();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ProofLoop::Wake() {
  {
    MutexLock lock(&mu_);
    woken_ = true;
  }
  runner_.clock().Notify();
}

void ProofLoop::RunLooker() {
  while (true) {
    const absl::Time next = Look();
    MutexLock lock(&mu_);
    runner_.clock().AwaitWithDeadline(
        &mu_,
        // Runs with mu_ held; the analysis does not see through the call.
        [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_ || woken_; },
        next);
    if (stopping_) return;
    woken_ = false;
  }
}

void ProofLoop::RunAsker() {
  Clock& clock = runner_.clock();
  int64_t seen = 0;
  while (true) {
    while (AskOne()) {
    }
    MutexLock lock(&mu_);
    absl::Duration wait = kLookEvery;
    const absl::Duration now = clock.Uptime();
    for (const auto& [question, plan] : plans_) {
      if (busy_.contains(question.second)) continue;
      wait = std::min(wait, plan.next - now);
    }
    clock.AwaitWithDeadline(
        &mu_,
        [this, seen]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return stopping_ || planned_ != seen;
        },
        clock.TimeNow() + std::max(wait, absl::Milliseconds(20)));
    if (stopping_) return;
    seen = planned_;
  }
}

absl::Time ProofLoop::Look() {
  std::set<Question> open;
  const absl::Status read =
      runner_.store().Read([&](ReadTransaction& txn) -> absl::Status {
        open.clear();
        ASSIGN_OR_RETURN(const bool any, txn.AnyGateway());
        if (!any) return absl::OkStatus();
        ASSIGN_OR_RETURN(const auto revocations,
                         txn.ListRevocations({.open_only = true},
                                             {absl::InfiniteFuture(), ""},
                                             kMostRevocations));
        for (const domain::Revocation& revocation : revocations) {
          ASSIGN_OR_RETURN(const auto confirmations,
                           txn.ListConfirmations(revocation.key));
          for (const domain::Confirmation& confirmation : confirmations) {
            if (confirmation.state == domain::ConfirmationState::kEnforced) {
              continue;
            }
            ASSIGN_OR_RETURN(const auto gateway,
                             txn.FindGateway(confirmation.gateway));
            if (gateway && gateway->probe) {
              open.insert({revocation.key, gateway->id});
            }
          }
        }
        return absl::OkStatus();
      });
  const absl::Time next = runner_.clock().TimeNow() + kLookEvery;
  if (!read.ok()) {
    Log(LogLevel::kWarning, "proof.not_looked",
        {{"error", std::string(read.message())}, {"next", "tried again"}});
    return next;
  }
  {
    MutexLock lock(&mu_);
    const absl::Duration now = runner_.clock().Uptime();
    std::erase_if(
        plans_, [&](const auto& entry) { return !open.contains(entry.first); });
    ++planned_;
    for (const Question& question : open) {
      plans_.try_emplace(question, Plan{.asked = 0, .next = now + kFirstPause});
    }
  }
  runner_.clock().Notify();
  return next;
}

std::optional<ProofLoop::Question> ProofLoop::TakeDue() {
  MutexLock lock(&mu_);
  if (stopping_) return std::nullopt;
  const absl::Duration now = runner_.clock().Uptime();
  const auto soonest = std::min_element(
      plans_.begin(), plans_.end(),
      [this](const auto& a, const auto& b) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return std::pair(busy_.contains(a.first.second), a.second.next) <
               std::pair(busy_.contains(b.first.second), b.second.next);
      });
  if (soonest == plans_.end() || soonest->second.next > now ||
      busy_.contains(soonest->first.second)) {
    return std::nullopt;
  }
  busy_.insert(soonest->first.second);
  return soonest->first;
}

absl::StatusOr<std::optional<ProofLoop::Matter>> ProofLoop::Prepare(
    const Question& question) {
  std::optional<Matter> matter;
  const absl::Time now = runner_.clock().TimeNow();
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    matter.reset();
    ASSIGN_OR_RETURN(const auto revocation, txn.FindRevocation(question.first));
    ASSIGN_OR_RETURN(const auto gateway, txn.FindGateway(question.second));
    if (!revocation || revocation->close_time || !gateway || !gateway->probe) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto canary,
                     txn.FindCanary(question.first, now, now + kMargin));
    matter =
        Matter{.revocation = *revocation,
               .gateway = *gateway,
               .canary = canary ? canary->token : "",
               .why = canary ? ""
                             : "no canary of the dead key is valid now: its "
                               "private half was gone, or too many keys "
                               "ended at once, or a day has passed"};
    return absl::OkStatus();
  }));
  return matter;
}

ProbeAnswer ProofLoop::Present(const domain::Probe& probe,
                               const std::string& token, std::string* seen) {
  const auto reply = http_.Ask(probe.url, HeadersOf(probe, token));
  if (!reply.ok()) {
    *seen = std::string(reply.status().message());
    return ProbeAnswer::kNone;
  }
  *seen = absl::StrCat("HTTP ", reply->status);
  if (Holds(probe.accepted, reply->status)) return ProbeAnswer::kAccepted;
  if (Holds(probe.refused, reply->status)) return ProbeAnswer::kRefused;
  return ProbeAnswer::kNone;
}

void ProofLoop::PokeIfUseful(const Matter& matter, const Question& question) {
  const domain::Consumer* consumer =
      domain::FindConsumer(matter.gateway.consumer);
  if (consumer == nullptr ||
      consumer->unknown_kid != domain::UnknownKid::kReplaces) {
    return;
  }
  const absl::Duration now = runner_.clock().Uptime();
  {
    MutexLock lock(&mu_);
    const auto plan = plans_.find(question);
    if (plan == plans_.end()) return;
    const absl::Duration cooldown =
        std::max(consumer->cooldown.value_or(kLeastCooldown), kLeastCooldown);
    if (now - plan->second.poked < cooldown) return;
    plan->second.poked = now;
  }
  const SnapshotPtr snapshot =
      runner_.publisher().Find(matter.revocation.issuer.value());
  if (snapshot == nullptr) return;
  const auto stranger = SignStranger(runner_.vault(), *snapshot, matter.canary);
  std::string seen;
  if (stranger.ok()) Present(*matter.gateway.probe, *stranger, &seen);
}

ProbeOutcome ProofLoop::Ask(const Matter& matter, const Question& question) {
  ProbeOutcome outcome;
  if (matter.canary.empty()) {
    outcome.detail = matter.why;
    return outcome;
  }
  const domain::Probe& probe = *matter.gateway.probe;
  std::string seen;
  outcome.dead = Present(probe, matter.canary, &seen);
  outcome.time = runner_.clock().TimeNow();
  outcome.detail = absl::StrCat("the dead key's token: ", seen);
  if (outcome.dead == ProbeAnswer::kAccepted) {
    PokeIfUseful(matter, question);
    return outcome;
  }
  if (outcome.dead == ProbeAnswer::kNone) return outcome;
  const SnapshotPtr snapshot =
      runner_.publisher().Find(matter.revocation.issuer.value());
  const auto twin = snapshot == nullptr
                        ? absl::StatusOr<std::string>(NotFound("the issuer"))
                        : SignTwin(runner_.vault(), *snapshot, matter.canary);
  if (!twin.ok()) {
    absl::StrAppend(&outcome.detail,
                    "; no token of a living key: ", twin.status().message());
    return outcome;
  }
  outcome.living = Present(probe, *twin, &seen);
  absl::StrAppend(&outcome.detail, "; the living key's: ", seen);
  // It may be that it has not fetched the living key yet.
  if (outcome.living == ProbeAnswer::kRefused) PokeIfUseful(matter, question);
  return outcome;
}

absl::StatusOr<bool> ProofLoop::Record(const Question& question,
                                       const ProbeOutcome& outcome) {
  bool over = false;
  std::optional<domain::Confirmation> was, is;
  domain::Revocation revocation;
  ReviewOutcome review;
  RETURN_IF_ERROR(runner_.RunAsSystem(
      ChangeRunner::Urgency::kUrgent, [&](Change& change) -> absl::Status {
        over = false;
        was.reset();
        review = {};
        Transaction& txn = change.txn();
        ASSIGN_OR_RETURN(const auto found, txn.FindRevocation(question.first));
        ASSIGN_OR_RETURN(auto confirmations,
                         txn.ListConfirmations(question.first));
        const auto it = std::find_if(
            confirmations.begin(), confirmations.end(),
            [&](const auto& c) { return c.gateway == question.second; });
        if (!found || it == confirmations.end()) {
          over = true;
          return absl::OkStatus();
        }
        revocation = *found;
        was = *it;
        if (domain::NoteProbe(*it, outcome)) {
          RETURN_IF_ERROR(txn.UpdateConfirmation(*it));
          RecordProbe(change, revocation, *was, *it);
        }
        is = *it;
        over = it->state == domain::ConfirmationState::kEnforced;
        if (over) {
          ASSIGN_OR_RETURN(
              review, ReviewRevocation(txn, revocation, nullptr, change.now()));
          RecordReview(change, revocation, review);
        }
        return absl::OkStatus();
      }));
  if (over && was && is && was->state != is->state) {
    runner_.metrics().ObserveConfirmation(
        "enforced", *is->enforce_time - revocation.revoke_time);
  }
  return over;
}

bool ProofLoop::AskOne() {
  const auto question = TakeDue();
  if (!question) return false;
  bool over = false;
  const auto matter = Prepare(*question);
  if (matter.ok() && !*matter) {
    over = true;
  } else if (matter.ok()) {
    const auto recorded = Record(*question, Ask(**matter, *question));
    over = recorded.ok() && *recorded;
  }
  MutexLock lock(&mu_);
  busy_.erase(question->second);
  const auto plan = plans_.find(*question);
  if (plan == plans_.end()) return true;
  if (over) {
    plans_.erase(plan);
    return true;
  }
  const int doublings = std::min(plan->second.asked++, 10);
  plan->second.next = runner_.clock().Uptime() +
                      std::min(kFirstPause * (1 << doublings), kLongestPause);
  return true;
}

}  // namespace warder::app
