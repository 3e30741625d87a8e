// Follows every revocation until each gateway has refused: takes what doors and
// streams learn of gateways, writes it down in batches, and lets time pass for
// horizons and deadlines.
//
// A door only leaves a note: it waits neither for the store nor for this loop.
// Notes are one for each gateway and issuer, the newest wins, so that they
// are bounded by what is registered, however often a gateway asks.
#ifndef WARDER_SERVER_APP_CONFIRMATION_LOOP_H_
#define WARDER_SERVER_APP_CONFIRMATION_LOOP_H_

#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/gateway_directory.h"
#include "server/app/revocation_record.h"
#include "server/app/revocation_statement.h"
#include "server/app/stream_instances.h"
#include "server/base/mutex.h"
#include "server/domain/gateway.h"

namespace warder::app {

class ConfirmationLoop : public ViewSink {
 public:
  // Notes are gathered for this long before they are written.
  static constexpr absl::Duration kBatch = absl::Milliseconds(50);
  // That a gateway asked again, and nothing else, is written this often.
  static constexpr absl::Duration kHeardEvery = absl::Minutes(1);

  // Both outlive this. `service`: what the service is known by; the `iss` of
  // what it states.
  ConfirmationLoop(ChangeRunner& runner, StatementSigner& signer,
                   std::string service)
      : runner_(runner),
        statements_{.signer = signer, .service = std::move(service)},
        instances_(runner.store(), runner.clock_guard(), *this) {}
  ~ConfirmationLoop() override { Stop(); }

  // Starts the thread. Call once.
  void Start();
  // Writes what was noted, ends the thread and waits for it. May be called
  // again.
  void Stop();
  // A revocation may have begun. Thread-safe, never blocks.
  void Wake();

  // Whose streams end when they end, and what they acknowledge.
  StreamInstances& instances() { return instances_; }

  // A gateway is known to hold `view.revision`. Thread-safe, never blocks.
  void Note(const domain::GatewayView& view) override;

  // Writes what was noted, reviews what that or time may change, and returns
  // when to look again. The body of the thread. Blocks for store transactions.
  absl::Time Tick();

 private:
  using Place = std::pair<GatewayId, IssuerId>;
  using Notes = std::map<Place, domain::GatewayView>;

  void Run();
  // Returns the issuers of which a gateway has moved on to a newer set.
  absl::StatusOr<std::set<IssuerId>> WriteNotes(const Notes& notes);
  absl::Status Review(const std::set<IssuerId>& moved, absl::Time now);
  void UpdateLag(absl::Time now);
  // Signs what is to be said of revocations that are closed.
  absl::Status StateWhatIsOver();

  ChangeRunner& runner_;
  const RevocationStater statements_;
  StreamInstances instances_;
  absl::Time next_lag_ = absl::InfinitePast();  // used by Tick alone

  Mutex mu_;
  Notes notes_ ABSL_GUARDED_BY(mu_);
  // What the store holds of each place, as far as this process wrote it.
  Notes known_ ABSL_GUARDED_BY(mu_);
  bool news_ ABSL_GUARDED_BY(mu_) = false;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_CONFIRMATION_LOOP_H_
