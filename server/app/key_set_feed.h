// Hands published key sets to whoever watches them.
//
//   Publisher --Published--> feed --wake--> each watcher --Begin--> write
//
// A watcher owns no queue: it knows which issuers it has not been told of since
// they changed, and takes the newest set of each when it can write. So one
// that never reads costs what any other costs, and delays nobody.
#ifndef WARDER_SERVER_APP_KEY_SET_FEED_H_
#define WARDER_SERVER_APP_KEY_SET_FEED_H_

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/gateway_directory.h"
#include "server/app/publisher.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace warder::app {

// One stream to one instance of a gateway. Thread-safe.
class Watcher {
 public:
  // What is to be written next.
  struct Message {
    SnapshotPtr key_set;      // nullptr: a heartbeat
    std::string fingerprint;  // of the set
    bool classic = false;     // without EdDSA keys
    domain::IssuanceMode issuance_mode = domain::IssuanceMode::kObserve;
    bool current = false;  // of a heartbeat: nothing else waits
    // Of a set; zero: at once.
    absl::Duration acknowledge_within = absl::ZeroDuration();
  };

  // Returns what to write and marks the watcher as writing; nullopt while it is
  // writing, is closed, or nothing waits. `publisher` outlives this.
  std::optional<Message> Begin();
  // The write is over; Begin may return the next one.
  void End();

  // Something was heard of the other side.
  void Heard();

  // Returns the revision of the set that was sent last, or known at the start,
  // if `fingerprint` is that set's.
  std::optional<int64_t> RevisionOf(const std::string& issuer,
                                    absl::string_view fingerprint) const;

  // Ends it. The first reason stands. Returns whether the caller is the one to
  // finish the stream now: nobody is writing.
  bool Close(const absl::Status& status);
  // After End: whether it was closed while it wrote, and why.
  std::optional<absl::Status> closed() const;

  // Whether something was begun and has not ended.
  bool writing() const;

  // Nobody is woken or asked from now on; waits for who is.
  void Detach();

  const GatewayPtr& gateway() const { return gateway_; }
  // Between heartbeats.
  absl::Duration interval() const;

 private:
  friend class KeySetFeed;
  Watcher(const Publisher& publisher, Clock& clock, GatewayPtr gateway,
          std::map<std::string, std::string> known, bool quick,
          std::function<void()> wake, std::function<absl::Status()> check);

  // Each returns whether there is something to do for who watches.
  bool MarkChanged(const std::string& issuer,
                   absl::Duration acknowledge_within);
  bool MarkHeartbeat();
  void Wake();
  // Why it is to end: it was silent for too long, or `check` says so.
  absl::Status Health(absl::Duration now);

  // Constant after construction.
  const Publisher& publisher_;
  Clock& clock_;
  const GatewayPtr gateway_;
  const bool quick_;  // kQuickHeartbeat

  mutable Mutex mu_;
  struct Sent {
    std::string fingerprint;
    int64_t revision = 0;
  };
  bool classic() const;
  domain::IssuanceMode ModeOf(const IssuerId& issuer) const;
  // Of the set as this watcher is sent it.
  std::string FingerprintOfSent(const IssuerSnapshot& snapshot) const;

  std::map<std::string, Sent> sent_ ABSL_GUARDED_BY(mu_);  // by issuer
  std::set<std::string> changed_ ABSL_GUARDED_BY(mu_);
  absl::Duration acknowledge_within_ ABSL_GUARDED_BY(mu_);
  bool heartbeat_ ABSL_GUARDED_BY(mu_) = true;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  absl::Duration heard_ ABSL_GUARDED_BY(mu_);          // uptime
  absl::Duration writing_since_ ABSL_GUARDED_BY(mu_);  // uptime
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(mu_);

  Mutex wake_mu_;
  std::function<void()> wake_ ABSL_GUARDED_BY(wake_mu_);
  std::function<absl::Status()> check_ ABSL_GUARDED_BY(wake_mu_);
};
using WatcherPtr = std::shared_ptr<Watcher>;

// Thread-safe.
class KeySetFeed {
 public:
  static constexpr absl::Duration kHeartbeat = absl::Seconds(10);
  // For who refuses within half a minute of the last one.
  static constexpr absl::Duration kQuickHeartbeat = absl::Seconds(1);
  // After this long either side takes a silent other for gone.
  static constexpr absl::Duration kSilence = absl::Seconds(30);
  static constexpr size_t kMostWatchers = 65536;
  // No gateway takes the places of others.
  static constexpr size_t kMostWatchersOfOneGateway = 8192;
  // What a set costs to be sent to one watcher, both sides: acknowledgements
  // wait until all have been told. Fewer than kMany acknowledge at once.
  static constexpr absl::Duration kForEach = absl::Microseconds(200);
  static constexpr absl::Duration kLongestWait = absl::Seconds(2);
  static constexpr size_t kMany = 64;

  // Both outlive this.
  KeySetFeed(const Publisher& publisher, Clock& clock)
      : publisher_(publisher), clock_(clock) {}
  ~KeySetFeed() { Stop(); }

  // Starts the thread. Call once.
  void Start();
  // Closes every watcher, ends the thread and waits for it. May be called
  // again.
  void Stop();

  // A set has changed. Never blocks; watchers are woken by the thread.
  void Published(const IssuerId& issuer);

  // Returns a watcher of the issuers of `gateway` that is not woken yet; sets
  // with the fingerprints of `known`, by issuer, are not sent. `wake` is
  // called, by the feed's thread or a caller of this, whenever Begin may return
  // something or the watcher is closed; it does not block. `check` is asked at
  // each heartbeat whether the watcher may go on.
  //
  // Heartbeats come three times within `max_staleness`, at most once a second.
  WatcherPtr Make(GatewayPtr gateway, std::map<std::string, std::string> known,
                  absl::Duration max_staleness, std::function<void()> wake,
                  std::function<absl::Status()> check) const;
  // It is woken from now on, until Unwatch.
  //   UNAVAILABLE  kMostWatchers are there, or kMostWatchersOfOneGateway of its
  //   own
  absl::Status Watch(const WatcherPtr& watcher);
  // It is gone.
  void Unwatch(const WatcherPtr& watcher);

  size_t size() const;

  // Wakes whom `changed` and the clock concern. The body of the thread.
  void Tick();

 private:
  // Heartbeats are spread over the interval.
  static constexpr size_t kSlots = 10;
  using Watchers = std::set<WatcherPtr>;

  void Run();
  // Where its heartbeats come from.
  Watchers& PlaceOf(const WatcherPtr& watcher)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Publisher& publisher_;
  Clock& clock_;

  mutable Mutex mu_;
  absl::flat_hash_map<std::string, Watchers> by_issuer_ ABSL_GUARDED_BY(mu_);
  std::array<Watchers, kSlots> slots_ ABSL_GUARDED_BY(mu_);
  Watchers quick_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> changed_ ABSL_GUARDED_BY(mu_);
  size_t count_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, size_t> count_of_ ABSL_GUARDED_BY(mu_);
  size_t next_slot_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration next_beat_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_KEY_SET_FEED_H_
