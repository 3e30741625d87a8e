#include "server/app/event_dispatcher.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

constexpr int kEventsAtOnce = 500;
// Past this many that wait, events stay in the audit log.
constexpr int kMostWaiting = 1000;
constexpr int kMostRefusals = 5;
// What was told is written down this often: a crash repeats no more.
constexpr size_t kToldAtOnce = 50;
constexpr absl::Duration kWriteEvery = absl::Seconds(1);
constexpr absl::Duration kLongestSleep = absl::Minutes(1);
constexpr absl::Duration kStoreRetry = absl::Seconds(5);

bool Refuses(int status) {
  return status == 400 || status == 410 || status == 413 || status == 422;
}

bool IsBusy(int status) { return status == 429 || status == 503; }

}  // namespace

absl::Duration EventDispatcher::RetryAfter(int attempts) const {
  absl::Duration after = policy_.first_retry;
  for (int i = 1; i < attempts && after < policy_.longest_retry; ++i) {
    after *= 2;
  }
  return std::min(after, policy_.longest_retry);
}

absl::StatusOr<domain::Subscription> EventDispatcher::Find(
    const std::string& id) {
  std::optional<domain::Subscription> found;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(found, txn.FindSubscription(id));
    return absl::OkStatus();
  }));
  if (!found) return NotFound(SubscriptionName(id));
  return *std::move(found);
}

absl::Status EventDispatcher::TakeUp(domain::Subscription& subscription) {
  while (true) {
    std::vector<domain::AuditEvent> events;
    int64_t waiting = 0;
    RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(waiting,
                       txn.CountDeliveries(subscription.id, /*dead=*/false));
      ASSIGN_OR_RETURN(events,
                       txn.ListEvents(subscription.cursor, kEventsAtOnce));
      return absl::OkStatus();
    }));
    if (events.empty() || waiting >= kMostWaiting) return absl::OkStatus();
    const int64_t from = subscription.cursor, to = events.back().sequence;
    const absl::Time now = runner_.clock().TimeNow();
    RETURN_IF_ERROR(runner_.store().Mutate([&](Transaction& txn) {
      for (const domain::AuditEvent& event : events) {
        if (!domain::Wants(subscription, event)) continue;
        RETURN_IF_ERROR(txn.PutDelivery({.subscription = subscription.id,
                                         .sequence = event.sequence,
                                         .subject = domain::SubjectOf(event),
                                         .attempts = 0,
                                         .create_time = now,
                                         .next_time = now,
                                         .error = "",
                                         .dead = false}));
      }
      return txn.MoveCursor(subscription.id, from, to);
    }));
    subscription.cursor = to;
  }
}

void EventDispatcher::NoteFailure(domain::Delivery& delivery,
                                  absl::string_view error, bool refused) {
  const absl::Time now = runner_.clock().TimeNow();
  ++delivery.attempts;
  delivery.error = std::string(error.substr(0, 300));
  delivery.next_time = now + RetryAfter(delivery.attempts);
  delivery.dead = (refused && delivery.attempts >= kMostRefusals) ||
                  now - delivery.create_time >= policy_.give_up;
}

absl::StatusOr<EventMessage> EventDispatcher::MessageOf(
    const domain::Subscription& subscription,
    const domain::Delivery& delivery) {
  std::vector<domain::AuditEvent> events;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(events, txn.ListEvents(delivery.sequence - 1, 1));
    return absl::OkStatus();
  }));
  if (events.empty() || events[0].sequence != delivery.sequence) {
    return Internal(
        absl::StrCat("audit event ", delivery.sequence, " is gone"));
  }
  return messages_.Make(subscription, events[0], runner_.clock().TimeNow());
}

bool EventDispatcher::TryOne(const domain::Subscription& subscription,
                             domain::Delivery& delivery, bool& unreachable) {
  const auto message = MessageOf(subscription, delivery);
  if (!message.ok()) {
    NoteFailure(delivery, message.status().message(), /*refused=*/false);
    return false;
  }
  const auto reply =
      http_.Post(subscription.url, message->headers, message->body);
  const bool told = reply.ok() && reply->status / 100 == 2;
  runner_.metrics().CountDeliveryAttempt(subscription.id, told);
  if (told) return true;
  if (!reply.ok()) {
    unreachable = true;
    NoteFailure(delivery, reply.status().message(), /*refused=*/false);
    return false;
  }
  unreachable = IsBusy(reply->status);
  NoteFailure(
      delivery,
      absl::StrCat("the receiver answered ", reply->status,
                   reply->body.empty() ? "" : ": ", reply->body.substr(0, 200)),
      Refuses(reply->status));
  return false;
}

