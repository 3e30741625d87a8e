#include "server/domain/gateway.h"

#include <gtest/gtest.h>

#include "server/base/error.h"
#include "tests/support/status_matchers.h"

namespace warder::domain {
namespace {

Gateway Good() {
  Gateway gateway;
  gateway.id = GatewayId("edge");
  gateway.consumer = "envoy-async";
  gateway.issuers = {IssuerId("shop")};
  gateway.cache = absl::Minutes(5);
  gateway.fetch_sources = {"192.0.2.0/24", "2001:db8::/32", "198.51.100.7"};
  gateway.probe = Probe{.url = "https://edge.example/.warder",
                        .audience = "urn:warder:probe:edge"};
  return gateway;
}

TEST(GatewayTest, AGoodOneIsTaken) { EXPECT_OK(ValidateGateway(Good())); }

TEST(GatewayTest, EachBadFieldIsNamed) {
  const struct {
    const char* field;
    void (*spoil)(Gateway&);
  } cases[] = {
      {"consumer", [](Gateway& g) { g.consumer = "enovy"; }},
      {"issuers", [](Gateway& g) { g.issuers.clear(); }},
      {"cache", [](Gateway& g) { g.cache = absl::Hours(24 * 32); }},
      {"cache", [](Gateway& g) { g.cache = absl::Seconds(-1); }},
      {"cache",
       [](Gateway& g) { g.consumer = "go-oidc"; }},  // has no such setting
      {"contact", [](Gateway& g) { g.contact = std::string(257, 'x'); }},
      {"fetch_sources[1]", [](Gateway& g) { g.fetch_sources[1] = "edge"; }},
      {"fetch_sources[0]",
       [](Gateway& g) { g.fetch_sources[0] = "192.0.2.0/33"; }},
      {"probe.header", [](Gateway& g) { g.probe->header = "A B"; }},
      {"probe.header", [](Gateway& g) { g.probe->cookie = "session"; }},
      {"probe.audience", [](Gateway& g) { g.probe->audience = ""; }},
      {"probe.audience", [](Gateway& g) { g.probe->audience = "api"; }},
      {"probe.audience",
       [](Gateway& g) { g.probe->audience = "urn:warder:probes"; }},
      {"probe.accepted", [](Gateway& g) { g.probe->accepted = {302}; }},
      {"probe.refused",
       [](Gateway& g) {
         g.probe->refused = {401, 200};
       }},
      {"probe.refused", [](Gateway& g) { g.probe->refused = {}; }},
  };
  for (const auto& bad : cases) {
    Gateway gateway = Good();
    bad.spoil(gateway);
    const absl::Status status = ValidateGateway(gateway);
    EXPECT_EQ(FieldOf(status), bad.field) << status;
  }
}

TEST(GatewayTest, FetchesCountFromItsAddressesAlone) {
  const Gateway gateway = Good();
  EXPECT_TRUE(FetchesFrom(gateway, "192.0.2.255"));
  EXPECT_TRUE(FetchesFrom(gateway, "::ffff:192.0.2.1"));
  EXPECT_TRUE(FetchesFrom(gateway, "2001:db8:1::1"));
  EXPECT_TRUE(FetchesFrom(gateway, "198.51.100.7"));
  EXPECT_FALSE(FetchesFrom(gateway, "198.51.100.8"));
  EXPECT_FALSE(FetchesFrom(gateway, "192.0.3.1"));
  EXPECT_FALSE(FetchesFrom(gateway, "2001:db9::1"));
  EXPECT_FALSE(FetchesFrom(gateway, "edge"));
}

TEST(GatewayTest, EdDsaIsForThoseWhoReadIt) {
  Gateway gateway = Good();
  EXPECT_TRUE(Reads(gateway, Algorithm::kEdDsa));
  gateway.consumer = "spring-security";
  EXPECT_FALSE(Reads(gateway, Algorithm::kEdDsa));
  EXPECT_TRUE(Reads(gateway, Algorithm::kRs256));
}

}  // namespace
}  // namespace warder::domain
