#include "server/domain/horizon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace warder::domain {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kMaxAge = absl::Minutes(1);

Gateway Of(absl::string_view consumer, Reach reach = Reach::kPoll) {
  Gateway gateway;
  gateway.id = GatewayId("edge");
  gateway.consumer = std::string(consumer);
  gateway.reach = reach;
  return gateway;
}

TEST(HorizonTest, IsWhatTheTableSays) {
  const struct {
    const char* consumer;
    absl::Duration expected, latest;
  } cases[] = {
      {"envoy", absl::Minutes(10), absl::Minutes(10)},
      {"envoy-async", absl::Minutes(10), absl::InfiniteDuration()},
      {"envoy-jwt-cache", absl::InfiniteDuration(), absl::InfiniteDuration()},
      {"istio", absl::Minutes(20), absl::Hours(168)},
      {"nginx-plus", absl::Minutes(1), absl::Minutes(1)},
      {"jwx", absl::Minutes(15), absl::InfiniteDuration()},
      {"go-oidc", absl::InfiniteDuration(), absl::InfiniteDuration()},
      {"dotnet", absl::Hours(13) + absl::Minutes(36), absl::InfiniteDuration()},
      {"other", absl::InfiniteDuration(), absl::InfiniteDuration()},
  };
  for (const auto& known : cases) {
    const Horizon horizon = HorizonOf(Of(known.consumer), kMaxAge);
    EXPECT_EQ(horizon.expected, known.expected) << known.consumer;
    EXPECT_EQ(horizon.latest, known.latest) << known.consumer;
    EXPECT_EQ(horizon.bounded(), horizon.why.empty()) << known.consumer;
    EXPECT_EQ(horizon.bounded(), horizon.next.empty()) << known.consumer;
  }
}

TEST(HorizonTest, ADeclaredCacheTakesThePlaceOfTheDefault) {
  Gateway gateway = Of("mod-auth-openidc");
  gateway.cache = absl::Minutes(5);
  EXPECT_EQ(HorizonOf(gateway, kMaxAge).latest, absl::Minutes(5));
  gateway = Of("krakend");  // two caches in a row while it is cut off
  gateway.cache = absl::Minutes(20);
  EXPECT_EQ(HorizonOf(gateway, kMaxAge).latest, absl::Minutes(35));
  gateway = Of("nginx-plus");
  gateway.cache = absl::Minutes(2);
  EXPECT_EQ(HorizonOf(gateway, kMaxAge).latest, absl::Minutes(3));
  gateway = Of("traefik-jwt");
  gateway.cache = absl::Minutes(2);
  EXPECT_EQ(HorizonOf(gateway, kMaxAge).expected, absl::Minutes(2));
  EXPECT_FALSE(HorizonOf(gateway, kMaxAge).bounded());
}

TEST(HorizonTest, UnboundedSaysWhyAndWhatToDo) {
  Horizon horizon = HorizonOf(Of("go-oidc"), kMaxAge);
  EXPECT_THAT(horizon.why, HasSubstr("unknown kid"));
  EXPECT_THAT(horizon.next, HasSubstr("--probe-url"));
  horizon = HorizonOf(Of("kong", Reach::kManual), kMaxAge);
  EXPECT_THAT(horizon.why, HasSubstr("by a person"));
  EXPECT_THAT(horizon.next, HasSubstr("warder gateway confirm edge"));
  EXPECT_FALSE(HorizonOf(Of("a kind of tomorrow"), kMaxAge).bounded());
}

TEST(HorizonTest, BehindAnAgentTheVerifiersOwnCacheComesOnTop) {
  const Horizon ours = HorizonOf(Of("libwarder", Reach::kStream), kMaxAge);
  EXPECT_EQ(ours.latest, kDefaultStaleness);
  const Horizon envoy = HorizonOf(Of("envoy", Reach::kStream), kMaxAge);
  EXPECT_EQ(envoy.latest, absl::Minutes(10) + kDefaultStaleness);
}

}  // namespace
}  // namespace warder::domain
