#include "server/app/exposure_manager.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::ExposureKind;
using domain::KeyState;
using testing::HasSubstr;
using testing::Not;

class ExposureManagerTest : public testing::Test {
 protected:
  void SetUp() override { app_.MustSetUp(); }

  domain::Exposure Held(const std::string& person) {
    return {.issuer = IssuerId("shop"),
            .key = app_.MustFindKey("shop", KeyState::kActive).id,
            .person = person,
            .kind = ExposureKind::kHeld,
            .from = TestStart() - absl::Hours(10),
            .until = TestStart() - absl::Hours(9),
            .note = "on a laptop"};
  }

  TestApp app_;
};

TEST_F(ExposureManagerTest, TheGraphIsReadBothWays) {
  ASSERT_OK(app_.exposures.Declare(app_.As("security/sam"), Held("mallory")));
  ASSERT_OK_AND_ASSIGN(
      const auto mallory,
      app_.exposures.OfPerson(app_.As("auditor/ann"), OwnerId("mallory"), {}));
  ASSERT_EQ(mallory.exposures.items.size(), 1u);
  EXPECT_EQ(mallory.exposures.items[0].declared_by, "security/sam");
  ASSERT_OK_AND_ASSIGN(
      const auto key,
      app_.exposures.OfKey(app_.As("auditor/ann"), IssuerId("shop"),
                           Held("x").key, {.size = 2, .token = ""}));
  // created by sam, owned by alice, checkout could sign, mallory held it
  EXPECT_EQ(key.exposures.items.size(), 2u);
  ASSERT_OK_AND_ASSIGN(
      const auto rest,
      app_.exposures.OfKey(app_.As("auditor/ann"), IssuerId("shop"),
                           Held("x").key,
                           {.size = 2, .token = key.exposures.next_token}));
  EXPECT_EQ(rest.exposures.items.size(), 2u);
  EXPECT_EQ(rest.exposures.next_token, "");
}

TEST_F(ExposureManagerTest, WhatOneHeldDiesWithOnesDeparture) {
  // bob is a deputy and owns nothing; by record he touches no key.
  ASSERT_OK(app_.exposures.Declare(app_.As("security/sam"), Held("bob")));
  const KeyId key = Held("x").key;
  ASSERT_OK_AND_ASSIGN(const auto done, app_.Depart("hr/hook", "bob"));
  EXPECT_EQ(done.issuers[0].keys[0].fate, domain::KeyFate::kRevoke);
  EXPECT_THAT(app_.KeySet(), Not(HasSubstr(key.value())));
  EXPECT_EQ(app_.MustFindKey("shop", KeyState::kActive).owner,
            OwnerId("alice"));
}

TEST_F(ExposureManagerTest, AFactLearntAfterTheDepartureEndsTheKeyAtOnce) {
  ASSERT_OK(app_.Depart("hr/hook", "bob"));
  const domain::Exposure held = Held("bob");
  ASSERT_OK(app_.exposures.Declare(app_.As("security/sam"), held));
  EXPECT_THAT(app_.KeySet(), Not(HasSubstr(held.key.value())));
  ASSERT_OK_AND_ASSIGN(const auto departure,
                       app_.departures.Get(app_.As("hr/hook"), OwnerId("bob")));
  bool recorded = false;
  for (const auto& issuer : departure.issuers) {
    for (const auto& key : issuer.keys) recorded |= key.key == held.key;
  }
  EXPECT_TRUE(recorded);
}

TEST_F(ExposureManagerTest, WhoHeldTheKeyEncryptionKeyTakesEveryKeyWithHim) {
  app_.MustSetUp("bank");
  domain::Custody custody{.person = "carol",
                          .kind = domain::CustodyKind::kKeyEncryptionKey,
                          .from = TestStart(),
                          .until = std::nullopt};
  ASSERT_OK(app_.exposures.DeclareCustody(app_.As("security/sam"), custody));
  const KeyId shop = app_.MustFindKey("shop", KeyState::kActive).id;
  ASSERT_OK_AND_ASSIGN(
      const auto plan,
      app_.departures.Plan(app_.As("hr/hook"), OwnerId("carol"), std::nullopt));
  EXPECT_EQ(plan.issuers.size(), 2u);
  EXPECT_TRUE(plan.issuers[0].successors.empty());  // made at the instant
  // The spare that lies ready was as open to him as the keys.
  std::vector<KeyId> spares;
  ASSERT_OK(app_.store.Read([&](ReadTransaction& txn) {
    auto draft = txn.LoadDraft(IssuerId("shop"), KeyScope::kLiving);
    for (const auto& spare : draft->spares) spares.push_back(spare.id);
    return draft.status();
  }));
  ASSERT_OK(app_.Depart("hr/hook", "carol"));
  EXPECT_THAT(app_.KeySet("shop"), Not(HasSubstr(shop.value())));
  const KeyId successor = app_.MustFindKey("shop", KeyState::kActive).id;
  EXPECT_THAT(spares, Not(testing::Contains(successor)));
  app_.MustFindKey("bank", KeyState::kActive);
}

TEST_F(ExposureManagerTest, WhoCouldOnlyRestoreTheStoreLeavesTokensAlive) {
  const domain::Custody custody{.person = "carol",
                                .kind = domain::CustodyKind::kStore,
                                .from = TestStart(),
                                .until = std::nullopt};
  ASSERT_OK(app_.exposures.DeclareCustody(app_.As("security/sam"), custody));
  ASSERT_OK(app_.Depart("hr/hook", "carol"));
  app_.MustFindKey("shop", KeyState::kRetiring);
  app_.MustFindKey("shop", KeyState::kActive);
}

TEST_F(ExposureManagerTest, BadFactsAreRefusedByName) {
  const auto declare = [&](domain::Exposure exposure) {
    return app_.exposures.Declare(app_.As("security/sam"), std::move(exposure));
  };
  domain::Exposure bad = Held("mallory");
  bad.from = TestStart() + absl::Hours(1);
  EXPECT_THAT(declare(bad), FailsWith(Reason::kInvalidField, "from_time"));
  bad = Held("mallory");
  bad.until = bad.from;
  EXPECT_THAT(declare(bad), FailsWith(Reason::kInvalidField, "until_time"));
  bad = Held("Mallory Smith");
  EXPECT_THAT(declare(bad), FailsWith(Reason::kInvalidField, "person"));
  bad = Held("mallory");
  bad.key = KeyId("none");
  EXPECT_THAT(declare(bad), FailsWith(Reason::kNotFound));
  ASSERT_OK(declare(Held("mallory")));
  EXPECT_THAT(declare(Held("mallory")),
              FailsWith(Reason::kAlreadyExists, "mallory"));
  EXPECT_THAT(app_.exposures.Declare(app_.As("hr/hook"), Held("eve")),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_THAT(
      app_.exposures.OfPerson(app_.As("owner/bob"), OwnerId("alice"), {}),
      FailsWith(Reason::kNotFound));
}

}  // namespace warder::app
