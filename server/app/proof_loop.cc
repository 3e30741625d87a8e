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

constexpr int kMostTargets = 10'000;
constexpr absl::Duration kLookEvery = absl::Seconds(10);
constexpr absl::Duration kLeastCooldown = absl::Seconds(5);
constexpr absl::Duration kCleanEvery = absl::Minutes(10);

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

absl::StatusOr<std::set<ProofLoop::Question>> ProofLoop::Targets() {
  // A clock that jumps must not have canaries forgotten.
  const absl::Time now = runner_.clock_guard().Read().trusted;
  bool any = false;
  std::vector<ProbeTarget> targets;
  RETURN_IF_ERROR(
      runner_.store().Read([&](ReadTransaction& txn) -> absl::Status {
        ASSIGN_OR_RETURN(any, txn.AnyGateway());
        if (!any) return absl::OkStatus();
        ASSIGN_OR_RETURN(targets, txn.ListProbeTargets(now, kMostTargets));
        return absl::OkStatus();
      }));
  if (any && next_cleaning_ <= now) {
    next_cleaning_ = now + kCleanEvery;
    RETURN_IF_ERROR(runner_.store().Mutate(
        [&](Transaction& txn) { return txn.DeleteCanariesUntil(now); }));
  }
  std::set<Question> questions;
  for (const ProbeTarget& target : targets) {
    questions.emplace(target.key, target.gateway);
  }
  return questions;
}

absl::Time ProofLoop::Look() {
  const auto open = Targets();
  const absl::Time next = runner_.clock().TimeNow() + kLookEvery;
  if (!open.ok()) {
    Log(LogLevel::kWarning, "proof.not_looked",
        {{"error", std::string(open.status().message())},
         {"next", "tried again"}});
    return next;
  }
  {
    MutexLock lock(&mu_);
    const absl::Duration now = runner_.clock().Uptime();
    std::erase_if(plans_, [&](const auto& entry) {
      return !open->contains(entry.first);
    });
    ++planned_;
    for (const Question& question : *open) {
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

absl::StatusOr<ProofLoop::Matter> ProofLoop::Prepare(const Question& question) {
  std::optional<Matter> matter;
  const absl::Time now = runner_.clock_guard().Read().trusted;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn)
                                           -> absl::Status {
    matter.reset();
    ASSIGN_OR_RETURN(const auto revocation, txn.FindRevocation(question.first));
    ASSIGN_OR_RETURN(const auto gateway, txn.FindGateway(question.second));
    if (!revocation || !gateway || !gateway->probe) {
      return NotFound("what was to be asked");
    }
    ASSIGN_OR_RETURN(const auto canary,
                     txn.FindCanary(question.first, gateway->probe->audience,
                                    now, now + domain::kCanaryMargin));
    if (!canary) {
      return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                   "the next canary is for later");
    }
    ASSIGN_OR_RETURN(const auto confirmations,
                     txn.ListConfirmations(question.first));
    const auto it = std::find_if(
        confirmations.begin(), confirmations.end(),
        [&](const auto& c) { return c.gateway == question.second; });
    if (it == confirmations.end()) return NotFound("what was to be asked");
    matter =
        Matter{.revocation = *revocation,
               .gateway = *gateway,
               .canary = canary->token,
               .refuses = it->state == domain::ConfirmationState::kEnforced,
               .expected = it->expected};
    return absl::OkStatus();
  }));
  return *std::move(matter);
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
  const auto stranger =
      SignStranger(runner_.vault(), *snapshot, matter.gateway, matter.canary);
  std::string seen;
  if (stranger.ok()) Present(*matter.gateway.probe, *stranger, &seen);
}

bool ProofLoop::AskOnce(const Matter& matter, const Question& question,
                        const std::string& twin, ProbeOutcome& outcome) {
  const domain::Probe& probe = *matter.gateway.probe;
  const bool first = outcome.dead == ProbeAnswer::kNone;
  std::string seen;
  outcome.dead = Present(probe, matter.canary, &seen);
  // That it refused is dated by the first of an unbroken row.
  if (first || outcome.dead != ProbeAnswer::kRefused) {
    outcome.time = std::max(runner_.clock_guard().Read().trusted,
                            matter.revocation.revoke_time);
  }
  outcome.detail = absl::StrCat("the dead key's token: ", seen);
  if (outcome.dead == ProbeAnswer::kAccepted) {
    if (!first) {
      absl::StrAppend(&outcome.detail,
                      "; it had been refused just before: there are several "
                      "machines behind the URL");
    }
    PokeIfUseful(matter, question);
  }
  if (outcome.dead != ProbeAnswer::kRefused) return false;
  outcome.living = Present(probe, twin, &seen);
  absl::StrAppend(&outcome.detail, "; the living key's: ", seen);
  // It may be that it has not fetched the living key yet.
  if (outcome.living == ProbeAnswer::kRefused) PokeIfUseful(matter, question);
  return outcome.living == ProbeAnswer::kAccepted;
}

