#include "server/app/event_dispatcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

constexpr int kEventsAtOnce = 500;
// Past this many that wait, events stay in the audit log.
constexpr int kMostWaiting = 100000;
constexpr int kDeliveriesOfPage = 1000;
// What was told is written down this often: a crash repeats no more.
constexpr size_t kToldAtOnce = 50;
constexpr absl::Duration kWriteEvery = absl::Seconds(1);
constexpr absl::Duration kLongestSleep = absl::Minutes(1);
constexpr absl::Duration kStoreRetry = absl::Seconds(5);

bool Refuses(int status) {
  return status == 400 || status == 410 || status == 413 || status == 422;
}

bool IsBusy(int status) { return status == 429 || status == 503; }

// The error code of RFC 8935 in an answer, " (invalid_key)". Of the rest of it
// nothing is kept: it may repeat what was sent, secrets included.
std::string ErrOf(absl::string_view body) {
  const auto answer = ParseJsonObject(body);
  if (!answer.ok()) return "";
  const auto err = JsonString(*answer, "err");
  const bool good = err.ok() && err->size() <= 40 &&
                    std::all_of(err->begin(), err->end(), [](char c) {
                      return absl::ascii_islower(c) || c == '_';
                    });
  return good ? absl::StrCat(" (", *err, ")") : "";
}

}  // namespace

absl::Duration EventDispatcher::RetryAfter(int attempts) const {
  absl::Duration after = policy_.first_retry;
  for (int i = 1; i < attempts && after < policy_.longest_retry; ++i) {
    after *= 2;
  }
  return std::min(after, policy_.longest_retry);
}

absl::StatusOr<domain::Subscription> EventDispatcher::Get(
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
      ASSIGN_OR_RETURN(waiting, txn.CountDeliveries(subscription.id,
                                                    /*dead_letters=*/false));
      ASSIGN_OR_RETURN(events,
                       txn.ListEvents(subscription.cursor, kEventsAtOnce));
      return absl::OkStatus();
    }));
    if (events.empty() || waiting >= kMostWaiting) return absl::OkStatus();
    const int64_t from = subscription.cursor, to = events.back().sequence;
    const absl::Time now = Now();
    RETURN_IF_ERROR(runner_.store().Mutate([&](Transaction& txn) {
      for (const domain::AuditEvent& event : events) {
        if (!domain::Wants(subscription, event)) continue;
        RETURN_IF_ERROR(
            txn.PutDelivery({.subscription = subscription.id,
                             .sequence = event.sequence,
                             .ordering_key = domain::OrderingKeyOf(event),
                             .attempts = 0,
                             .create_time = now,
                             .next_time = now,
                             .error = "",
                             .dead_letter = false}));
      }
      return txn.MoveCursor(subscription.id, from, to);
    }));
    subscription.cursor = to;
  }
}

void EventDispatcher::NoteFailure(domain::Delivery& delivery,
                                  absl::string_view error, bool refused) {
  const absl::Time now = Now();
  ++delivery.attempts;
  delivery.error = std::string(error.substr(0, 300));
  delivery.next_time = now + RetryAfter(delivery.attempts);
  if (!refused) delivery.refused_since.reset();
  if (refused && !delivery.refused_since) delivery.refused_since = now;
  delivery.dead_letter =
      (delivery.refused_since &&
       now - *delivery.refused_since >= policy_.refused_for) ||
      now - delivery.create_time >= policy_.give_up;
}

absl::StatusOr<EventMessage> EventDispatcher::MessageOf(
    domain::Subscription& subscription, const domain::Delivery& delivery) {
  std::vector<domain::AuditEvent> events;
  std::optional<domain::Subscription> present;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(present, txn.FindSubscription(subscription.id));
    ASSIGN_OR_RETURN(events, txn.ListEvents(delivery.sequence - 1, 1));
    return absl::OkStatus();
  }));
  if (!present || present->create_time != subscription.create_time) {
    return NotFound(SubscriptionName(subscription.id));
  }
  subscription = *std::move(present);  // its secret may be another
  if (events.empty() || events[0].sequence != delivery.sequence) {
    return Internal(
        absl::StrCat("audit event ", delivery.sequence, " is gone"));
  }
  return messages_.Make(subscription, events[0], runner_.clock().TimeNow());
}

bool EventDispatcher::TryOne(domain::Subscription& subscription,
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
      absl::StrCat("the receiver answered ", reply->status, ErrOf(reply->body)),
      Refuses(reply->status));
  return false;
}

bool EventDispatcher::TryNext(domain::Subscription& subscription,
                              domain::Delivery delivery, absl::Time until,
                              Outcome& outcome) {
  if (stopping() || outcome.told.size() >= kToldAtOnce || Now() >= until) {
    outcome.next = absl::InfinitePast();
    return false;
  }
  bool unreachable = false;
  if (TryOne(subscription, delivery, unreachable)) {
    outcome.told.push_back(std::move(delivery));
    return true;
  }
  if (stopping()) return false;  // cut off, which is no failure of his
  outcome.unheard += unreachable ? 1 : 0;
  if (!delivery.dead_letter)
    outcome.next = std::min(outcome.next, delivery.next_time);
  outcome.failed.push_back(std::move(delivery));
  // One that is answered so may be to blame itself; two that meet nothing else
  // speak for the receiver.
  outcome.unreachable = outcome.unheard >= 2 && outcome.told.empty();
  return !outcome.unreachable;
}

