// Tells the server which tokens a gateway sees, as digests, every few seconds:
// it is the server that knows which were issued.
//
// clang-format off
//     Verifier ──> Accepted, Refused ──> kept, bounded
//                                          │ Tick
//                                          v
//     what was never issued, in full <── report, as digests
// clang-format on
//
// A token is reported once, as far as is remembered. What cannot be kept is
// counted and said.
#ifndef WARDER_CLIENT_OBSERVE_H_
#define WARDER_CLIENT_OBSERVE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/verify/token_observer.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/ticker.h"
#include "server/ledger/token_digest.h"
#include "warder/v1/ledger.grpc.pb.h"

namespace warder::client {

struct ObserveOptions {
  // As in WatchOptions.
  std::string instance;
  std::string incarnation;
  // Tokens that are kept between two reports; more are dropped, and counted.
  size_t most_tokens = 100'000;
  absl::Duration interval = absl::Seconds(5);  // until the server names another
};

// Returns what kind of address this is ("192.0.2.7", "2001:db8::1");
// UNSPECIFIED where it is none.
v1::SourceClass SourceClassOf(absl::string_view address);

struct ObserveStatus {
  int64_t reported = 0;  // tokens
  int64_t never_issued = 0;
  int64_t dropped = 0;
  absl::Status last_error;
};

// Thread-safe.
class Observer : public TokenObserver {
 public:
  // `client` and `clock` outlive this.
  Observer(Client& client, Clock& clock, ObserveOptions options);
  ~Observer() override;

  // Starts a thread that calls Tick. Call once, or call Tick yourself.
  void Start();
  // Sends what there is, and ends the thread. May be called again.
  void Stop();

  void Accepted(const SeenToken& token) override;
  void Refused(const SeenToken& token, TokenViolation violation) override;

  // Sends a report of what was seen, also of nothing; one that failed is sent
  // again first. Returns when to be called next, as uptime. Blocks for calls to
  // the server. One thread at a time.
  absl::Duration Tick();

  ObserveStatus status() const;

 private:
  struct Token {
    std::string issuer, kid, signing_input, audience, address;
    uint32_t minute = 0;
  };
  // What goes into one report.
  struct Seen {
    std::vector<Token> tokens;
    std::vector<v1::ObservedViolation> violations;
    size_t violation_bytes = 0;
    int64_t dropped = 0;

    // Takes it, or counts it where there is no room.
    void Add(v1::ObservedViolation violation);
    // Takes what came after this, as far as there is room.
    void Append(Seen later, size_t most_tokens);
  };

  // Returns whether it was not seen of late.
  bool IsNews(size_t hash) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Makes the next report of `seen`. Fails where a secret cannot be had for
  // now: all of it is kept then. What the server will not hear of is dropped.
  absl::Status Make(const Seen& seen);
  absl::Status Send();
  // Returns the digest, asking for its hour's secret where it is not known.
  absl::StatusOr<uint64_t> DigestOf(const Token& token);

  Client& client_;
  Clock& clock_;
  const ObserveOptions options_;

  // Of Tick alone.
  int64_t sequence_ = 0;
  std::unique_ptr<v1::ReportObservationsRequest> report_;  // not taken yet
  std::vector<std::pair<uint64_t, Token>> reported_;       // in it, by digest
  absl::flat_hash_map<std::pair<std::string, uint32_t>, ledger::HourSecret>
      secrets_;  // by issuer and hour
  absl::flat_hash_map<std::pair<std::string, uint32_t>, ledger::MinuteSecret>
      minutes_;
  absl::Duration interval_;

  mutable Mutex mu_;
  Seen seen_ ABSL_GUARDED_BY(mu_);
  // Hashes of what was reported of late.
  absl::flat_hash_set<size_t> known_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<size_t> known_before_ ABSL_GUARDED_BY(mu_);
  ObserveStatus status_ ABSL_GUARDED_BY(mu_);
  Ticker ticker_;  // last: it ends first
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_OBSERVE_H_
