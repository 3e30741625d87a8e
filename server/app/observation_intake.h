// What gateways have seen: judged by the ledger as it comes.
//
//     report ──> who says it, of which issuers? ──> each digest: issued?
//                                                      └─ never: an alarm,
//                                                         before the answer
//
// A gateway's word is its own: it can raise alarms about issuers that it
// verifies, and hide what it saw itself. It cannot clear anybody else's.
#ifndef WARDER_SERVER_APP_OBSERVATION_INTAKE_H_
#define WARDER_SERVER_APP_OBSERVATION_INTAKE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/alarm_manager.h"
#include "server/app/change_runner.h"
#include "server/app/gateway_directory.h"
#include "server/app/ledger_checker.h"
#include "server/base/mutex.h"
#include "server/domain/alarm.h"
#include "server/ledger/ledger.h"

namespace warder::app {

// Tokens of one key and minute that a gateway saw for the first time.
struct ObservedTokens {
  IssuerId issuer;
  std::string kid;
  uint32_t minute = 0;  // of `iat`, since 1970
  std::vector<uint64_t> digests;
};

struct ObservedViolation {
  IssuerId issuer;
  domain::AlarmKind kind = domain::AlarmKind::kNeverIssued;
  std::string signing_input;
  bool signature_valid = false;
  absl::Time seen_time;
  std::string source;
};

struct ObservationReport {
  std::string instance;
  std::string incarnation;
  int64_t sequence = 0;
  std::vector<ObservedTokens> tokens;
  std::vector<ObservedViolation> violations;
  int64_t dropped = 0;
};

struct ObservationAnswer {
  std::vector<uint64_t> never_issued;
  absl::Duration interval;  // until the next report
};

// Thread-safe.
class ObservationIntake {
 public:
  static constexpr size_t kMostTokens = 100'000;
  static constexpr size_t kMostViolations = 100;
  static constexpr absl::Duration kInterval = absl::Seconds(5);
  // A gateway that has reported, and does not for so long, is silent.
  static constexpr absl::Duration kSilence = absl::Minutes(1);

  // All outlive this.
  ObservationIntake(ChangeRunner& runner, const GatewayDirectory& gateways,
                    LedgerChecker& checker, ledger::Ledger& ledger,
                    AlarmManager& alarms)
      : runner_(runner),
        gateways_(gateways),
        checker_(checker),
        ledger_(ledger),
        alarms_(alarms) {}

  // Judges what the calling gateway has seen. Sent again with the same sequence
  // by the same incarnation, or an earlier one, nothing counts twice. Two
  // look-ups for each digest; a store transaction where there is an alarm.
  //
  //   PERMISSION_DENIED    audited: no gateway, or it does not verify the
  //   issuer NOT_FOUND            no such issuer INVALID_ARGUMENT     naming
  //   the field: nothing of it is taken what AlarmManager::Raise returns: send
  //   it again
  absl::StatusOr<ObservationAnswer> Take(const Request& request,
                                         const ObservationReport& report);

  // Raises an alarm for each gateway that has fallen silent. Call every few
  // seconds.
  absl::Status CheckSilence();

 private:
  // One process of a gateway.
  struct Heard {
    std::string incarnation;
    int64_t sequence = 0;
    ObservationAnswer answer;
  };
  // A gateway, by all its processes.
  struct Gateway {
    std::map<std::string, Heard> instances;
    absl::Duration heard;  // uptime
    bool silent = false;   // an alarm was raised
  };
  static constexpr size_t kMostInstances = 4096;  // of one gateway
  static constexpr size_t kMostForged = 1'000'000;

  absl::Status Check(const Request& request, const ObservationReport& report);
  // Returns the answer to a report that was taken before.
  absl::StatusOr<const ObservationAnswer*> FindAnswer(
      const std::string& gateway, const ObservationReport& report)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Returns whether the token is a forgery that was not known before.
  bool IsNews(const IssuerId& issuer, uint64_t digest);
  // Appends an event for it, unless it is noise or an honest leftover.
  void JudgeViolation(const GatewayId& gateway, const ObservedViolation& seen,
                      std::vector<domain::AlarmEvent>& events);

  ChangeRunner& runner_;
  const GatewayDirectory& gateways_;
  LedgerChecker& checker_;
  ledger::Ledger& ledger_;
  AlarmManager& alarms_;

  Mutex mu_;
  std::map<std::string, Gateway> heard_ ABSL_GUARDED_BY(mu_);
  // Forgeries that were counted: each gateway shows the same one.
  absl::flat_hash_set<std::pair<std::string, uint64_t>> forged_
      ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<std::pair<std::string, uint64_t>> forged_before_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_OBSERVATION_INTAKE_H_