ProbeOutcome ProofLoop::Ask(const Matter& matter, const Question& question) {
  ProbeOutcome outcome;
  outcome.time = std::max(runner_.clock_guard().Read().trusted,
                          matter.revocation.revoke_time);
  const SnapshotPtr snapshot =
      runner_.publisher().Find(matter.revocation.issuer.value());
  const auto twin =
      snapshot == nullptr
          ? absl::StatusOr<std::string>(NotFound("the issuer"))
          : SignTwin(runner_.vault(), *snapshot, matter.gateway, matter.canary);
  if (!twin.ok()) {
    // That it accepts the dead key can be seen all the same.
    std::string seen;
    if (Present(*matter.gateway.probe, matter.canary, &seen) ==
        ProbeAnswer::kAccepted) {
      outcome.dead = ProbeAnswer::kAccepted;
    }
    outcome.detail =
        absl::StrCat("the dead key's token: ", seen,
                     "; no token of a living key: ", twin.status().message());
    return outcome;
  }
  const int rounds = matter.refuses ? 1 : kRounds;
  for (int round = 0; round < rounds; ++round) {
    if (!AskOnce(matter, question, *twin, outcome)) break;
  }
  return outcome;
}

absl::StatusOr<ProofLoop::Result> ProofLoop::Record(
    const Question& question, const Matter& matter,
    const ProbeOutcome& outcome) {
  Result result = Result::kAskAgain;
  RETURN_IF_ERROR(runner_.RunAsSystem(
      ChangeRunner::Urgency::kUrgent, [&](Change& change) -> absl::Status {
        result = Result::kOver;
        Transaction& txn = change.txn();
        ASSIGN_OR_RETURN(const auto revocation,
                         txn.FindRevocation(question.first));
        ASSIGN_OR_RETURN(const auto gateway, txn.FindGateway(question.second));
        ASSIGN_OR_RETURN(auto confirmations,
                         txn.ListConfirmations(question.first));
        const auto it = std::find_if(
            confirmations.begin(), confirmations.end(),
            [&](const auto& c) { return c.gateway == question.second; });
        if (!revocation || !gateway || it == confirmations.end()) {
          return absl::OkStatus();
        }
        // Of the probe that it has by now, nothing is known.
        if (gateway->probe != matter.gateway.probe ||
            gateway->create_time != matter.gateway.create_time) {
          result = Result::kAskAgain;
          return absl::OkStatus();
        }
        const domain::Confirmation was = *it;
        if (domain::NoteProbe(*it, *gateway, outcome)) {
          RETURN_IF_ERROR(txn.UpdateConfirmation(*it));
          RecordProbe(change, *revocation, was, *it);
        }
        const bool refuses = it->state == domain::ConfirmationState::kEnforced;
        result = refuses ? Result::kRefuses : Result::kAskAgain;
        if (domain::Ended(was) == domain::Ended(*it)) return absl::OkStatus();
        ASSIGN_OR_RETURN(
            ReviewOutcome review,
            ReviewRevocation(txn, *revocation, nullptr, change.now()));
        if (refuses) review.enforced.push_back(*it);
        RecordReview(change, *revocation, review);
        return absl::OkStatus();
      }));
  return result;
}

bool ProofLoop::AskOne() {
  const auto question = TakeDue();
  if (!question) return false;
  Result result = Result::kAskAgain;
  const auto matter = Prepare(*question);
  if (absl::IsNotFound(matter.status())) {
    result = Result::kOver;
  } else if (matter.ok()) {
    const ProbeOutcome outcome = Ask(*matter, *question);
    if (matter->refuses && outcome.dead != ProbeAnswer::kAccepted) {
      result = Result::kRefuses;  // as is known
    } else if (const auto recorded = Record(*question, *matter, outcome);
               recorded.ok()) {
      result = *recorded;
    } else {
      Log(LogLevel::kWarning, "proof.not_recorded",
          {{"revocation", RevocationName(question->first)},
           {"gateway", GatewayName(question->second)},
           {"error", std::string(recorded.status().message())},
           {"next", "it is asked again"}});
    }
  }
  MutexLock lock(&mu_);
  busy_.erase(question->second);
  const auto plan = plans_.find(*question);
  if (plan == plans_.end()) return true;
  if (result == Result::kOver) {
    plans_.erase(plan);
    return true;
  }
  const int doublings = std::min(plan->second.asked++, 10);
  absl::Duration pause =
      result == Result::kRefuses
          ? kCalmPause
          : std::min(kFirstPause * (1 << doublings), kLongestPause);
  if (matter.ok() && !matter->refuses) {
    const absl::Duration left = matter->expected - runner_.clock().TimeNow();
    if (left > absl::ZeroDuration()) {
      pause = std::min(pause, left + kFirstPause);
    }
  }
  plan->second.next = runner_.clock().Uptime() + pause;
  return true;
}

}  // namespace warder::app
