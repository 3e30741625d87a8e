// Asks the server whether a token was issued, for a verifier that waits.
#ifndef WARDER_CLIENT_LEDGER_ASKER_H_
#define WARDER_CLIENT_LEDGER_ASKER_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "client/client.h"
#include "client/verify/issuance.h"
#include "server/base/clock.h"

namespace warder::client {

// Thread-safe. A gateway that asks for a token that was never issued has raised
// the alarm when it hears so.
class LedgerAsker : public IssuanceChecker {
 public:
  // Nobody waits longer.
  static constexpr absl::Duration kPatience = absl::Milliseconds(500);
  // After calls that failed, so many in a row, nobody waits at all for so long.
  static constexpr int kFailures = 3;
  static constexpr absl::Duration kPause = absl::Seconds(1);
  // So many wait at once; others are told at once that nobody knows.
  static constexpr int kMostAsking = 64;

  // Both outlive this.
  LedgerAsker(Client& client, Clock& clock) : client_(client), clock_(clock) {}

  // One call to the server, tried once. kIndeterminate where it fails.
  Issuance Check(const SeenToken& token) override;

 private:
  Client& client_;
  Clock& clock_;
  std::atomic<int> asking_ = 0;
  std::atomic<int> failures_ = 0;             // in a row
  std::atomic<int64_t> silent_until_ns_ = 0;  // uptime
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_LEDGER_ASKER_H_
