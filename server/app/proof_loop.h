// Asks every gateway that can be asked whether it refuses a revoked key, until
// it does, and then again now and then for as long as there are canaries.
//
// A question is rounds of two tokens that differ in their key alone: the canary
// of the dead key, which must be refused, and its twin by a living key, which
// must be accepted: a gateway that refuses everything proves nothing. Each
// token goes over a connection of its own, so that where several machines stand
// behind one address it is not always the same one that answers; a proof is
// kRounds rounds in a row, and whoever accepts later takes it back. Who accepts
// the dead key is poked, where its kind fetches the key set anew for an unknown
// kid, and asked again: after 25, 50, ... milliseconds up to 30 seconds, and
// when its cache has to have expired. Nothing but the order of questions is in
// memory: after a restart it begins anew.
#ifndef WARDER_SERVER_APP_PROOF_LOOP_H_
#define WARDER_SERVER_APP_PROOF_LOOP_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/outbound.h"
#include "server/base/mutex.h"
#include "server/domain/canary.h"
#include "server/domain/revocation.h"

namespace warder::app {

class ProofLoop {
 public:
  static constexpr absl::Duration kFirstPause = absl::Milliseconds(25);
  static constexpr absl::Duration kLongestPause = absl::Seconds(30);
  // Who is known to refuse is asked again after this.
  static constexpr absl::Duration kCalmPause = absl::Minutes(5);
  static constexpr int kRounds = 3;
  // Gateways that are asked at one instant; each is asked one thing at a time.
  static constexpr int kThreads = 8;

  // Both outlive this.
  ProofLoop(ChangeRunner& runner, HttpClient& http)
      : runner_(runner), http_(http) {}
  ~ProofLoop() { Stop(); }

  // Starts the threads. Call once.
  void Start();
  // Ends them and waits for them; a running question ends by HttpClient::Abort
  // or its bound. May be called again.
  void Stop();
  // A revocation may have begun. Thread-safe, never blocks.
  void Wake();

  // Looks which questions there are; those that are due can be taken. Returns
  // when to look again. Blocks for a read of the store.
  absl::Time Look();
  // Asks one that is due; false where none is. Blocks for up to 2 * kRounds + 1
  // HTTP requests, the making of a key, and a store transaction.
  bool AskOne();

 private:
  using Question = std::pair<KeyId, GatewayId>;
  struct Plan {
    int asked = 0;
    absl::Duration next;  // uptime
    absl::Duration poked = -absl::InfiniteDuration();
  };
  // What is needed to ask.
  struct Matter {
    domain::Revocation revocation;
    domain::Gateway gateway;
    std::string canary;
    bool refuses;         // as far as is known
    absl::Time expected;  // it refuses by then if it can fetch
  };
  // What came of a question.
  enum class Result { kOver, kRefuses, kAskAgain };

  std::optional<Question> TakeDue() ABSL_LOCKS_EXCLUDED(mu_);
  // NOT_FOUND: there is nothing to ask any more. UNAVAILABLE: no canary is for
  // now.
  absl::StatusOr<Matter> Prepare(const Question& question);
  domain::ProbeOutcome Ask(const Matter& matter, const Question& question);
  domain::ProbeAnswer Present(const domain::Probe& probe,
                              const std::string& token, std::string* seen);
  void PokeIfUseful(const Matter& matter, const Question& question);
  // One round more; returns whether there is a reason for another.
  bool AskOnce(const Matter& matter, const Question& question,
               const std::string& twin, domain::ProbeOutcome& outcome);
  absl::StatusOr<Result> Record(const Question& question, const Matter& matter,
                                const domain::ProbeOutcome& outcome);
  // Returns what there is to ask. Forgets canaries that have expired.
  absl::StatusOr<std::set<Question>> Targets();
  void RunLooker();
  void RunAsker();

  ChangeRunner& runner_;
  HttpClient& http_;

  Mutex mu_;
  std::map<Question, Plan> plans_ ABSL_GUARDED_BY(mu_);
  std::set<GatewayId> busy_ ABSL_GUARDED_BY(mu_);
  int64_t planned_ ABSL_GUARDED_BY(mu_) = 0;  // counts calls of Look
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time next_cleaning_ = absl::InfinitePast();  // used by Look alone
  std::vector<std::thread> threads_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_PROOF_LOOP_H_
