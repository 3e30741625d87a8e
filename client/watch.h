// Keeps key sets current by WatchService.WatchKeySets: connects, resumes from
// what it holds, acknowledges what is enforced, notices a dead peer, connects
// again.
//
//   KeySetWatcher watcher(channel, sink, clock, random, options);
//   watcher.Start();
#ifndef WARDER_CLIENT_WATCH_H_
#define WARDER_CLIENT_WATCH_H_

#include <grpcpp/channel.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/verify/key_sets.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/random.h"

namespace warder::client {

// Who takes key sets. Thread-safe; called by gRPC's threads.
class KeySetSink {
 public:
  virtual ~KeySetSink() = default;

  // Returns OK once `set` is enforced: that is acknowledged then, and the
  // server counts on it. Any error ends the stream, and it is tried anew.
  virtual absl::Status Apply(const PublishedSet& set) = 0;
  // The server said, `age` ago at most, that nothing newer is published of
  // `issuers`, and that no other's tokens are this gateway's.
  virtual void Confirm(const std::vector<std::string>& issuers,
                       absl::Duration age) = 0;
  // The fingerprints of what is enforced by now, by issuer.
  virtual std::map<std::string, std::string> Held() = 0;
};

struct WatchOptions {
  // Tells instances of one gateway apart: a host's or a pod's name.
  std::string instance;
  // Tells this process from another that goes by that name; kept by who comes
  // back with what it held. Empty: made up.
  std::string incarnation = {};
  // As the sink keeps to them; see VerifierOptions.
  absl::Duration max_staleness = absl::Minutes(5);
  bool serve_stale = false;
  // The next process of this instance begins with what this one held: then it
  // does not leave when it stops, and counts on until its bound of staleness.
  bool comes_back = false;
  // Between attempts to connect: doubled each time, with chance in it.
  absl::Duration first_pause = absl::Milliseconds(200);
  absl::Duration longest_pause = absl::Seconds(5);
};

struct WatchStatus {
  bool connected = false;
  int64_t streams = 0;  // begun so far
  absl::Status last_error;
};

// Thread-safe.
class KeySetWatcher {
 public:
  // `sink`, `clock` and `random` outlive this.
  KeySetWatcher(std::shared_ptr<grpc::Channel> channel, KeySetSink& sink,
                Clock& clock, Random& random, WatchOptions options);
  ~KeySetWatcher();

  // Starts a thread that calls Tick. Call once, or call Tick yourself.
  void Start();
  // Tells the server that this instance ends, ends the stream and waits for it.
  // May be called again.
  void Stop();

  // Begins a stream where there is none and it is time to, and ends one whose
  // other side is silent. Returns when to be called again, as uptime. Does not
  // block.
  absl::Duration Tick();

  WatchStatus status() const;

 private:
  class Stream;
  struct Shared;  // outlives the streams

  void Run();

  std::unique_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_WATCH_H_
