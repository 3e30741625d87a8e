#include "server/domain/revocation.h"

#include <gtest/gtest.h>

namespace warder::domain {
namespace {

const absl::Time kRevoked = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kMaxAge = absl::Minutes(1);

struct Case {
  Gateway gateway;
  Revocation revocation;
  Confirmation confirmation;
  absl::Time refuses_by = absl::InfinitePast();
  bool can_be_asked = false;

  explicit Case(absl::string_view consumer, Reach reach = Reach::kPoll) {
    gateway.id = GatewayId("edge");
    gateway.consumer = std::string(consumer);
    gateway.reach = reach;
    revocation.key = KeyId("k");
    revocation.revision = 7;
    revocation.revoke_time = kRevoked;
    confirmation = BeginConfirmation(
        revocation, gateway, HorizonOf(gateway, kMaxAge), absl::Hours(2));
  }
  bool Sees(int64_t revision, absl::Duration after, bool acknowledged = false) {
    return NoteView(confirmation, revocation, gateway,
                    {.gateway = gateway.id,
                     .issuer = revocation.issuer,
                     .revision = revision,
                     .time = kRevoked + after,
                     .source = "",
                     .acknowledged = acknowledged,
                     .heard_time = kRevoked},
                    can_be_asked);
  }
  bool At(absl::Duration after) {
    return NoteTime(confirmation, gateway, refuses_by, kRevoked + after);
  }
};

TEST(RevocationTest, AnOlderRevisionProvesNothing) {
  Case c("envoy");
  EXPECT_FALSE(c.Sees(6, absl::Seconds(1)));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kPending);
}

TEST(RevocationTest, AFetchIsFetchedAndTheHorizonEnforces) {
  Case c("envoy");
  EXPECT_TRUE(c.Sees(7, absl::Minutes(2)));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kFetched);
  EXPECT_EQ(c.confirmation.fetch_time, kRevoked + absl::Minutes(2));
  // A later one does not move the time.
  EXPECT_FALSE(c.Sees(8, absl::Minutes(3)));
  EXPECT_FALSE(c.At(absl::Minutes(10) - absl::Nanoseconds(1)));
  EXPECT_TRUE(c.At(absl::Minutes(10)));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kEnforced);
  EXPECT_EQ(c.confirmation.enforced_by, Evidence::kHorizon);
  EXPECT_EQ(c.confirmation.enforce_time, kRevoked + absl::Minutes(10));
}

TEST(RevocationTest, BehindAnAgentWithAHigherBoundTheOwnCacheComesOnTop) {
  const absl::Time agents = kRevoked + absl::Hours(1);
  const Case behind("envoy", Reach::kStream);
  const absl::Duration own =
      HorizonOf(behind.gateway, kMaxAge).latest - kDefaultStaleness;
  ASSERT_GT(own, absl::ZeroDuration());
  EXPECT_EQ(BehindStreams(behind.confirmation, behind.revocation,
                          behind.gateway, agents),
            agents + own);
  // It verifies itself: there is no other cache.
  const Case itself("libwarder", Reach::kStream);
  EXPECT_EQ(BehindStreams(itself.confirmation, itself.revocation,
                          itself.gateway, agents),
            agents);
}

TEST(RevocationTest, AnyonesFetchDoesNotVouchForWhoFailsOpen) {
  Case c("envoy-async");
  EXPECT_TRUE(c.Sees(7, absl::Minutes(2)));
  EXPECT_TRUE(c.At(absl::Minutes(10)));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kOverdue);
  // The same from addresses that are known to be its own.
  Case known("envoy-async");
  known.gateway.fetch_sources = {"192.0.2.0/24"};
  EXPECT_TRUE(known.Sees(7, absl::Minutes(2)));
  EXPECT_TRUE(known.At(absl::Minutes(10)));
  EXPECT_EQ(known.confirmation.state, ConfirmationState::kEnforced);
}

