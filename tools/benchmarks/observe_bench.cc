// Observations of gateways: how many digests a second one core takes in, judged
// by the ledger, counted for the books. Nine of ten minutes are sealed, as they
// are in a service that has been up for a while.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <vector>

#include "server/app/alarm_manager.h"
#include "server/app/gateway_manager.h"
#include "server/app/issuer_manager.h"
#include "server/app/key_usage.h"
#include "server/app/observation_intake.h"
#include "server/app/owner_manager.h"
#include "server/app/token_signer.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/crypto/digest.h"
#include "server/crypto/system_random.h"
#include "server/storage/sql_store.h"
#include "server/vault/software_vault.h"
#include "tools/benchmarks/report.h"

namespace warder::bench {
namespace {

constexpr double kBar = 500'000;
constexpr int kMinutes = 10;
constexpr int kTokensOfMinute = 50'000;
constexpr size_t kOfOneReport = 50'000;
constexpr int kRounds = 5;

struct House {
  House()
      : sealer(SecretBytes(crypto::kKeyEncryptionKeyBytes)),
        vault(sealer),
        directory(MakeDirectory()),
        store(Must(storage::SqlStore::Open({.path = directory / "warder.db"},
                                           clock.TimeNow()))),
        runner(*store, clock, vault, publisher, metrics, crypto::Sha256),
        issuers(runner, "https://keys.example"),
        departures(runner),
        intake(runner, departures, policy),
        users(runner, intake, random),
        owners(runner, users),
        ledger(Must(ledger::Ledger::Open((directory / "ledger").string(),
                                         sealer, random,
                                         clock.TimeNow() - absl::Hours(1)))),
        gateways(runner, gateway_directory),
        checker(runner, gateway_directory, *ledger),
        alarms(runner),
        usage(runner, *ledger, signers),
        observations(runner, gateway_directory, checker, *ledger, usage,
                     alarms) {
    SetLogLevel(LogLevel::kError);
    ledger->Load();
    app::Request admin;
    admin.caller = {app::Role::kSecurity, "admin"};
    for (const char* id : {"alice", "bob"}) {
      app::CreateOwnerCommand owner;
      owner.id = OwnerId(id);
      Must(owners.Create(admin, owner));
    }
    app::CreateIssuerCommand issuer;
    issuer.id = shop;
    issuer.owner = OwnerId("alice");
    issuer.deputies = {OwnerId("bob")};
    Must(issuers.Create(admin, issuer));
    domain::Gateway gateway;
    gateway.id = GatewayId("edge");
    gateway.consumer = "libwarder";
    gateway.reach = domain::Reach::kStream;
    gateway.issuers = {shop};
    Must(gateways.Create(admin, gateway));
    request.caller = {app::Role::kGateway, "edge"};
  }
  ~House() {
    store.reset();
    std::filesystem::remove_all(directory);
  }
  static std::filesystem::path MakeDirectory() {
    const auto path = std::filesystem::temp_directory_path() /
                      ("warder-bench-observe-" + std::to_string(getpid()));
    std::filesystem::create_directories(path);
    return path;
  }

  const IssuerId shop{"shop"};
  SystemClock clock;
  crypto::SystemRandom random;
  crypto::Sealer sealer;
  vault::SoftwareVault vault;
  std::filesystem::path directory;
  std::unique_ptr<storage::SqlStore> store;
  app::Publisher publisher;
  Metrics metrics;
  app::ChangeRunner runner;
  app::IssuerManager issuers;
  app::DepartureManager departures;
  app::HrPolicy policy;
  app::DepartureIntake intake;
  app::UserManager users;
  app::OwnerManager owners;
  std::unique_ptr<ledger::Ledger> ledger;
  app::GatewayDirectory gateway_directory;
  app::GatewayManager gateways;
  app::LedgerChecker checker;
  app::AlarmManager alarms;
  app::SignerUsage signers;
  app::KeyUsage usage;
  app::ObservationIntake observations;
  app::Request request;
};

// Records tokens of ten minutes; returns what gateways will have seen of each.
std::vector<app::ObservedTokens> Issue(House& house) {
  const KeyId key("K");
  const absl::Time start = house.clock.TimeNow() - absl::Minutes(kMinutes);
  std::vector<app::ObservedTokens> seen;
  for (int m = 0; m < kMinutes; ++m) {
    const absl::Time when = start + absl::Minutes(m);
    const uint32_t minute = ledger::MinuteOf(when);
    const ledger::MinuteSecret secret =
        house.ledger->SecretOf(house.shop, minute / 60).Of(minute);
    app::ObservedTokens tokens{.issuer = house.shop,
                               .kid = key.value(),
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
                        .key = key,
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
