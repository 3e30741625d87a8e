// Denials in the audit log: each one while they are few, counted where a caller
// makes many, so that nobody fills the disk by being refused.
#ifndef WARDER_SERVER_APP_DENIAL_LOG_H_
#define WARDER_SERVER_APP_DENIAL_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/app/clock_guard.h"
#include "server/app/store.h"
#include "server/app/vault.h"
#include "server/base/clock.h"
#include "server/base/metrics.h"
#include "server/base/mutex.h"

namespace warder::app {

// Thread-safe.
class DenialLog {
 public:
  // Denials of one actor that are written one by one within a minute. Those
  // after them become one event, "denials.counted", when the minute is over.
  static constexpr int kEach = 20;

  // All outlive this.
  DenialLog(Store& store, Clock& clock, ClockGuard& guard, Metrics& metrics,
            const Sha256& sha256)
      : store_(store),
        clock_(clock),
        guard_(guard),
        metrics_(metrics),
        sha256_(sha256) {}

  // Writes `event`, or counts it. Blocks for one store transaction at most; a
  // store that takes none is told to the process's log.
  void Write(domain::AuditEvent event, const absl::Status& status);

  // Writes what was counted in minutes that are over, or, for `all`, in every
  // one. The rotation loop calls it, and the end of the process.
  void Flush(bool all);

 private:
  struct Minute {
    absl::Duration began;  // uptime
    int64_t denials = 0;
    domain::AuditEvent last;
  };

  void Append(std::vector<domain::AuditEvent> events);
  // The event for what was counted; call for minutes past kEach.
  static domain::AuditEvent Counted(const Minute& minute);

  Store& store_;
  Clock& clock_;
  ClockGuard& guard_;
  Metrics& metrics_;
  const Sha256& sha256_;
  Mutex mu_;
  // By actor: names that the CA has signed, and "unauthenticated". Flush drops
  // those whose minute is over.
  absl::flat_hash_map<std::string, Minute> minutes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_DENIAL_LOG_H_
