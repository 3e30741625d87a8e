#include "tests/contract/store_contract.h"

#include <gmock/gmock.h>

#include "server/base/status_macros.h"
#include "server/domain/lifecycle.h"
#include "tests/support/fake_vault.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder {

using app::KeyScope;
using app::ReadTransaction;
using app::Transaction;
using domain::IssuerDraft;
using domain::KeyState;

namespace {

const absl::Time kNow = TestStart();

domain::Owner MakeOwner(const std::string& id) {
  domain::Owner owner;
  owner.id = OwnerId(id);
  owner.create_time = owner.update_time = kNow;
  owner.rev = 1;
  return owner;
}

domain::Spare MakeSpare(int number) {
  domain::Spare spare;
  spare.issuer = IssuerId("shop");
  spare.id = FakeKeyId(number);
  spare.public_jwk = "{}";
  spare.sealed = "sealed";
  spare.create_time = kNow;
  return spare;
}

void AddSpare(IssuerDraft& draft, int number) {
  draft.spares.push_back(MakeSpare(number));
  draft.changes.new_spares.push_back(MakeSpare(number));
}

}  // namespace

void StoreContract::SetUp() { store_ = GetParam()(); }

void StoreContract::MustMakeShop() {
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertOwner(MakeOwner("alice")));
    RETURN_IF_ERROR(txn.InsertOwner(MakeOwner("bob")));
    IssuerDraft draft;
    draft.issuer.id = IssuerId("shop");
    draft.issuer.issuer_uri = "https://shop";
    draft.issuer.owner = OwnerId("alice");
    draft.issuer.deputies = {OwnerId("bob")};
    draft.issuer.tombstone_jwk = "{}";
    draft.issuer.create_time = kNow;
    draft.changes.issuer_is_new = true;
    AddSpare(draft, 1);
    EXPECT_OK(domain::Rotate(draft, domain::Algorithm::kEs256, true,
                             {"security/sam", "sam"}, kNow));
    AddSpare(draft, 2);
    domain::Finish(draft, {}, kNow);
    return txn.SaveDraft(draft, kNow + absl::Hours(1));
  }));
}

IssuerDraft StoreContract::MustLoad(KeyScope scope) {
  IssuerDraft draft;
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(draft, txn.LoadDraft(IssuerId("shop"), scope));
    return absl::OkStatus();
  }));
  return draft;
}

absl::Status StoreContract::Save(IssuerDraft& draft) {
  return store_->Mutate([&](Transaction& txn) {
    return txn.SaveDraft(draft, kNow + absl::Hours(2));
  });
}

TEST_P(StoreContract, WhatIsSavedIsLoaded) {
  MustMakeShop();
  const IssuerDraft draft = MustLoad();
  EXPECT_EQ(draft.issuer.rev, 1);
  EXPECT_EQ(draft.issuer.revision, 1);
  EXPECT_EQ(draft.issuer.policy, domain::Policy());
  ASSERT_EQ(draft.keys.size(), 1u);
  const domain::Key& key = draft.keys[0];
  EXPECT_EQ(key.id, FakeKeyId(1));
  EXPECT_EQ(key.state, KeyState::kActive);
  EXPECT_EQ(key.owner, OwnerId("alice"));
  EXPECT_EQ(key.activate_time, kNow);
  EXPECT_EQ(key.retire_time, std::nullopt);
  EXPECT_EQ(key.sealed, "sealed");
  EXPECT_EQ(key.rev, 1);
  ASSERT_EQ(draft.spares.size(), 1u);
  EXPECT_EQ(draft.spares[0], MakeSpare(2));
  ASSERT_EQ(draft.deputies.size(), 1u);
  EXPECT_TRUE(draft.deputies[0].active);
  EXPECT_EQ(draft.exposures.size(), 2u);  // owned by alice, created by sam
}