TEST(RevocationTest, UnboundedIsOverdueOnceTheOrganisationsBoundHasPassed) {
  Case c("go-oidc");
  EXPECT_EQ(c.confirmation.latest, absl::InfiniteFuture());
  EXPECT_EQ(NextInstant(c.confirmation, c.gateway, c.refuses_by),
            kRevoked + absl::Hours(2));
  EXPECT_FALSE(c.At(absl::Hours(2) - absl::Nanoseconds(1)));
  EXPECT_TRUE(c.At(absl::Hours(2)));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kOverdue);
  EXPECT_FALSE(c.At(absl::Hours(24 * 365)));
  EXPECT_TRUE(NoteStatement(c.confirmation, "security/alice",
                            kRevoked + absl::Hours(3)));
  EXPECT_EQ(c.confirmation.enforced_by, Evidence::kStated);
  EXPECT_EQ(c.confirmation.detail, "stated by security/alice");
}

TEST(RevocationTest, OurOwnVerifierIsBelievedUnlessItCanBeAsked) {
  Case c("libwarder", Reach::kStream);
  EXPECT_TRUE(c.Sees(7, absl::Milliseconds(20), /*acknowledged=*/true));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kEnforced);
  EXPECT_EQ(c.confirmation.enforced_by, Evidence::kAcknowledged);

  Case probed("libwarder", Reach::kStream);
  probed.gateway.probe = Probe{};
  probed.can_be_asked = true;
  EXPECT_TRUE(probed.Sees(7, absl::Milliseconds(20), /*acknowledged=*/true));
  EXPECT_EQ(probed.confirmation.state, ConfirmationState::kFetched);
  EXPECT_EQ(probed.confirmation.fetched_by, Evidence::kAcknowledged);

  // Where no canary is left, its word is what there is.
  probed.can_be_asked = false;
  EXPECT_TRUE(probed.Sees(7, absl::Hours(25), /*acknowledged=*/true));
  EXPECT_EQ(probed.confirmation.enforced_by, Evidence::kAcknowledged);

  Case behind("envoy", Reach::kStream);  // the agent serves it, no more
  EXPECT_TRUE(behind.Sees(7, absl::Milliseconds(20), /*acknowledged=*/true));
  EXPECT_EQ(behind.confirmation.state, ConfirmationState::kFetched);
}

TEST(RevocationTest, SilenceOnTheStreamIsOverdueThenExpires) {
  Case c("libwarder", Reach::kStream);
  EXPECT_TRUE(c.At(kStreamPatience));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kOverdue);
  EXPECT_TRUE(c.At(kDefaultStaleness));
  EXPECT_EQ(c.confirmation.enforced_by, Evidence::kHorizon);
}

TEST(RevocationTest, AProcessThatSaidItServesLongerIsWaitedFor) {
  Case c("libwarder", Reach::kStream);
  c.refuses_by = kRevoked + absl::Hours(1);
  EXPECT_TRUE(c.At(kDefaultStaleness));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kOverdue);
  EXPECT_FALSE(c.At(absl::Hours(1) - absl::Nanoseconds(1)));
  EXPECT_TRUE(c.At(absl::Hours(1)));
  EXPECT_EQ(c.confirmation.enforced_by, Evidence::kHorizon);
}

TEST(RevocationTest, AWordIsNoFetch) {
  Case c("keyfunc");
  c.gateway.fetch_sources = {"192.0.2.0/24"};
  EXPECT_TRUE(c.Sees(7, absl::Minutes(1), /*acknowledged=*/true));
  EXPECT_TRUE(c.At(absl::Hours(1)));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kOverdue);
}

TEST(RevocationTest, NothingIsLookedAtForWhichTimeChangesNothing) {
  Case c("go-oidc");
  c.Sees(7, absl::Minutes(1));  // anybody's fetch
  c.At(absl::Hours(2));
  EXPECT_EQ(NextInstant(c.confirmation, c.gateway, c.refuses_by),
            absl::InfiniteFuture());
}

TEST(RevocationTest, WhoAcceptedTheDeadKeyIsBelievedNoMore) {
  Case c("envoy");
  c.confirmation.accept_time = kRevoked + absl::Minutes(11);
  c.confirmation.state = ConfirmationState::kOverdue;
  EXPECT_FALSE(c.At(absl::Hours(1)));
  EXPECT_EQ(c.confirmation.state, ConfirmationState::kOverdue);
}

TEST(RevocationTest, AKeyRevokedLongAfterItLeftTheSetMayBeGoneAlready) {
  Case c("envoy");
  EXPECT_TRUE(c.Sees(9, -absl::Hours(5)));
  EXPECT_EQ(c.confirmation.fetch_time, kRevoked);
}

}  // namespace
}  // namespace warder::domain
