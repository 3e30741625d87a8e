// Fetches what a gateway holds of the ledger, and of subjects, and keeps it
// current.
#ifndef WARDER_CLIENT_LEDGER_FETCHER_H_
#define WARDER_CLIENT_LEDGER_FETCHER_H_

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/held_ledger.h"
#include "client/held_subjects.h"
#include "client/verify/key_sets.h"
#include "server/base/clock.h"
#include "server/base/ticker.h"

namespace warder::client {

// Stop waits for a call that is under way, ten seconds at most. One thread at a
// time calls Tick.
class LedgerFetcher {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(10);

  // `sets` returns the key sets that the gateway verifies by, by issuer. Of the
  // ledger that is fetched which they need: of issuers with a mode other than
  // OBSERVE, or with a key that is drained. `subjects_changed` is called when a
  // token that was accepted may name nobody by now. Everything outlives this.
  LedgerFetcher(Client& client, Clock& clock,
                std::function<std::map<std::string, PublishedSet>()> sets,
                HeldLedger& ledger, HeldSubjects& subjects,
                std::function<void()> subjects_changed)
      : client_(client),
        clock_(clock),
        sets_(std::move(sets)),
        ledger_(ledger),
        subjects_(subjects),
        subjects_changed_(std::move(subjects_changed)),
        ticker_(clock, [this] { return Tick(); }) {}
  ~LedgerFetcher() { Stop(); }

  void Start() { ticker_.Start(); }
  void Stop() {
    stopping_ = true;
    ticker_.Stop();
  }

  // Fetches what is new. Returns when to be called next, as uptime. Blocks for
  // calls to the server. What fails is logged, once for each issuer and error.
  absl::Duration Tick();

 private:
  absl::Status FetchLedger(const PublishedSet& set);
  absl::Status FetchSubjects(const std::string& issuer);
  // Logs a failure unless it is the one that was logged last of the issuer.
  void Note(absl::string_view event, const std::string& issuer,
            const absl::Status& status, absl::string_view next);

  Client& client_;
  Clock& clock_;
  const std::function<std::map<std::string, PublishedSet>()> sets_;
  HeldLedger& ledger_;
  HeldSubjects& subjects_;
  const std::function<void()> subjects_changed_;
  std::map<std::pair<std::string, std::string>, absl::Status>
      failures_;  // by event and issuer
  std::atomic<bool> stopping_ = false;
  Ticker ticker_;  // last: it ends first
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_LEDGER_FETCHER_H_
