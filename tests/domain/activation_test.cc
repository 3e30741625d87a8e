#include "server/domain/activation.h"

#include <gtest/gtest.h>

namespace warder::domain {
namespace {

const absl::Time kPublished = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kMaxAge = absl::Minutes(1);

Gateway Of(const char* consumer, Reach reach = Reach::kPoll) {
  Gateway gateway;
  gateway.id = GatewayId(consumer);
  gateway.consumer = consumer;
  gateway.reach = reach;
  return gateway;
}

std::vector<Waiting> At(absl::Duration after, const Gateway& gateway,
                        int64_t revision = 0,
                        Algorithm algorithm = Algorithm::kEs256) {
  Key key;
  key.algorithm = algorithm;
  key.publish_time = kPublished;
  key.publish_revision = 7;
  std::vector<GatewayView> views;
  if (revision > 0) {
    GatewayView view;
    view.gateway = gateway.id;
    view.revision = revision;
    views.push_back(view);
  }
  return WaitingFor(key, {gateway}, views, kMaxAge, kPublished + after);
}

TEST(ActivationTest, WhoHoldsTheKeyIsNotWaitedFor) {
  EXPECT_EQ(At(absl::Seconds(1), Of("envoy"), 6).size(), 1u);
  EXPECT_TRUE(At(absl::Seconds(1), Of("envoy"), 7).empty());
  EXPECT_TRUE(At(absl::Seconds(1), Of("envoy"), 9).empty());
}

TEST(ActivationTest, AHorizonEndsTheWait) {
  const auto waiting = At(absl::Minutes(9), Of("envoy"));
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].until, kPublished + absl::Minutes(10));
  EXPECT_TRUE(At(absl::Minutes(10), Of("envoy")).empty());
}

TEST(ActivationTest, WhoFetchesForAnUnknownKidIsWaitedForShortly) {
  EXPECT_EQ(At(absl::Seconds(59), Of("go-oidc")).size(), 1u);
  EXPECT_TRUE(At(absl::Minutes(1), Of("go-oidc")).empty());
  EXPECT_EQ(At(absl::Minutes(4), Of("keyfunc")).size(), 1u);
  EXPECT_TRUE(At(absl::Minutes(5), Of("keyfunc")).empty());
}

TEST(ActivationTest, WhomNobodyCanTellIsWaitedForWithoutEnd) {
  EXPECT_EQ(At(absl::Hours(999), Of("kong")).at(0).until,
            absl::InfiniteFuture());
  EXPECT_EQ(At(absl::Hours(999), Of("pyjwt", Reach::kManual)).size(), 1u);
}

TEST(ActivationTest, WhoDoesNotReadTheAlgorithmIsNotWaitedFor) {
  EXPECT_TRUE(
      At(absl::Seconds(1), Of("aws-http-api"), 0, Algorithm::kEdDsa).empty());
}

}  // namespace
}  // namespace warder::domain
