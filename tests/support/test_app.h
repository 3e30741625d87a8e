// All use cases on fakes, with a clock that tests drive.
#ifndef WARDER_TESTS_SUPPORT_TEST_APP_H_
#define WARDER_TESTS_SUPPORT_TEST_APP_H_

#include <memory>
#include <string>

#include "server/app/attestation_manager.h"
#include "server/app/departure_manager.h"
#include "server/app/exposure_manager.h"
#include "server/app/feed_access.h"
#include "server/app/issuer_manager.h"
#include "server/app/key_manager.h"
#include "server/app/ledger_loop.h"
#include "server/app/owner_manager.h"
#include "server/app/rotation_loop.h"
#include "server/app/token_signer.h"
#include "server/app/user_manager.h"
#include "server/base/clock.h"
#include "server/base/random.h"
#include "server/ledger/subject_sets.h"
#include "tests/support/fake_store.h"
#include "tests/support/fake_vault.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_sealer.h"

namespace warder {

// 2026-01-01T00:00:00Z.
absl::Time TestStart();

struct TestApp {
  // Uses `other` in place of the fakes where given.
  explicit TestApp(app::Store* other_store = nullptr,
                   app::Vault* other_vault = nullptr);

  SimulatedClock clock{TestStart()};
  SeededRandom random{1};
  Metrics metrics;
  FakeStore fake_store;
  FakeVault fake_vault;
  app::Store& store;
  app::Vault& vault;
  app::Publisher publisher;
  app::ChangeRunner runner;
  app::IssuerManager issuers;
  app::KeyManager keys;
  app::DepartureManager departures;
  app::ExposureManager exposures;
  app::HrPolicy hr_policy;
  app::DepartureIntake intake;
  app::FeedAccess feeds;
  app::UserManager users;
  app::RosterManager rosters;
  app::AttestationManager attestations;
  app::OwnerManager owners;
  TempDir directory;
  const crypto::Sealer sealer = MakeSealer();
  std::unique_ptr<ledger::Ledger> ledger;  // read, and a minute old
  std::unique_ptr<ledger::SubjectSets> subject_sets;
  app::SignerUsage signer_usage;
  app::TokenSigner signer;
  app::RotationLoop loop;

  // A call by role/name ("security/sam").
  app::Request As(const std::string& principal,
                  const std::string& request_id = "");

  absl::StatusOr<domain::Departure> Depart(
      const std::string& principal, const std::string& owner,
      std::optional<absl::Time> at = std::nullopt);

  // Owners alice, bob and carol; issuer `id` of alice, deputies bob, carol;
  // signer `checkout` granted audience "api".
  domain::Issuer MustSetUp(const std::string& id = "shop",
                           domain::Policy policy = {});
  // The only key of `issuer` in `state`; fails the test when there is none.
  domain::Key MustFindKey(const std::string& issuer, domain::KeyState state);
  std::vector<domain::Key> Keys(const std::string& issuer);
  std::vector<domain::AuditEvent> Events();
  std::string KeySet(const std::string& issuer = "shop");
};

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_TEST_APP_H_
