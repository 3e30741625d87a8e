// Warder in one process and in simulated time: the use cases on a real store,
// vault and ledger, and gateways that verify with libwarder.
#ifndef WARDER_TOOLS_INCIDENT_HOUSE_H_
#define WARDER_TOOLS_INCIDENT_HOUSE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/held_ledger.h"
#include "client/verify/verifier.h"
#include "server/app/alarm_manager.h"
#include "server/app/gateway_manager.h"
#include "server/app/key_manager.h"
#include "server/app/key_usage.h"
#include "server/app/ledger_loop.h"
#include "server/app/observation_intake.h"
#include "server/app/rotation_loop.h"
#include "server/app/subject_manager.h"
#include "tools/benchmarks/in_process.h"

namespace warder::incident {

inline constexpr char kAudience[] = "https://api.example";
inline constexpr char kOtherAudience[] = "https://admin.example";
// Gateways report so often (incident.md section 4.3).
inline constexpr absl::Duration kStep = app::ObservationIntake::kInterval;
inline constexpr int kGateways = 6;

class House;

// A gateway with libwarder, whose clock is off by `skew`.
class Gateway : public client::TokenObserver,
                public client::IssuanceChecker,
                public client::SubjectChecker {
 public:
  Gateway(House& house, int number, absl::Duration skew);

  // Returns whether it lets the token in.
  bool Accepts(const std::string& token);
  // Sends what was seen, unless it is cut off; twice, where `again`.
  void Report(bool again);
  // Fetches what is sealed, where it enforces and is not cut off.
  void Fetch();
  void Apply(const app::IssuerSnapshot& snapshot);

  void SetSkew(absl::Duration skew) { skew_ = skew; }
  void SetCutOff(bool cut_off) { cut_off_ = cut_off; }
  void Enforce(bool enforce) { enforce_ = enforce; }

  void Accepted(const client::SeenToken& token) override;
  void Refused(const client::SeenToken& token,
               client::TokenViolation violation) override;
  client::Issuance Check(const client::SeenToken& token) override;
  bool IsUnknown(absl::string_view issuer,
                 absl::string_view subject) const override;

  // What it holds of the ledger answers first.
  client::HeldLedger::Status held() const { return held_.status(); }

 private:
  struct Seen {
    IssuerId issuer;
    std::string kid, signing_input;
    uint32_t minute;
  };

  House& house_;
  app::Request request_;
  absl::Duration skew_;
  bool cut_off_ = false;
  bool enforce_ = false;
  client::HeldLedger held_;
  std::unique_ptr<client::Verifier> verifier_;
  std::vector<Seen> seen_;
  std::vector<app::ObservedViolation> violations_;
  int64_t sequence_ = 0;
};

class House : public bench::InProcess {
 public:
  // `blind`: of no minute does the ledger know what was issued.
  explicit House(SimulatedClock& simulated, bool blind = false);

  // Lets `by` pass, in steps: rotation, the ledger's maintenance, reports.
  void Pass(absl::Duration by, bool duplicate_reports = false);

  // Sends every gateway the key set as it is.
  void TellGateways();

  // Signs as the service does: in the ledger.
  std::string Issue(const std::string& subject,
                    const std::string& audience = kAudience);
  Gateway& gateway(size_t number) { return *gateways[number % kGateways]; }
  std::vector<domain::Alarm> Alarms();
  domain::Key MustFindKey(domain::KeyState state);

  SimulatedClock& time;
  app::GatewayDirectory directory_of_gateways;
  app::GatewayManager gateway_manager;
  app::KeyManager keys;
  app::LedgerChecker checker;
  app::SubjectManager subjects;
  app::AlarmManager alarms;
  app::KeyUsage books;
  app::ObservationIntake observations;
  app::LedgerLoop ledger_loop;
  app::RotationLoop rotation;
  app::Request checkout;  // as the signer
  std::vector<std::unique_ptr<Gateway>> gateways;
  // That a thief can copy: the private half of a key while it is there.
  crypto::PrivateKey Steal(const domain::Key& key);

 private:
  absl::Time rotated_;
};

// Signs what he likes with a copy.
class Thief {
 public:
  Thief(House& house, const domain::Key& key)
      : key_(house.Steal(key)), kid_(key.id.value()) {}

  // `issued` from now on; claims as an honest token's.
  std::string Forge(House& house, const std::string& subject, absl::Time issued,
                    const std::string& audience = kAudience,
                    const std::string& token_id = "x") const;

 private:
  crypto::PrivateKey key_;
  std::string kid_;
};

}  // namespace warder::incident

#endif  // WARDER_TOOLS_INCIDENT_HOUSE_H_