TEST_P(StoreContract, AFailedBodyLeavesNothing) {
  const absl::Status status = store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertOwner(MakeOwner("alice")));
    return absl::InternalError("no");
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(OwnerId("alice")));
    EXPECT_EQ(owner, std::nullopt);
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, ATakenIdIsRefused) {
  MustMakeShop();
  EXPECT_THAT(store_->Mutate([&](Transaction& txn) {
    return txn.InsertOwner(MakeOwner("alice"));
  }),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_P(StoreContract, AStaleDraftIsAborted) {
  MustMakeShop();
  IssuerDraft first = MustLoad();
  IssuerDraft second = MustLoad();
  first.changes.issuer = second.changes.issuer = true;
  EXPECT_OK(Save(first));
  EXPECT_THAT(Save(second), FailsWith(Reason::kConflict));
}

TEST_P(StoreContract, AStaleOwnerIsAborted) {
  MustMakeShop();
  domain::Owner alice = MakeOwner("alice");
  EXPECT_OK(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateOwner(alice); }));
  EXPECT_EQ(alice.rev, 2);
  domain::Owner stale = MakeOwner("alice");
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateOwner(stale); }),
      FailsWith(Reason::kConflict));
}

TEST_P(StoreContract, NoKeyWithoutAnActiveOwner) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  draft.keys[0].owner = OwnerId("nobody");
  draft.Touch(draft.keys[0]);
  draft.changes.handed_over = true;
  EXPECT_THAT(Save(draft), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_P(StoreContract, NoKeyWithoutADeputy) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  draft.issuer.deputies.clear();
  draft.changes.issuer = draft.changes.deputies = true;
  EXPECT_THAT(Save(draft), FailsWith(Reason::kDeputyRequired));
}

TEST_P(StoreContract, NobodyDepartsWithLivingKeys) {
  MustMakeShop();
  domain::Owner alice = MakeOwner("alice");
  alice.state = domain::OwnerState::kDeparted;
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateOwner(alice); }),
      FailsWith(Reason::kOwnerNotActive));
}

TEST_P(StoreContract, TheLastDeputyOfLivingKeysDoesNotDepart) {
  MustMakeShop();
  domain::Owner bob = MakeOwner("bob");
  bob.state = domain::OwnerState::kDeparted;
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateOwner(bob); }),
      FailsWith(Reason::kDeputyRequired));
  // Unless the issuer says that it has none.
  IssuerDraft draft = MustLoad();
  draft.issuer.deputies.clear();
  draft.issuer.deputy_vacant = true;
  draft.changes.issuer = draft.changes.deputies = true;
  EXPECT_OK(Save(draft));
  EXPECT_OK(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateOwner(bob); }));
}

TEST_P(StoreContract, AVacancyDoesNotEndWithoutADeputy) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  draft.issuer.deputies.clear();
  draft.issuer.deputy_vacant = true;
  draft.changes.issuer = draft.changes.deputies = true;
  ASSERT_OK(Save(draft));
  draft.issuer.deputy_vacant = false;
  IssuerDraft again = draft;
  EXPECT_THAT(Save(draft), FailsWith(Reason::kDeputyRequired));
  again.issuer.deputies = {OwnerId("bob")};
  EXPECT_OK(Save(again));
}

TEST_P(StoreContract, AnOrphanedIssuerHasNoLivingKeys) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  draft.issuer.state = domain::IssuerState::kOrphaned;
  draft.changes.issuer = true;
  EXPECT_THAT(Save(draft), FailsWith(Reason::kOwnerNotActive));
}

TEST_P(StoreContract, ARevokedKeyStaysRevoked) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  EXPECT_OK(domain::Revoke(draft, FakeKeyId(1),
                           domain::RevocationReason::kCompromised,
                           {"security/sam", "sam"}, kNow));
  ASSERT_OK(Save(draft));
  IssuerDraft again = MustLoad();
  EXPECT_EQ(again.Find(FakeKeyId(1)), nullptr);  // not among the living
  domain::Key key = *draft.Find(FakeKeyId(1));
  key.state = KeyState::kPending;
  again.keys.push_back(key);
  again.Touch(key);
  EXPECT_THAT(Save(again), FailsWith(Reason::kWrongState));
}

