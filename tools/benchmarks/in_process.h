// The use cases on a real store, vault and ledger in a directory of their own,
// without the wire: issuer `shop` of alice and bob, whose signer is `checkout`.
#ifndef WARDER_TOOLS_BENCHMARKS_IN_PROCESS_H_
#define WARDER_TOOLS_BENCHMARKS_IN_PROCESS_H_

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "server/app/issuer_manager.h"
#include "server/app/owner_manager.h"
#include "server/app/token_signer.h"
#include "server/base/clock.h"
#include "server/crypto/digest.h"
#include "server/crypto/system_random.h"
#include "server/ledger/ledger.h"
#include "server/ledger/subject_sets.h"
#include "server/storage/sql_store.h"
#include "server/vault/software_vault.h"
#include "tools/benchmarks/report.h"

namespace warder::bench {

struct InProcess {
  // The ledger knows of everything since `ledger_age` ago. `time` outlives
  // this.
  explicit InProcess(absl::Duration ledger_age = absl::ZeroDuration(),
                     Clock& time = RealTime())
      : clock(time),
        sealer(SecretBytes(crypto::kKeyEncryptionKeyBytes)),
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
        ledger(
            Must(ledger::Ledger::Open((directory / "ledger").string(), sealer,
                                      random, clock.TimeNow() - ledger_age))),
        subject_sets(Must(ledger::SubjectSets::Open(
            (directory / "subjects").string(), *ledger))),
        signer(runner, random, *ledger, usage) {
    ledger->Load();
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
    domain::Grant grant;
    grant.signer = "checkout";
    grant.audiences = {"https://api.example"};
    issuer.grants = {grant};
    Must(issuers.Create(admin, issuer));
  }
  ~InProcess() {
    store.reset();
    std::filesystem::remove_all(directory);
  }
  static Clock& RealTime() {
    static SystemClock clock;
    return clock;
  }
  static std::filesystem::path MakeDirectory() {
    auto path = std::filesystem::temp_directory_path() /
                ("warder-bench-" + std::to_string(getpid()));
    std::filesystem::create_directories(path);
    return path;
  }

  const IssuerId shop{"shop"};
  Clock& clock;
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
  std::unique_ptr<ledger::SubjectSets> subject_sets;
  app::SignerUsage usage;
  app::TokenSigner signer;
  app::Request admin;  // as role security
};

}  // namespace warder::bench

#endif  // WARDER_TOOLS_BENCHMARKS_IN_PROCESS_H_
