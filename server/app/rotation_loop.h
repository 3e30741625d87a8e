// The one thread that keeps promises made for later: rotations, retirements,
// spares, scheduled departures, forgotten requests.
//
// It sleeps until the next thing is due, and is woken by changes. Revocation
// never waits for it; when it is broken, keys still end at their hard age.
#ifndef WARDER_SERVER_APP_ROTATION_LOOP_H_
#define WARDER_SERVER_APP_ROTATION_LOOP_H_

#include <string>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/attestation_manager.h"
#include "server/app/change_runner.h"
#include "server/app/departure_manager.h"
#include "server/app/feed_access.h"
#include "server/app/roster_manager.h"
#include "server/base/mutex.h"

namespace warder::app {

class RotationLoop {
 public:
  // What HR's systems are to be asked or told of by the clock.
  struct HrDuties {
    FeedAccess* feeds = nullptr;
    RosterManager* rosters = nullptr;
    AttestationManager* attestations = nullptr;
  };

  // All outlive this. Of `hr` each may be null: nobody does it then.
  RotationLoop(ChangeRunner& runner, DepartureManager& departures,
               const HrDuties& hr)
      : runner_(runner), departures_(departures), hr_(hr) {}
  ~RotationLoop() { Stop(); }

  // Starts the thread. Call once.
  void Start();
  // Ends the thread and waits for it. May be called again.
  void Stop();
  // Asks for a Tick soon. Thread-safe, never blocks.
  void Wake();

  // Does everything that is due and returns when to look again. The body of
  // the thread; tests call it with a SimulatedClock. A clock that jumped
  // forward holds rotation back (see held()), never departures. One issuer
  // that fails is tried again later and does not stop the others.
  absl::Time Tick();

  // Returns whether rotation waits because of ClockGuard: it goes on when the
  // clock is set back, has been steady for an hour, or after a restart.
  bool held() const { return runner_.clock_guard().Read().held; }

 private:
  void Run();
  absl::Status Rotate(const IssuerId& issuer);
  void RotateDue(absl::Time now);
  void RunDepartures();
  void UpdateMetrics(absl::Time now);
  void DoHrDuties();

  ChangeRunner& runner_;
  DepartureManager& departures_;
  const HrDuties hr_;

  // Used by Tick alone.
  absl::Time next_housekeeping_ = absl::InfinitePast();
  absl::Duration departures_looked_at_;  // uptime
  absl::flat_hash_map<std::string, absl::Time> deferred_;

  Mutex mu_;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ROTATION_LOOP_H_