TEST_P(StoreContract, RevocationErasesThePrivateHalfAndEndsExposures) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  EXPECT_OK(domain::Revoke(draft, FakeKeyId(1),
                           domain::RevocationReason::kCompromised,
                           {"security/sam", "sam"}, kNow + absl::Hours(1)));
  ASSERT_OK(Save(draft));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto key,
                     txn.FindKey(IssuerId("shop"), FakeKeyId(1)));
    EXPECT_EQ(key->sealed, "");
    EXPECT_EQ(key->reason, domain::RevocationReason::kCompromised);
    ASSIGN_OR_RETURN(const auto exposures, txn.ListExposures(OwnerId("alice")));
    int ended = 0;
    for (const auto& e : exposures) {
      if (e.key == FakeKeyId(1)) {
        EXPECT_EQ(e.until, kNow + absl::Hours(1));
        ++ended;
      }
    }
    EXPECT_EQ(ended, 1);
    return absl::OkStatus();
  }));
  // The successor came from the spare.
  const IssuerDraft after = MustLoad();
  ASSERT_EQ(after.keys.size(), 1u);
  EXPECT_EQ(after.keys[0].id, FakeKeyId(2));
  EXPECT_EQ(after.keys[0].state, KeyState::kActive);
  EXPECT_TRUE(after.spares.empty());
}

TEST_P(StoreContract, ListsPageInOrder) {
  MustMakeShop();
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto first, txn.ListOwners("", 1));
    EXPECT_EQ(first.size(), 1u);
    EXPECT_EQ(first[0].id, OwnerId("alice"));
    ASSIGN_OR_RETURN(const auto rest, txn.ListOwners("alice", 10));
    EXPECT_EQ(rest.size(), 1u);
    ASSIGN_OR_RETURN(const auto issuers, txn.ListIssuers("", 10));
    EXPECT_EQ(issuers.size(), 1u);
    EXPECT_THAT(issuers[0].deputies, testing::ElementsAre(OwnerId("bob")));
    ASSIGN_OR_RETURN(const auto none, txn.ListIssuers("shop", 10));
    EXPECT_TRUE(none.empty());
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, KeysFilterByIssuerStateAndOwner) {
  MustMakeShop();
  const auto count = [&](app::KeyFilter filter) {
    size_t found = 0;
    EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(const auto keys, txn.ListKeys(filter, {}, 10));
      found = keys.size();
      return absl::OkStatus();
    }));
    return found;
  };
  EXPECT_EQ(count({}), 1u);
  EXPECT_EQ(count({.issuer = IssuerId("shop"),
                   .state = KeyState::kActive,
                   .owner = OwnerId("alice")}),
            1u);
  EXPECT_EQ(count({.issuer = {}, .state = KeyState::kPending, .owner = {}}),
            0u);
  EXPECT_EQ(count({.issuer = {}, .state = {}, .owner = OwnerId("bob")}), 0u);
  EXPECT_EQ(count({.issuer = IssuerId("x"), .state = {}, .owner = {}}), 0u);
}

