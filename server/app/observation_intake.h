// What gateways have seen: judged by the ledger as it comes.
//
//     report ──> who says it, of which issuers? ──> each digest: issued?
//                                                      └─ never: an alarm,
//                                                         before the answer
//
// A gateway's word is its own: it can raise alarms about issuers that it
// verifies, and hide what it saw itself. It cannot clear anybody else's. Doubt
// is no alarm, whatever a token looks like.
#ifndef WARDER_SERVER_APP_OBSERVATION_INTAKE_H_
#define WARDER_SERVER_APP_OBSERVATION_INTAKE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/alarm_manager.h"
#include "server/app/change_runner.h"
#include "server/app/gateway_directory.h"
#include "server/app/key_usage.h"
#include "server/app/ledger_checker.h"
#include "server/base/mutex.h"
#include "server/domain/alarm.h"
#include "server/ledger/ledger.h"
#include "server/ledger/subject_sets.h"

namespace warder::app {

// Tokens of one key and minute that a gateway saw for the first time.
struct ObservedTokens {
  IssuerId issuer;
  std::string kid;
  uint32_t minute = 0;  // of `iat`, since 1970
  std::vector<uint64_t> digests;
};

// How many tokens of a key, by audience and source.
struct ObservedCounts {
  IssuerId issuer;
  std::string kid;
  std::vector<SeenCount> counts;
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
  std::vector<ObservedCounts> counts;
  std::vector<ObservedViolation> violations;
  int64_t dropped = 0;
};

struct ObservationAnswer {
  std::vector<uint64_t> never_issued;
  int64_t not_judged = 0;
  absl::Duration interval;  // until the next report
};

// Thread-safe.
class ObservationIntake {
 public:
  static constexpr size_t kMostTokens = 100'000;
  static constexpr size_t kMostViolations = 100;
  static constexpr size_t kMostShown = 1000;  // never_issued of one answer
  static constexpr absl::Duration kInterval = absl::Seconds(5);
  // A gateway that has reported, and does not for so long, is silent.
  static constexpr absl::Duration kSilence = absl::Minutes(1);
  static constexpr absl::Duration kRaiseEvery = absl::Seconds(1);

  // All outlive this.
  ObservationIntake(ChangeRunner& runner, const GatewayDirectory& gateways,
                    LedgerChecker& checker, ledger::Ledger& ledger,
                    const ledger::SubjectSets& subjects, KeyUsage& usage,
                    AlarmManager& alarms)
      : runner_(runner),
        gateways_(gateways),
        checker_(checker),
        ledger_(ledger),
        subjects_(subjects),
        usage_(usage),
        alarms_(alarms) {}

  // Judges what the calling gateway has seen. What was never issued, names
  // nobody of the issuer's subjects and is shown in full is an UNKNOWN_SUBJECT,
  // too. Sent again with the same sequence by the same incarnation, or an
  // earlier one, nothing counts twice; nor does a token that several gateways
  // see. What it may not report (of issuers that
  // it does not verify; dated in a time to come) is counted as not judged, and
  // the first of it audited; the rest is taken. Two look-ups for each digest; a
  // store transaction where there is an alarm.
  //
  // clang-format off
  //   PERMISSION_DENIED  audited: no registered gateway
  //   INVALID_ARGUMENT   naming the field: nothing of it is taken
  //   UNAVAILABLE        the ledger is still being read; or what
  //                      AlarmManager::Raise returns: send it again
  // clang-format on
  absl::StatusOr<ObservationAnswer> Take(const Request& request,
                                         const ObservationReport& report);

  // The calling gateway was shown a token that was never issued: the same
  // alarms. The first at once; what follows within kRaiseEvery is counted by
  // CheckBooks.
  //   what AlarmManager::Raise returns
  absl::Status RaiseForged(const Request& request,
                           const CheckIssuedCommand& shown);

  // Raises an alarm for each gateway that has fallen silent, and for each key
  // of which more is seen than it has signed. Call every few seconds.
  absl::Status CheckBooks();

 private:
  // One process of a gateway.
  struct Heard {
    std::string incarnation;
    int64_t sequence = 0;
    absl::Duration at;  // uptime
    ObservationAnswer answer;
  };
  // A gateway, by all its processes.
  struct Gateway {
    std::map<std::string, Heard> instances;
    absl::Duration heard;  // uptime
    bool silent = false;   // an alarm was raised
  };
  // Of one gateway; past it, the one that was heard of least lately is
  // forgotten.
  static constexpr size_t kMostInstances = 4096;
  static constexpr size_t kMostForged = 1'000'000;
  // Alarm events of one report, by domain::PlaceOf.
  using Events = std::map<std::string, domain::AlarmEvent>;

  absl::Status CheckForm(const ObservationReport& report) const;
  // Returns the answer to a report that was taken before.
  std::optional<ObservationAnswer> FindAnswer(const std::string& gateway,
                                              const ObservationReport& report);
  void Remember(const std::string& gateway, const ObservationReport& report,
                const ObservationAnswer& answer);
  // Returns whether it was not counted before.
  bool IsNews(domain::AlarmKind kind, const IssuerId& issuer, uint64_t digest);
  // Returns `kid` where it is a key of the issuer, living or ended; else "".
  std::string KnownKid(const IssuerId& issuer, const std::string& kid) const;
  void JudgeTokens(const GatewayId& gateway, const ObservedTokens& seen,
                   ObservationAnswer& answer, Events& events);
  void JudgeViolation(const GatewayId& gateway, const ObservedViolation& seen,
                      Events& events);
  static void Add(domain::AlarmEvent event, Events& events);
  absl::Status Raise(const Events& events);

  ChangeRunner& runner_;
  const GatewayDirectory& gateways_;
  LedgerChecker& checker_;
  ledger::Ledger& ledger_;
  const ledger::SubjectSets& subjects_;
  KeyUsage& usage_;
  AlarmManager& alarms_;

  Mutex mu_;
  std::map<std::string, Gateway> heard_ ABSL_GUARDED_BY(mu_);
  // Forgeries that were counted: each gateway shows the same one.
  using Forged = std::tuple<domain::AlarmKind, std::string, uint64_t>;
  absl::flat_hash_set<Forged> forged_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<Forged> forged_before_ ABSL_GUARDED_BY(mu_);
  // When RaiseForged last raised each alarm, as uptime, and what waits for it;
  // by domain::PlaceOf.
  std::map<std::string, absl::Duration> raised_ ABSL_GUARDED_BY(mu_);
  Events waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_OBSERVATION_INTAKE_H_
