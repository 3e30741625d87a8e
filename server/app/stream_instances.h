// The instances of gateways on the stream, and what each enforces.
//
// A gateway enforces a revision when every instance of it does. One that was
// cut off still counts until its bound of staleness has passed, since it may go
// on accepting until then; after that it refuses everything by itself. Who
// serves stale sets counts for a day. What is known outlives the process, so
// that a restart forgets nobody.
#ifndef WARDER_SERVER_APP_STREAM_INSTANCES_H_
#define WARDER_SERVER_APP_STREAM_INSTANCES_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/clock_guard.h"
#include "server/app/gateway_directory.h"
#include "server/app/store.h"
#include "server/base/mutex.h"

namespace warder::app {

// Thread-safe.
class StreamInstances {
 public:
  static constexpr absl::Duration kServesStaleFor = absl::Hours(24);
  // That one was heard of is written this often.
  static constexpr absl::Duration kWriteEvery = absl::Minutes(1);
  static constexpr size_t kMostOfOneGateway = 4096;
  // How long it is known when the last of those that were cut off refused.
  static constexpr absl::Duration kRemember = absl::Hours(48);

  // All outlive this.
  StreamInstances(Store& store, ClockGuard& clock, ViewSink& views)
      : store_(store), clock_(clock), views_(views) {}

  // Reads who was there when the process before ended. Call at start.
  absl::Status Load();

  // A stream of an instance: of a process, as "NAME/INCARNATION".
  struct Stream {
    GatewayId gateway;
    std::string instance;
    int64_t number = 0;  // tells it from every other in this process
  };

  // An instance of `gateway` watches; nothing is known yet of what it enforces.
  // The stream it had before counts for nothing from now on: two processes of
  // one name do not vouch for each other.
  //   UNAVAILABLE  kMostOfOneGateway are known
  absl::StatusOr<Stream> Connect(const domain::Gateway& gateway,
                                 const std::string& instance,
                                 absl::Duration max_staleness);
  // Something was heard of it.
  //   ABORTED CONFLICT  another stream of the instance began since
  absl::Status Heard(const Stream& stream);
  // It enforces this revision, or a later one.
  void Acknowledge(const Stream& stream, const IssuerId& issuer,
                   int64_t revision);
  // It ended; `leaving`: its process does, too.
  void Disconnect(const Stream& stream, bool leaving);

  // Forgets who has refused by himself for some time, and writes down who was
  // heard of. Blocks for one store transaction where there is something to
  // write. Call now and then.
  absl::Status Tick();

  // Returns when the last instance of the gateway refuses by itself, should
  // nothing be heard of any from now on, or did: InfinitePast where none was
  // cut off for kRemember.
  absl::Time RefuseBy(const GatewayId& gateway) const;

  // Returns how many instances of the gateway count.
  int Count(const GatewayId& gateway) const;

 private:
  struct Instance {
    absl::Duration max_staleness;
    absl::Time heard;
    absl::Time written = absl::InfinitePast();
    int64_t stream = 0;                     // its number; 0: cut off
    std::map<IssuerId, int64_t> revisions;  // of the gateway's issuers
  };
  struct Group {
    std::vector<IssuerId> issuers;
    std::map<std::string, Instance> instances;
    // Revision: how many instances enforce it and nothing newer.
    std::map<IssuerId, std::map<int64_t, int>> counts;
    // Of those that were cut off until they refused by themselves: the one that
    // did last, and when. What fetched from it may serve that for some time.
    std::string last_cut_off;
    absl::Time last_refused = absl::InfinitePast();
  };

  void Count(Group& group, const Instance& instance, int by)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // An instance that was cut off refuses since then, by itself.
  void NoteRefused(const GatewayId& id, Group& group, const std::string& name,
                   absl::Time since) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Returns the instance, or nullptr where another stream of it began.
  Instance* Find(const Stream& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells what every instance enforces, where that moved on.
  void Tell(const GatewayId& id, const Group& group, const IssuerId& issuer,
            const std::string& source) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Store& store_;
  ClockGuard& clock_;
  ViewSink& views_;
  mutable Mutex mu_;
  std::map<GatewayId, Group> groups_ ABSL_GUARDED_BY(mu_);
  int64_t last_stream_ ABSL_GUARDED_BY(mu_) = 0;
  // To be erased from the store.
  std::vector<std::pair<GatewayId, std::string>> gone_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_STREAM_INSTANCES_H_