TEST_P(StoreContract, DueIssuersAreFoundAtTheirInstantAndNotBefore) {
  MustMakeShop();
  const absl::Time due = kNow + absl::Hours(1);
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto early,
                     txn.ListDueIssuers(due - absl::Microseconds(1), 10));
    EXPECT_TRUE(early.empty());
    ASSIGN_OR_RETURN(const auto now, txn.ListDueIssuers(due, 10));
    EXPECT_EQ(now.size(), 1u);
    ASSIGN_OR_RETURN(const absl::Time next, txn.NextDue());
    EXPECT_EQ(next, due);
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, TouchedIssuersAreOwnedDeputisedOrExposed) {
  MustMakeShop();
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    for (const char* person : {"alice", "bob", "sam"}) {
      ASSIGN_OR_RETURN(const auto ids,
                       txn.ListIssuersTouchedBy(OwnerId(person)));
      EXPECT_EQ(ids.size(), 1u) << person;
    }
    ASSIGN_OR_RETURN(const auto none, txn.ListIssuersTouchedBy(OwnerId("zoe")));
    EXPECT_TRUE(none.empty());
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, EventsRequestsAndDeparturesComeBack) {
  MustMakeShop();
  domain::AuditEvent event{.sequence = 1,
                           .time = kNow,
                           .actor = "security/sam",
                           .action = "key.revoked",
                           .resource = "issuers/shop",
                           .denied = true,
                           .detail = "{}",
                           .request_id = "r",
                           .previous_hash = "p",
                           .hash = "h"};
  app::RequestRecord request{.principal = "security/sam",
                             .request_id = "r",
                             .method = "m",
                             .fingerprint = "f",
                             .result = "owners/alice",
                             .create_time = kNow};
  domain::Departure departure;
  departure.owner = OwnerId("alice");
  departure.instant = kNow + absl::Hours(5);
  departure.report_time = kNow;
  departure.reported_by = "hr/hook";
  departure.source = "scim";
  departure.time_zone = "Europe/Berlin";
  departure.changes = {"issuers/shop: was not in the plan"};
  departure.late = {{1, kNow, "key.revoked", "issuers/shop/keys/k"}};
  departure.late_count = 7;
  departure.issuers.push_back(
      {.issuer = IssuerId("shop"),
       .owner = OwnerId("bob"),
       .orphaned = false,
       .without_deputy = true,
       .noticed_by = kNow + absl::Hours(1),
       .successor_unannounced = true,
       .keys = {{.issuer = IssuerId("shop"),
                 .key = FakeKeyId(1),
                 .fate = domain::KeyFate::kRevoke,
                 .why = "owned",
                 .successor = FakeKeyId(2),
                 .tokens_until = kNow + absl::Minutes(5),
                 .live_tokens = 3}},
       .successors = {FakeKeyId(2)}});
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.AppendEvent(event));
    RETURN_IF_ERROR(txn.InsertRequest(request));
    return txn.PutDeparture(departure);
  }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto last, txn.LastEvent());
    EXPECT_EQ(last->action, "key.revoked");
    EXPECT_TRUE(last->denied);
    ASSIGN_OR_RETURN(const auto events, txn.ListEvents(1, 10));
    EXPECT_TRUE(events.empty());
    ASSIGN_OR_RETURN(const auto found, txn.FindRequest("security/sam", "r"));
    EXPECT_EQ(found->result, "owners/alice");
    ASSIGN_OR_RETURN(const auto other, txn.FindRequest("hr/x", "r"));
    EXPECT_FALSE(other.has_value());
    ASSIGN_OR_RETURN(const auto scheduled, txn.ListScheduledDepartures());
    EXPECT_EQ(scheduled.size(), 1u);
    EXPECT_EQ(scheduled[0].instant, departure.instant);
    ASSIGN_OR_RETURN(const auto stored, txn.FindDeparture(OwnerId("alice")));
    EXPECT_EQ(stored->source, "scim");
    EXPECT_EQ(stored->time_zone, "Europe/Berlin");
    EXPECT_EQ(stored->changes, departure.changes);
    EXPECT_EQ(stored->late[0].resource, "issuers/shop/keys/k");
    EXPECT_EQ(stored->late[0].time, kNow);
    EXPECT_EQ(stored->late_count, 7);
    const domain::IssuerOutcome& outcome = stored->issuers[0];
    EXPECT_EQ(outcome.successors[0], FakeKeyId(2));
    EXPECT_EQ(outcome.noticed_by, kNow + absl::Hours(1));
    EXPECT_TRUE(outcome.successor_unannounced);
    EXPECT_EQ(outcome.keys, departure.issuers[0].keys);
    return absl::OkStatus();
  }));
  departure.done = true;
  departure.effect_time = kNow;
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.PutDeparture(departure));
    return txn.PruneRequests(kNow + absl::Seconds(1));
  }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto scheduled, txn.ListScheduledDepartures());
    EXPECT_TRUE(scheduled.empty());
    ASSIGN_OR_RETURN(const auto gone, txn.FindRequest("security/sam", "r"));
    EXPECT_FALSE(gone.has_value());
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, PeopleAreLoadedWithTeamsChainsAndCuts) {
  MustMakeShop();
  domain::Owner team = MakeOwner("team");
  team.kind = domain::OwnerKind::kTeam;
  team.members = {OwnerId("carol"), OwnerId("bob")};
  domain::Departure leaving;
  leaving.owner = OwnerId("alice");
  leaving.instant = kNow + absl::Hours(5);
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertOwner(MakeOwner("dave")));
    domain::Owner carol = MakeOwner("carol");
    carol.deputy = OwnerId("dave");
    RETURN_IF_ERROR(txn.InsertOwner(carol));
    RETURN_IF_ERROR(txn.InsertOwner(team));
    domain::Owner alice = MakeOwner("alice");
    alice.deputy = OwnerId("carol");
    alice.depart_time = leaving.instant;
    RETURN_IF_ERROR(txn.UpdateOwner(alice));
    return txn.PutDeparture(leaving);
  }));
  IssuerDraft draft = MustLoad();
  draft.issuer.deputies.push_back(OwnerId("team"));
  draft.changes.issuer = draft.changes.deputies = true;
  ASSERT_OK(Save(draft));
  draft = MustLoad();
  EXPECT_EQ(draft.owner_leaves, leaving.instant);
  ASSERT_EQ(draft.deputies.size(), 2u);
  EXPECT_TRUE(draft.deputies[1].team);
  ASSERT_EQ(draft.deputies[1].members.size(), 2u);
  EXPECT_EQ(draft.deputies[1].members[0].id, OwnerId("carol"));
  ASSERT_EQ(draft.stand_ins.size(), 2u);
  EXPECT_EQ(draft.stand_ins[1].id, OwnerId("dave"));
  ASSERT_EQ(draft.cuts.size(), 1u);
  EXPECT_EQ(draft.cuts[0].leaver, OwnerId("alice"));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto touched,
                     txn.ListIssuersTouchedBy(OwnerId("carol")));
    EXPECT_EQ(touched, std::vector<IssuerId>{IssuerId("shop")});
    ASSIGN_OR_RETURN(const auto found, txn.FindOwner(OwnerId("team")));
    EXPECT_EQ(found->members, team.members);
    return absl::OkStatus();
  }));
  ASSERT_OK(store_->Mutate(
      [&](Transaction& txn) { return txn.DeleteDeparture(leaving.owner); }));
  EXPECT_TRUE(MustLoad().cuts.empty());
}

