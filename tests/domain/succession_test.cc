#include "server/domain/succession.h"

#include "tests/domain/draft_builder.h"

namespace warder::domain {

const OwnerId kAlice("alice");

Deputy Person(const std::string& id,
              std::optional<absl::Time> leaves = std::nullopt) {
  return {.id = OwnerId(id), .active = true, .leaves = leaves};
}

TEST(HeirTest, ADeputyWhoLeavesTheSameDayIsSkipped) {
  IssuerDraft draft = Shop();
  draft.deputies = {Person("bob", kStart + absl::Hours(24)), Person("carol")};
  EXPECT_EQ(Heir(draft, kAlice, kStart), OwnerId("carol"));
  draft.deputies[0].leaves = kStart + absl::Hours(25);
  EXPECT_EQ(Heir(draft, kAlice, kStart), OwnerId("bob"));
}

TEST(HeirTest, OneDayWithAnOwnerIsBetterThanNone) {
  IssuerDraft draft = Shop();
  draft.deputies = {Person("bob", kStart),  // leaves at this very instant
                    Person("carol", kStart + absl::Hours(1))};
  EXPECT_EQ(Heir(draft, kAlice, kStart), OwnerId("carol"));
  draft.deputies.pop_back();
  EXPECT_EQ(Heir(draft, kAlice, kStart), OwnerId());
}

TEST(HeirTest, ChainsAreFollowedAfterTheListedDeputies) {
  IssuerDraft draft = Shop();
  draft.deputies = {Person("bob", kStart)};
  draft.stand_ins = {Person("carol", kStart + absl::Hours(1)), Person("dave")};
  EXPECT_EQ(Heir(draft, kAlice, kStart), OwnerId("dave"));
}

TEST(HeirTest, ATeamHandsOnToItsFirstMemberWhoIsThere) {
  IssuerDraft draft = Shop();
  Deputy team{.id = OwnerId("identity"), .active = true};
  team.team = true;
  team.members = {Person("alice"), Person("bob", kStart), Person("carol")};
  draft.deputies = {team};
  EXPECT_EQ(Heir(draft, kAlice, kStart), OwnerId("carol"));
  EXPECT_TRUE(HasDeputy(draft, kAlice, kStart));
  draft.deputies[0].members.pop_back();
  EXPECT_FALSE(HasDeputy(draft, kAlice, kStart));
}

TEST(RisksTest, EachRiskIsSeen) {
  IssuerDraft draft = Shop();
  EXPECT_TRUE(RisksOf(draft, kStart).empty());
  draft.deputies.pop_back();
  EXPECT_EQ(RisksOf(draft, kStart), std::vector<Risk>{Risk::kOneDeputy});
  draft.deputies[0].leaves = kStart + absl::Hours(24 * 300);
  draft.owner_leaves = kStart + absl::Hours(24 * 300);
  EXPECT_EQ(RisksOf(draft, kStart),
            (std::vector<Risk>{Risk::kOwnerLeaves, Risk::kDeputiesLeave}));
  draft.issuer.state = IssuerState::kOrphaned;
  EXPECT_EQ(RisksOf(draft, kStart), std::vector<Risk>{Risk::kOrphaned});
}

}  // namespace warder::domain
