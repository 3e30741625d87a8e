#include "tests/support/test_app.h"

#include <gtest/gtest.h>

#include "server/base/status_macros.h"
#include "server/crypto/digest.h"
#include "tests/support/status_matchers.h"

namespace warder {

namespace {

std::unique_ptr<ledger::Ledger> MustOpenLedger(const TempDir& directory,
                                               const crypto::Sealer& sealer,
                                               Random& random) {
  auto opened = ledger::Ledger::Open(directory.File("ledger"), sealer, random,
                                     TestStart() - absl::Minutes(1));
  EXPECT_OK(opened.status());
  if (!opened.ok()) return nullptr;
  (*opened)->Load();
  return *std::move(opened);
}

std::unique_ptr<ledger::SubjectSets> MustOpenSubjects(
    const TempDir& directory, const ledger::Ledger& ledger) {
  auto opened = ledger::SubjectSets::Open(directory.File("subjects"), ledger);
  EXPECT_OK(opened.status());
  return opened.ok() ? *std::move(opened) : nullptr;
}

}  // namespace

absl::Time TestStart() { return absl::FromUnixSeconds(1767225600); }

TestApp::TestApp(app::Store* other_store, app::Vault* other_vault)
    : store(other_store != nullptr ? *other_store : fake_store),
      vault(other_vault != nullptr ? *other_vault : fake_vault),
      runner(store, clock, vault, publisher, metrics, crypto::Sha256),
      issuers(runner, "https://keys.example"),
      keys(runner),
      departures(runner),
      exposures(runner, departures),
      intake(runner, departures, hr_policy),
      feeds(runner, random, hr_policy),
      users(runner, intake, random),
      rosters(runner, intake),
      attestations(runner, hr_policy),
      owners(runner, users),
      ledger(MustOpenLedger(directory, sealer, random)),
      subject_sets(MustOpenSubjects(directory, *ledger)),
      signer(runner, random, *ledger, signer_usage),
      loop(runner, departures,
           {.feeds = &feeds,
            .rosters = &rosters,
            .attestations = &attestations}) {}

app::Request TestApp::As(const std::string& principal,
                         const std::string& request_id) {
  app::Request request;
  auto caller = app::ParseCallerUri("warder://" + principal);
  EXPECT_OK(caller.status());
  if (caller.ok()) request.caller = *caller;
  request.method = "test.Service/Method";
  request.request_id = request_id;
  return request;
}

absl::StatusOr<domain::Departure> TestApp::Depart(
    const std::string& principal, const std::string& owner,
    std::optional<absl::Time> at) {
  app::ReportDepartureCommand command;
  command.owner = OwnerId(owner);
  command.instant = at;
  return departures.Report(As(principal), command);
}

domain::Issuer TestApp::MustSetUp(const std::string& id,
                                  domain::Policy policy) {
  for (const char* name : {"alice", "bob", "carol"}) {
    app::CreateOwnerCommand owner;
    owner.id = OwnerId(name);
    owners.Create(As("security/sam"), owner).IgnoreError();
  }
  app::CreateIssuerCommand command;
  command.id = IssuerId(id);
  command.owner = OwnerId("alice");
  command.deputies = {OwnerId("bob"), OwnerId("carol")};
  command.policy = policy;
  domain::Grant grant;
  grant.signer = "checkout";
  grant.audiences = {"api"};
  grant.max_lifetime = std::min(grant.max_lifetime, policy.max_token_lifetime);
  command.grants = {grant};
  auto issuer = issuers.Create(As("security/sam"), command);
  EXPECT_OK(issuer.status());
  return issuer.value_or(domain::Issuer());
}

std::vector<domain::Key> TestApp::Keys(const std::string& issuer) {
  std::vector<domain::Key> keys_found;
  EXPECT_OK(store.Read([&](app::ReadTransaction& txn) {
    app::KeyFilter filter;
    filter.issuer = IssuerId(issuer);
    ASSIGN_OR_RETURN(keys_found, txn.ListKeys(filter, {}, 1000));
    return absl::OkStatus();
  }));
  return keys_found;
}

domain::Key TestApp::MustFindKey(const std::string& issuer,
                                 domain::KeyState state) {
  std::vector<domain::Key> found;
  for (const domain::Key& key : Keys(issuer)) {
    if (key.state == state) found.push_back(key);
  }
  EXPECT_EQ(found.size(), 1u) << domain::KeyStateName(state);
  return found.empty() ? domain::Key() : found[0];
}

std::vector<domain::AuditEvent> TestApp::Events() {
  std::vector<domain::AuditEvent> events;
  EXPECT_OK(store.Read([&](app::ReadTransaction& txn) {
    ASSIGN_OR_RETURN(events, txn.ListEvents(0, 100000));
    return absl::OkStatus();
  }));
  return events;
}

std::string TestApp::KeySet(const std::string& issuer) {
  const auto snapshot = publisher.Find(issuer);
  return snapshot == nullptr ? "" : snapshot->key_set;
}

}  // namespace warder