TEST_P(StoreContract, WhatPeopleDeclareComesBackAndReachesEveryKey) {
  MustMakeShop();
  const domain::Exposure held{.issuer = IssuerId("shop"),
                              .key = FakeKeyId(1),
                              .person = "mallory",
                              .kind = domain::ExposureKind::kHeld,
                              .from = kNow,
                              .until = kNow + absl::Hours(1),
                              .declared_by = "security/sam",
                              .note = "on a laptop"};
  const domain::Custody custody{.person = "root",
                                .kind = domain::CustodyKind::kKeyEncryptionKey,
                                .from = kNow,
                                .until = std::nullopt};
  const auto declare = [&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertDeclaredExposure(held));
    return txn.InsertCustody(custody);
  };
  ASSERT_OK(store_->Mutate(declare));
  EXPECT_THAT(store_->Mutate(declare),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto mallory, txn.ListExposures(OwnerId("mallory")));
    EXPECT_EQ(mallory, std::vector<domain::Exposure>{held});
    ASSIGN_OR_RETURN(const auto all,
                     txn.ListKeyExposures(IssuerId("shop"), FakeKeyId(1)));
    EXPECT_EQ(all.size(), 3u);  // and owned by alice, created by sam
    ASSIGN_OR_RETURN(const auto custodies, txn.ListCustodies(""));
    EXPECT_EQ(custodies, std::vector<domain::Custody>{custody});
    ASSIGN_OR_RETURN(const auto touched,
                     txn.ListIssuersTouchedBy(OwnerId("root")));
    EXPECT_EQ(touched.size(), 1u);
    return absl::OkStatus();
  }));
  // While a custodian's departure is scheduled, his exposures are loaded too.
  domain::Departure leaving;
  leaving.owner = OwnerId("root");
  leaving.instant = kNow + absl::Hours(5);
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertOwner(MakeOwner("root")));
    return txn.PutDeparture(leaving);
  }));
  const IssuerDraft draft = MustLoad();
  ASSERT_EQ(draft.cuts.size(), 1u);
  EXPECT_EQ(draft.exposures.back().kind, domain::ExposureKind::kCouldRead);
}