absl::StatusOr<EventDispatcher::Outcome> EventDispatcher::Try(
    domain::Subscription& subscription) {
  Outcome outcome;
  const absl::Time started = Now();
  const absl::Time until = started + kWriteEvery;
  absl::flat_hash_set<std::string> behind;  // subjects with an earlier event
  std::vector<domain::Delivery> again;  // what has failed before, and is due
  std::vector<domain::Delivery> page;
  // Those of one subject may be many, and none of them is to hide the others.
  for (int64_t after = 0;; after = page.back().sequence) {
    RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(page, txn.ListDeliveries(subscription.id,
                                                /*dead_letters=*/false, after,
                                                kDeliveriesOfPage));
      return absl::OkStatus();
    }));
    if (page.empty()) break;
    for (domain::Delivery& delivery : page) {
      if (behind.contains(delivery.ordering_key)) continue;
      // One dated by a clock that was ahead is due, too.
      const bool waits = delivery.next_time > started &&
                         delivery.next_time <= started + policy_.longest_retry;
      if (waits) outcome.next = std::min(outcome.next, delivery.next_time);
      if (waits || delivery.attempts > 0) {
        behind.insert(delivery.ordering_key);
        if (!waits) again.push_back(delivery);
        continue;
      }
      const size_t failed = outcome.failed.size();
      if (!TryNext(subscription, delivery, until, outcome)) return outcome;
      // Nobody waits for a dead letter.
      if (outcome.failed.size() > failed &&
          !outcome.failed.back().dead_letter) {
        behind.insert(delivery.ordering_key);
      }
    }
  }
  const size_t failed = outcome.failed.size(), told = outcome.told.size();
  for (domain::Delivery& delivery : again) {
    if (!TryNext(subscription, std::move(delivery), until, outcome)) break;
  }
  // What comes after one that was told, or died, is due now.
  const bool freed =
      outcome.told.size() > told ||
      std::any_of(outcome.failed.begin() + static_cast<std::ptrdiff_t>(failed),
                  outcome.failed.end(),
                  [](const auto& d) { return d.dead_letter; });
  if (freed) outcome.next = absl::InfinitePast();
  return outcome;
}

absl::Status EventDispatcher::WriteDown(
    const domain::Subscription& subscription, const Outcome& outcome) {
  const std::string& id = subscription.id;
  if (outcome.told.empty() && outcome.failed.empty()) return absl::OkStatus();
  const auto write = [&](Transaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto found, txn.FindSubscription(id));
    // Deleted meanwhile, or another one of that name by now.
    if (!found || found->create_time != subscription.create_time) {
      return absl::OkStatus();
    }
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
    if (delivery.dead_letter) dead.push_back(&delivery);
  }
  if (dead.empty()) return runner_.store().Mutate(write);
  RETURN_IF_ERROR(
      runner_.RunAsSystem(ChangeRunner::Urgency::kUrgent, [&](Change& change) {
        RETURN_IF_ERROR(write(change.txn()));
        for (const domain::Delivery* delivery : dead) {
          change.Record("delivery.dead_lettered", SubscriptionName(id),
                        WriteJson({{"sequence", delivery->sequence},
                                   {"attempts", delivery->attempts},
                                   {"error", delivery->error}}));
        }
        return absl::OkStatus();
      }));
  for (const domain::Delivery* delivery : dead) {
    Log(LogLevel::kError, "delivery.dead_lettered",
        {{"subscription", id},
         {"sequence", absl::StrCat(delivery->sequence)},
         {"error", delivery->error},
         {"next",
          "the receiver did not take this event; when it can: warder delivery "
          "retry, else: warder delivery drop"}});
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> EventDispatcher::Next(
    const domain::Subscription& told, const Outcome& outcome) {
  const std::string& id = told.id;
  const absl::Time now = Now();
  {
    MutexLock lock(&mu_);
    Pause& pause = pauses_[id];
    if (!outcome.unreachable || pause.create_time != told.create_time) {
      pause = {.create_time = told.create_time};
    }
    if (outcome.unreachable) {
      pause.until = now + RetryAfter(++pause.failures);
      return pause.until;
    }
  }
  int64_t waiting = 0, dead = 0, cursor = 0, last = 0;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(waiting, txn.CountDeliveries(id, /*dead_letters=*/false));
    ASSIGN_OR_RETURN(dead, txn.CountDeliveries(id, /*dead_letters=*/true));
    ASSIGN_OR_RETURN(const auto event, txn.LastEvent());
    ASSIGN_OR_RETURN(const auto subscription, txn.FindSubscription(id));
    last = event ? event->sequence : 0;
    cursor = subscription ? subscription->cursor : last;
    return absl::OkStatus();
  }));
  runner_.metrics().SetDeliveries(id, waiting, dead);
  if (cursor < last && waiting < kMostWaiting) return now;
  return std::clamp(outcome.next, now, now + kLongestSleep);
}

absl::StatusOr<absl::Time> EventDispatcher::Round(const std::string& id) {
  ASSIGN_OR_RETURN(domain::Subscription subscription, Get(id));
  RETURN_IF_ERROR(TakeUp(subscription));
  {
    MutexLock lock(&mu_);
    const auto pause = pauses_.find(id);
    const absl::Time now = Now();
    if (pause != pauses_.end() &&
        pause->second.create_time == subscription.create_time &&
        pause->second.until > now &&
        pause->second.until <= now + policy_.longest_retry) {
      return pause->second.until;
    }
  }
  ASSIGN_OR_RETURN(const Outcome outcome, Try(subscription));
  RETURN_IF_ERROR(WriteDown(subscription, outcome));
  return Next(subscription, outcome);
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
  return Now() + kStoreRetry;
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
    // The two clocks may differ, see ClockGuard.
    next = runner_.clock().TimeNow() + (next - Now());
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
