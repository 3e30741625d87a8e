// Observations of gateways: how many digests a second one core takes in, judged
// by the ledger, counted for the books. Nine of ten minutes are sealed, as they
// are in a service that has been up for a while.
#include <cstdlib>
#include <iostream>
#include <vector>

#include "server/app/alarm_manager.h"
#include "server/app/gateway_manager.h"
#include "server/app/key_usage.h"
#include "server/app/observation_intake.h"
#include "server/base/log.h"
#include "tools/benchmarks/in_process.h"
#include "tools/benchmarks/report.h"

namespace warder::bench {
namespace {

constexpr double kBar = 500'000;
constexpr int kMinutes = 10;
constexpr int kTokensOfMinute = 50'000;
constexpr size_t kOfOneReport = 50'000;
constexpr int kRounds = 5;

struct House : InProcess {
  House()
      : InProcess(absl::Hours(1)),
        gateways(runner, gateway_directory),
        checker(runner, gateway_directory, *ledger),
        alarms(runner),
        books(runner, *ledger, usage),
        observations(runner, gateway_directory, checker, *ledger, *subject_sets,
                     books, alarms) {
    SetLogLevel(LogLevel::kError);
    domain::Gateway gateway;
    gateway.id = GatewayId("edge");
    gateway.consumer = "libwarder";
    gateway.reach = domain::Reach::kStream;
    gateway.issuers = {shop};
    Must(gateways.Create(admin, gateway));
    request.caller = {app::Role::kGateway, "edge"};
    key = Must(signer.Sign(Signer(), Command())).key;
  }
  // Of the issuer's one key.
  static app::Request Signer() {
    app::Request request;
    request.caller = {app::Role::kSigner, "checkout"};
    return request;
  }
  app::SignJwtCommand Command() const {
    app::SignJwtCommand command;
    command.issuer = shop;
    command.audiences = {"https://api.example"};
    return command;
  }

  app::GatewayDirectory gateway_directory;
  app::GatewayManager gateways;
  app::LedgerChecker checker;
  app::AlarmManager alarms;
  app::KeyUsage books;
  app::ObservationIntake observations;
  app::Request request;  // as the gateway
  KeyId key;             // that signs
};

// Records tokens of ten minutes; returns what gateways will have seen of each.
std::vector<app::ObservedTokens> Issue(House& house) {
  const absl::Time start = house.clock.TimeNow() - absl::Minutes(kMinutes);
  std::vector<app::ObservedTokens> seen;
  for (int m = 0; m < kMinutes; ++m) {
    const absl::Time when = start + absl::Minutes(m);
    const uint32_t minute = ledger::MinuteOf(when);
    const ledger::MinuteSecret secret =
        house.ledger->SecretOf(house.shop, minute / 60).Of(minute);
    app::ObservedTokens tokens{.issuer = house.shop,
                               .kid = house.key.value(),
                               .minute = minute,
                               .digests = {}};
    std::vector<std::string> inputs;
    for (int i = 0; i < kTokensOfMinute; ++i) {
      inputs.push_back(absl::StrCat("header.payload-", m, "-", i));
      tokens.digests.push_back(secret.DigestOf(inputs.back()));
    }
    std::vector<ledger::Issuance> issued;
    for (const std::string& input : inputs) {
      issued.push_back({.issuer = house.shop,
                        .key = house.key,
                        .issue_time = when,
                        .signing_input = input});
    }
    const absl::Status recorded = house.ledger->Record(issued);
    if (!recorded.ok()) {
      std::cerr << recorded << "\n";
      exit(1);
    }
    seen.push_back(std::move(tokens));
  }
  const absl::Status sealed =
      house.ledger->Tick(house.clock.TimeNow(), [](const IssuerId&) {
        return ledger::Retention{.longest_life = absl::Hours(1)};
      });
  if (!sealed.ok()) exit(1);
  return seen;
}

int Main() {
  House house;
  const auto seen = Issue(house);
  double best = 0;
  int64_t sequence = 0;
  for (int round = 0; round < kRounds; ++round) {
    double taken = 0;
    const double start = Seconds();
    for (const app::ObservedTokens& tokens : seen) {
      static_assert(kTokensOfMinute == kOfOneReport);
      app::ObservationReport report;
      report.instance = "host-1";
      report.incarnation = "a";
      report.sequence = ++sequence;
      report.tokens.push_back(tokens);
      const auto answer = Must(house.observations.Take(house.request, report));
      if (!answer.never_issued.empty() || answer.not_judged > 0) {
        std::cerr << answer.never_issued.size() << " honest tokens accused, "
                  << answer.not_judged << " not judged\n";
        return 1;
      }
      taken += static_cast<double>(tokens.digests.size());
    }
    best = std::max(best, taken / (Seconds() - start));
  }
  Report("observe", "digests_per_s", best, kBar, false);
  return 0;
}

}  // namespace
}  // namespace warder::bench

int main() { return warder::bench::Main(); }