TEST_P(StoreContract, WhatAPersonDidSinceIsFound) {
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    for (int i = 1; i <= 20; ++i) {
      domain::AuditEvent event;
      event.sequence = i;
      event.time = kNow + absl::Minutes(i / 2);
      event.actor = i % 3 == 0 ? "signer/mallory" : "security/sam";
      event.action = "key.revoked";
      event.detail = "{}";
      RETURN_IF_ERROR(txn.AppendEvent(event));
    }
    return absl::OkStatus();
  }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto found,
                     txn.ListEventsOf("mallory", kNow + absl::Minutes(3), 2));
    EXPECT_EQ(found.second, 5);  // 6, 9, 12, 15, 18
    EXPECT_EQ(found.first.size(), 2u);
    EXPECT_EQ(found.first[0].sequence, 6);
    ASSIGN_OR_RETURN(const auto none,
                     txn.ListEventsOf("mallory", kNow + absl::Hours(1), 2));
    EXPECT_EQ(none.second, 0);
    EXPECT_EQ(txn.FirstEventSince(kNow + absl::Minutes(3)).value(), 6);
    EXPECT_EQ(txn.FirstEventSince(kNow + absl::Hours(1)).value(), 21);
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, UsersAreFoundByEveryName) {
  domain::User ann{.id = "u1",
                   .feed = "okta",
                   .external_id = "E1",
                   .user_name = "Ann@Example",
                   .emails = {"ann@corp", "Ann@Home"},
                   .active = true,
                   .leave_time = kNow + absl::Hours(1),
                   .time_zone = "Europe/Berlin",
                   .document = "{\"a\":1}",
                   .owner = OwnerId("ann"),
                   .deleted = false,
                   .create_time = kNow,
                   .update_time = kNow,
                   .rev = 1};
  domain::User bob = ann;
  bob.id = "u2";
  bob.user_name = "ann@example";  // the same, to people
  ASSERT_OK(
      store_->Mutate([&](Transaction& txn) { return txn.InsertUser(ann); }));
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.InsertUser(bob); }),
      FailsWith(Reason::kAlreadyExists, "ann@example"));
  bob.feed = "entra";
  bob.external_id = "E2";
  bob.emails.clear();
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertUser(bob));
    domain::User stale = ann;
    ann.active = false;
    ann.emails = {"new@corp"};
    RETURN_IF_ERROR(txn.UpdateUser(ann));
    EXPECT_EQ(ann.rev, 2);
    return absl::OkStatus();
  }));
  domain::User stale = ann;
  stale.rev = 1;
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateUser(stale); }),
      FailsWith(Reason::kConflict));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    using domain::MatchRule;
    ASSIGN_OR_RETURN(const auto found, txn.FindUser("u1"));
    EXPECT_EQ(found, ann);
    const auto count = [&](MatchRule rule, const std::string& name) {
      return txn.FindUsersByName(rule, name)->size();
    };
    EXPECT_EQ(count(MatchRule::kUserName, "ann@example"), 2u);
    EXPECT_EQ(count(MatchRule::kExternalId, "e1"), 1u);
    EXPECT_EQ(count(MatchRule::kEmail, "new@corp"), 1u);
    EXPECT_EQ(count(MatchRule::kEmail, "ann@corp"), 0u);
    EXPECT_EQ(txn.ListUsersOf(OwnerId("ann"))->size(), 2u);
    EXPECT_EQ(txn.ListUsers("okta", 0, 10)->size(), 1u);
    EXPECT_EQ(txn.ListUsers("okta", 1, 10)->size(), 0u);
    EXPECT_EQ(txn.CountUsers("entra").value(), 1);
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, OwnersAreFoundByTheNameHrKnows) {
  domain::Owner carol = MakeOwner("carol");
  carol.external_id = "E9";
  carol.contact = "Carol@Example";
  domain::Owner dave = MakeOwner("dave");
  dave.contact = "Dave@Example";
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertOwner(carol));
    return txn.InsertOwner(dave);
  }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    using domain::MatchRule;
    const auto find = [&](MatchRule rule, const std::string& name) {
      const auto owner = txn.FindOwnerByName(rule, name);
      return owner.ok() && *owner ? (*owner)->id.value() : std::string();
    };
    EXPECT_EQ(find(MatchRule::kExternalId, "e9"), "carol");
    EXPECT_EQ(find(MatchRule::kExternalId, "carol"), "");
    EXPECT_EQ(find(MatchRule::kUserName, "dave"), "dave");
    EXPECT_EQ(find(MatchRule::kEmail, "dave@example"), "dave");
    EXPECT_EQ(find(MatchRule::kEmail, "carol@example"), "");
    EXPECT_EQ(find(MatchRule::kEmail, ""), "");
    EXPECT_EQ(txn.CountActivePeople().value(), 2);
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, WhoIsUnconfirmedOverdueOrSuspendedIsListed) {
  using Names = std::vector<std::string>;
  const auto names = [](const std::vector<domain::Owner>& owners) {
    Names ids;
    for (const auto& owner : owners) ids.push_back(owner.id.value());
    return ids;
  };
  const absl::Duration day = absl::Hours(24);
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    for (int i = 0; i < 6; ++i) {
      domain::Owner owner =
          MakeOwner(std::string(1, static_cast<char>('f' - i)));
      owner.confirm_time = kNow + i * day;
      if (i >= 2) owner.overdue_time = kNow + i * day;
      if (i >= 4) owner.suspend_time = kNow + i * day;
      if (i == 1) owner.kind = domain::OwnerKind::kTeam;
      if (i == 3) owner.state = domain::OwnerState::kDeparted;
      RETURN_IF_ERROR(txn.InsertOwner(owner));
    }
    return absl::OkStatus();
  }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    EXPECT_EQ(names(*txn.ListLapsed(kNow - absl::Seconds(1), 9)), Names{});
    EXPECT_EQ(names(*txn.ListLapsed(kNow + day, 9)), Names{"f"});
    EXPECT_EQ(names(*txn.ListLapsed(kNow + 9 * day, 0)), Names{});
    EXPECT_EQ(names(*txn.ListOverdue(kNow + 2 * day, 9)), Names{"d"});
    EXPECT_EQ(names(*txn.ListOverdue(kNow + 9 * day, 9)), Names{"d"});
    EXPECT_EQ(*txn.CountSuspendedSince(kNow + 5 * day), 1);
    EXPECT_EQ(*txn.CountSuspendedSince(kNow), 2);
    EXPECT_EQ(txn.Count()->overdue_owners, 3);
    EXPECT_EQ((*txn.FindOwner(OwnerId("b")))->suspend_time, kNow + 4 * day);
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, FeedsTokensAndHeldDeparturesComeBack) {
  MustMakeShop();
  const domain::Feed feed{.name = "okta",
                          .first_seen = kNow,
                          .last_seen = kNow,
                          .silent_since = kNow};
  const domain::FeedToken token{.id = "t",
                                .feed = "okta",
                                .hash = "h",
                                .created_by = "security/sam",
                                .create_time = kNow,
                                .expire_time = kNow + absl::Hours(1),
                                .revoke_time = std::nullopt};
  domain::HeldDeparture held{.owner = OwnerId("bob"),
                             .instant = std::nullopt,
                             .report_time = kNow,
                             .reported_by = "hr/okta",
                             .source = "scim",
                             .time_zone = "",
                             .rejected = false};
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.PutFeed(feed));
    RETURN_IF_ERROR(txn.PutFeedToken(token));
    RETURN_IF_ERROR(txn.PutAbsence(OwnerId("alice"), kNow));
    RETURN_IF_ERROR(txn.PutAbsence(OwnerId("bob"), kNow));
    RETURN_IF_ERROR(txn.DeleteAbsence(OwnerId("bob")));
    return txn.PutHeld(held);
  }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    EXPECT_EQ(txn.ListAbsences().value(),
              (std::map<OwnerId, absl::Time>{{OwnerId("alice"), kNow}}));
    EXPECT_EQ(txn.ListFeeds()->at(0).silent_since, kNow);
    EXPECT_EQ(txn.FindFeedToken("t").value()->hash, "h");
    EXPECT_EQ(txn.ListFeedTokens()->size(), 1u);
    EXPECT_EQ(txn.FindHeld(OwnerId("bob")).value(), held);
    EXPECT_EQ(txn.ListHeld()->size(), 1u);
    EXPECT_EQ(txn.CountFeedDepartures(kNow, "hr/okta").value(), 1);
    EXPECT_EQ(
        txn.CountFeedDepartures(kNow + absl::Seconds(1), "hr/okta").value(), 0);
    return absl::OkStatus();
  }));
  held.rejected = true;
  ASSERT_OK(
      store_->Mutate([&](Transaction& txn) { return txn.PutHeld(held); }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    EXPECT_TRUE(txn.ListHeld()->empty());
    EXPECT_EQ(txn.CountFeedDepartures(kNow, "hr/okta").value(), 0);
    return absl::OkStatus();
  }));
  ASSERT_OK(store_->Mutate(
      [&](Transaction& txn) { return txn.DeleteHeld(OwnerId("bob")); }));
}

TEST_P(StoreContract, VisitsSeePublishedAndEndedKeysApart) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  EXPECT_OK(domain::Revoke(draft, FakeKeyId(1),
                           domain::RevocationReason::kSuperseded,
                           {"security/sam", "sam"}, kNow));
  ASSERT_OK(Save(draft));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    int issuers = 0;
    RETURN_IF_ERROR(txn.VisitPublished([&](IssuerDraft seen) {
      ++issuers;
      EXPECT_EQ(seen.keys.size(), 1u);
      EXPECT_EQ(seen.keys[0].id, FakeKeyId(2));
    }));
    EXPECT_EQ(issuers, 1);
    int ended = 0;
    RETURN_IF_ERROR(txn.VisitEndedKeys([&](domain::Key key) {
      ++ended;
      EXPECT_EQ(key.id, FakeKeyId(1));
    }));
    EXPECT_EQ(ended, 1);
    ASSIGN_OR_RETURN(const auto counts, txn.Count());
    EXPECT_EQ(counts.keys_by_state.at("ACTIVE"), 1);
    EXPECT_EQ(counts.keys_by_state.at("REVOKED"), 1);
    return absl::OkStatus();
  }));
}

}  // namespace warder
