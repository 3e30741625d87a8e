// Fetches what a gateway holds of the ledger, and of subjects, and keeps it
// current.
#ifndef WARDER_CLIENT_LEDGER_FETCHER_H_
#define WARDER_CLIENT_LEDGER_FETCHER_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/held_ledger.h"
#include "client/held_subjects.h"
#include "client/ticker.h"
#include "client/verify/key_sets.h"
#include "server/base/clock.h"

namespace warder::client {

// Start and Stop: Ticker. One thread at a time calls Tick.
class LedgerFetcher {
 public:
  static constexpr absl::Duration kEvery = absl::Seconds(10);

  // `sets` returns the key sets that the gateway verifies by, by issuer. Of the
  // ledger that is fetched which they need: of issuers with a mode other than
  // OBSERVE, or with a key that is drained. Everything outlives this.
  LedgerFetcher(Client& client, Clock& clock,
                std::function<std::map<std::string, PublishedSet>()> sets,
                HeldLedger& ledger, HeldSubjects& subjects)
      : client_(client),
        clock_(clock),
        sets_(std::move(sets)),
        ledger_(ledger),
        subjects_(subjects),
        ticker_(clock, [this] { return Tick(); }) {}

  void Start() { ticker_.Start(); }
  void Stop() { ticker_.Stop(); }

  // Fetches what is new. Returns when to be called next, as uptime. Blocks for
  // calls to the server. What fails is logged, once for each error.
  absl::Duration Tick();

 private:
  absl::Status FetchLedger(const PublishedSet& set);
  absl::Status FetchSubjects(const std::string& issuer);

  Client& client_;
  Clock& clock_;
  const std::function<std::map<std::string, PublishedSet>()> sets_;
  HeldLedger& ledger_;
  HeldSubjects& subjects_;
  absl::Status last_;  // of Tick
  Ticker ticker_;      // last: it ends first
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_LEDGER_FETCHER_H_
