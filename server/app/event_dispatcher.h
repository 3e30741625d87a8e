// Tells subscriptions of audit events: at least once, in order per subject, for
// as long as it takes.
//
// The audit log is the outbox: an event is committed with what it tells of, and
// each subscription has a cursor in it. What was taken up and not told yet is a
// Delivery. A failed one is tried again after 1, 2, 4, ... seconds; meanwhile
// later events of the same subject wait, and others go ahead. What the receiver
// refuses (400, 410, 413, 422) for longer than DeliveryPolicy::refused_for, or
// has not taken after give_up, becomes a dead letter: it is listed, and
// somebody has it tried again, now behind later events of its subject, or
// dropped. At most 100,000 deliveries of one subscription wait; past that,
// events stay in the audit log until some are done.
//
// Each subscription has a thread of its own: a slow receiver delays no other.
#ifndef WARDER_SERVER_APP_EVENT_DISPATCHER_H_
#define WARDER_SERVER_APP_EVENT_DISPATCHER_H_

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/event_messages.h"
#include "server/app/outbound.h"
#include "server/base/mutex.h"

namespace warder::app {

struct DeliveryPolicy {
  absl::Duration first_retry = absl::Seconds(1);
  absl::Duration longest_retry = absl::Minutes(10);
  absl::Duration refused_for = absl::Hours(1);
  absl::Duration give_up = absl::Hours(72);

  friend bool operator==(const DeliveryPolicy&,
                         const DeliveryPolicy&) = default;
};

class EventDispatcher {
 public:
  // All outlive this.
  EventDispatcher(ChangeRunner& runner, EventMessages& messages,
                  HttpClient& http, const DeliveryPolicy& policy)
      : runner_(runner), messages_(messages), http_(http), policy_(policy) {}
  ~EventDispatcher() { Stop(); }

  // Starts the threads. Call once.
  void Start();
  // Ends them and waits for them. May be called again.
  void Stop();
  // There may be something to tell. Thread-safe, never blocks.
  void Wake();

  // Tells one subscription what is due. Returns when to look again;
  // InfiniteFuture when there is no such subscription. Blocks for store
  // transactions, and for HTTP calls of about a second in all, the last one ten
  // at most. One call per subscription at a time.
  absl::Time Deliver(const std::string& subscription);

 private:
  // The outcome of trying some deliveries, to be written down at once.
  struct Outcome {
    std::vector<domain::Delivery> told, failed;
    // The receiver cannot be reached, or is busy, whatever it is told.
    bool unreachable = false;
    // When something of what still waits is due; InfinitePast: at once.
    absl::Time next = absl::InfiniteFuture();
    // Subjects that could not be told for want of a receiver.
    int unheard = 0;
  };

  absl::StatusOr<domain::Subscription> Get(const std::string& id);
  // Takes events up as deliveries, as long as not too many wait.
  absl::Status TakeUp(domain::Subscription& subscription);
  // Tries what is due for about a second: in order, and what has failed before
  // after what has not.
  absl::StatusOr<Outcome> Try(domain::Subscription& subscription);
  // Tries one and notes it in `outcome`. Returns whether to go on.
  bool TryNext(domain::Subscription& subscription, domain::Delivery delivery,
               absl::Time until, Outcome& outcome);
  // Returns what is sent, after `subscription` is read again, since its secret
  // may be another. NOT_FOUND: it was deleted, or is another one by now.
  absl::StatusOr<EventMessage> MessageOf(domain::Subscription& subscription,
                                         const domain::Delivery& delivery);
  // Tries one; returns whether it was told, and marks it where not.
  bool TryOne(domain::Subscription& subscription, domain::Delivery& delivery,
              bool& unreachable);
  void NoteFailure(domain::Delivery& delivery, absl::string_view error,
                   bool refused);
  absl::Duration RetryAfter(int attempts) const;
  absl::Status WriteDown(const domain::Subscription& subscription,
                         const Outcome& outcome);
  // What deliveries are dated with: a clock that jumps kills none of them.
  absl::Time Now() { return runner_.clock_guard().Read().trusted; }
  // When there may be something to do after `outcome`.
  absl::StatusOr<absl::Time> Next(const domain::Subscription& subscription,
                                  const Outcome& outcome);
  absl::StatusOr<absl::Time> Round(const std::string& id);

  void Supervise();
  void Serve(const std::string& id);
  // Starts threads for new subscriptions, joins those of deleted ones.
  void MatchThreads();
  bool stopping();
  // Waits until `next`, a wake-up after `seen`, or the end. Returns false at
  // the end.
  bool Await(absl::Time next, int64_t& seen);

  ChangeRunner& runner_;
  EventMessages& messages_;
  HttpClient& http_;
  const DeliveryPolicy policy_;

  Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int64_t woken_ ABSL_GUARDED_BY(mu_) = 0;
  // A receiver that cannot be reached is left alone for a while.
  struct Pause {
    absl::Time create_time;  // of the subscription
    int failures = 0;
    absl::Time until = absl::InfinitePast();
  };
  std::map<std::string, Pause> pauses_ ABSL_GUARDED_BY(mu_);
  // Subscriptions that were found deleted by their threads.
  std::vector<std::string> ended_ ABSL_GUARDED_BY(mu_);

  std::thread supervisor_;
  std::map<std::string, std::thread> threads_;  // used by the supervisor alone
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_EVENT_DISPATCHER_H_
