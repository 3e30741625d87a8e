// One thread that reads the ledger after a start, seals what is over, and
// forgets what outlived its tokens.
#ifndef WARDER_SERVER_APP_LEDGER_LOOP_H_
#define WARDER_SERVER_APP_LEDGER_LOOP_H_

#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/base/ticker.h"
#include "server/ledger/ledger.h"

namespace warder::app {

// Clocks of verifiers are off by no more: the policy's bound for clock_skew.
inline constexpr absl::Duration kLongestSkew = absl::Minutes(10);

// What a gateway saw is judged as well where its report comes so much later.
inline constexpr absl::Duration kLongestLateness = absl::Hours(1);

// Returns for how long tokens of the issuer are judged, and whether a legal
// hold keeps their records. One look at the published snapshot.
ledger::Retention RetentionOf(const Publisher& publisher,
                              const IssuerId& issuer);

class ObservationIntake;

class LedgerLoop {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(5);

  // All outlive this. `observations` may be null: nobody's silence is noticed.
  LedgerLoop(ChangeRunner& runner, ledger::Ledger& ledger,
             ObservationIntake* observations)
      : runner_(runner),
        ledger_(ledger),
        observations_(observations),
        ticker_(runner.clock(), [this] { return Run(); }) {}

  // Starts the thread, which reads the ledger first. Call once.
  void Start() { ticker_.Start(); }
  // Ends the thread and waits for it. May be called again.
  void Stop() { ticker_.Stop(); }

  // Seals and forgets, and has the books checked (ObservationIntake). A clock
  // that jumped forward makes nothing be forgotten before it is believed. What
  // fails is logged, once for each error, and tried again by the next call.
  void Tick();

 private:
  // The body of the thread.
  absl::Duration Run();

  ChangeRunner& runner_;
  ledger::Ledger& ledger_;
  ObservationIntake* const observations_;
  absl::Status last_;  // of Tick
  Ticker ticker_;      // last: it ends first
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_LEDGER_LOOP_H_