EventDispatcher::Outcome EventDispatcher::Try(
    const domain::Subscription& subscription,
    const std::vector<domain::Delivery>& waiting) {
  Outcome outcome;
  std::set<std::string> behind;  // subjects with an earlier event to tell
  const absl::Time started = runner_.clock().TimeNow();
  for (domain::Delivery delivery : waiting) {
    if (behind.contains(delivery.subject)) continue;
    if (delivery.next_time > started) {
      behind.insert(delivery.subject);
      continue;
    }
    if (stopping() || outcome.told.size() >= kToldAtOnce ||
        runner_.clock().TimeNow() - started >= kWriteEvery) {
      break;
    }
    if (TryOne(subscription, delivery, outcome.unreachable)) {
      outcome.told.push_back(std::move(delivery));
      continue;
    }
    if (stopping()) break;  // it was cut off, which is no failure of his
    // Nobody waits for a dead letter.
    if (!delivery.dead) behind.insert(delivery.subject);
    outcome.failed.push_back(std::move(delivery));
    if (outcome.unreachable) break;
  }
  return outcome;
}

absl::Status EventDispatcher::WriteDown(const std::string& id,
                                        const Outcome& outcome) {
  if (outcome.told.empty() && outcome.failed.empty()) return absl::OkStatus();
  const auto write = [&](Transaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto subscription, txn.FindSubscription(id));
    if (!subscription) return absl::OkStatus();  // deleted meanwhile
    for (const domain::Delivery& delivery : outcome.told) {
      RETURN_IF_ERROR(txn.DeleteDelivery(id, delivery.sequence));
    }
    for (const domain::Delivery& delivery : outcome.failed) {
      RETURN_IF_ERROR(txn.PutDelivery(delivery));
    }
    return absl::OkStatus();
  };
  std::vector<const domain::Delivery*> dead;
  for (const domain::Delivery& delivery : outcome.failed) {
    if (delivery.dead) dead.push_back(&delivery);
  }
  if (dead.empty()) return runner_.store().Mutate(write);
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kUrgent, [&](Change& change) {
        RETURN_IF_ERROR(write(change.txn()));
        for (const domain::Delivery* delivery : dead) {
          change.Record("delivery.died", SubscriptionName(id),
                        WriteJson({{"sequence", delivery->sequence},
                                   {"attempts", delivery->attempts},
                                   {"error", delivery->error}}));
        }
        return absl::OkStatus();
      }));
  for (const domain::Delivery* delivery : dead) {
    Log(LogLevel::kError, "delivery.died",
        {{"subscription", id},
         {"sequence", absl::StrCat(delivery->sequence)},
         {"error", delivery->error},
         {"next",
          "the receiver did not take this event; when it can: warder delivery "
          "retry, else: warder delivery drop"}});
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> EventDispatcher::Next(const std::string& id,
                                                 const Outcome& outcome) {
  const absl::Time now = runner_.clock().TimeNow();
  {
    MutexLock lock(&mu_);
    Pause& pause = pauses_[id];
    if (!outcome.unreachable) {
      pause = {};
    } else {
      pause.until = now + RetryAfter(++pause.failures);
      return pause.until;
    }
  }
  std::vector<domain::Delivery> waiting;
  int64_t dead = 0, cursor = 0, last = 0;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(waiting, txn.ListDeliveries(id, /*dead=*/false,
                                                 /*after=*/0, kMostWaiting));
    ASSIGN_OR_RETURN(dead, txn.CountDeliveries(id, /*dead=*/true));
    ASSIGN_OR_RETURN(const auto event, txn.LastEvent());
    ASSIGN_OR_RETURN(const auto subscription, txn.FindSubscription(id));
    last = event ? event->sequence : 0;
    cursor = subscription ? subscription->cursor : last;
    return absl::OkStatus();
  }));
  runner_.metrics().SetDeliveries(id, std::ssize(waiting), dead);
  absl::Time next = now + kLongestSleep;
  std::set<std::string> behind;
  for (const domain::Delivery& delivery : waiting) {
    if (!behind.insert(delivery.subject).second) continue;
    next = std::min(next, delivery.next_time);
  }
  if (cursor < last && std::ssize(waiting) < kMostWaiting) next = now;
  return next;
}

absl::StatusOr<absl::Time> EventDispatcher::Round(const std::string& id) {
  ASSIGN_OR_RETURN(domain::Subscription subscription, Find(id));
  {
    MutexLock lock(&mu_);
    const auto pause = pauses_.find(id);
    if (pause != pauses_.end() &&
        pause->second.until > runner_.clock().TimeNow()) {
      return pause->second.until;
    }
  }
  RETURN_IF_ERROR(TakeUp(subscription));
  std::vector<domain::Delivery> waiting;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(waiting, txn.ListDeliveries(id, /*dead=*/false,
                                                 /*after=*/0, kMostWaiting));
    return absl::OkStatus();
  }));
  const Outcome outcome = Try(subscription, waiting);
  RETURN_IF_ERROR(WriteDown(id, outcome));
  return Next(id, outcome);
}

absl::Time EventDispatcher::Deliver(const std::string& id) {
  const auto next = Round(id);
  if (next.ok()) return *next;
  if (absl::IsNotFound(next.status())) return absl::InfiniteFuture();
  if (ReasonOf(next.status()) != ReasonName(Reason::kConflict)) {
    Log(LogLevel::kWarning, "delivery.delayed",
        {{"subscription", id},
         {"error", std::string(next.status().message())}});
  }
  return runner_.clock().TimeNow() + kStoreRetry;
}

bool EventDispatcher::stopping() {
  MutexLock lock(&mu_);
  return stopping_;
}

bool EventDispatcher::Await(absl::Time next, int64_t& seen) {
  MutexLock lock(&mu_);
  runner_.clock().AwaitWithDeadline(
      &mu_,
      // Runs with mu_ held; the analysis does not see through the call.
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return stopping_ || woken_ != seen;
      },
      next);
  seen = woken_;
  return !stopping_;
}

void EventDispatcher::Serve(const std::string& id) {
  int64_t seen = 0;
  absl::Time next;
  do {
    next = Deliver(id);
    if (next == absl::InfiniteFuture()) {
      {
        MutexLock lock(&mu_);
        ended_.push_back(id);
        pauses_.erase(id);
      }
      runner_.metrics().SetDeliveries(id, 0, 0);
      return Wake();
    }
  } while (Await(next, seen));
}

void EventDispatcher::MatchThreads() {
  std::vector<std::string> ended;
  {
    MutexLock lock(&mu_);
    ended.swap(ended_);
  }
  for (const std::string& id : ended) {
    const auto thread = threads_.find(id);
    if (thread == threads_.end()) continue;
    thread->second.join();
    threads_.erase(thread);
  }
  std::vector<domain::Subscription> subscriptions;
  const absl::Status read = runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(subscriptions, txn.ListSubscriptions());
    return absl::OkStatus();
  });
  if (!read.ok()) return;  // the rotation loop says so; the next round tries
  for (const domain::Subscription& subscription : subscriptions) {
    std::thread& thread = threads_[subscription.id];
    if (thread.joinable()) continue;
    thread = std::thread([this, id = subscription.id] { Serve(id); });
  }
}

void EventDispatcher::Supervise() {
  int64_t seen = 0;
  do {
    MatchThreads();
  } while (Await(runner_.clock().TimeNow() + kLongestSleep, seen));
}

void EventDispatcher::Start() {
  supervisor_ = std::thread([this] { Supervise(); });
}

void EventDispatcher::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  http_.Abort();
  runner_.clock().Notify();
  if (supervisor_.joinable()) supervisor_.join();
  for (auto& [id, thread] : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

void EventDispatcher::Wake() {
  {
    MutexLock lock(&mu_);
    ++woken_;
  }
  runner_.clock().Notify();
}

}  // namespace warder::app
