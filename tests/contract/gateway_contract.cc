// The part of the contract about gateways and what they confirm.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder {

using app::ReadTransaction;
using app::Transaction;
using ::testing::IsEmpty;

namespace {

const absl::Time kNow = TestStart();

domain::Gateway Edge(const std::string& id) {
  domain::Gateway gateway;
  gateway.id = GatewayId(id);
  gateway.display_name = "Edge";
  gateway.contact = "edge@example.org";
  gateway.consumer = "envoy";
  gateway.version = "1.30";
  gateway.reach = domain::Reach::kPoll;
  gateway.issuers = {IssuerId("shop")};
  gateway.cache = absl::Minutes(5);
  gateway.fetch_sources = {"192.0.2.0/24"};
  gateway.probe = domain::Probe{.url = "https://edge/p",
                                .header = "",
                                .cookie = "session",
                                .audience = "a",
                                .accepted = {204},
                                .refused = {401},
                                .local = true};
  gateway.created_by = "security/sam";
  gateway.create_time = kNow;
  gateway.update_time = kNow;
  return gateway;
}

domain::Revocation Revoked(const std::string& key, absl::Duration after) {
  domain::Revocation revocation;
  revocation.issuer = IssuerId("shop");
  revocation.key = KeyId(key);
  revocation.reason = domain::RevocationReason::kOwnerDeparted;
  revocation.revision = 3;
  revocation.revoke_time = kNow + after;
  revocation.leaver = OwnerId(key == "k1" ? "mallory" : "");
  return revocation;
}

}  // namespace

TEST_P(StoreContract, GatewaysComeBackAndAreFoundByIssuer) {
  MustMakeShop();
  domain::Gateway edge = Edge("edge");
  domain::Gateway plain = Edge("plain");
  plain.probe.reset();
  plain.cache.reset();
  ASSERT_OK(store_->Mutate([&](Transaction& txn) -> absl::Status {
    EXPECT_THAT(txn.AnyGateway(), IsOkAndHolds(false));
    RETURN_IF_ERROR(txn.InsertGateway(edge));
    EXPECT_THAT(txn.AnyGateway(), IsOkAndHolds(true));
    return txn.InsertGateway(plain);
  }));
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.InsertGateway(edge); }),
      FailsWith(Reason::kAlreadyExists));
  domain::Gateway changed = edge;
  changed.reach = domain::Reach::kStream;
  changed.consumer = "libwarder";
  ASSERT_OK(store_->Mutate(
      [&](Transaction& txn) { return txn.UpdateGateway(changed); }));
  EXPECT_EQ(changed.rev, edge.rev + 1);
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateGateway(edge); }),
      FailsWith(Reason::kConflict));
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto found, txn.FindGateway(edge.id));
    EXPECT_EQ(found, changed);
    ASSIGN_OR_RETURN(const auto of, txn.ListGatewaysOf(IssuerId("shop")));
    EXPECT_EQ(of, (std::vector<domain::Gateway>{changed, plain}));
    ASSIGN_OR_RETURN(const auto none, txn.ListGatewaysOf(IssuerId("other")));
    EXPECT_THAT(none, IsEmpty());
    ASSIGN_OR_RETURN(const auto rest, txn.ListGateways("edge", 10));
    EXPECT_EQ(rest, std::vector<domain::Gateway>{plain});
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, ViewsAreReplacedAndGoWithTheirGateway) {
  MustMakeShop();
  domain::GatewayView view{.gateway = GatewayId("edge"),
                           .issuer = IssuerId("shop"),
                           .revision = 4,
                           .time = kNow,
                           .source = "192.0.2.1",
                           .acknowledged = false,
                           .heard_time = kNow};
  const domain::GatewayInstance pod = {.gateway = GatewayId("edge"),
                                       .name = "pod-1",
                                       .max_staleness = absl::Minutes(5),
                                       .heard_time = kNow};
  domain::GatewayInstance other = pod;
  other.name = "pod-2";
  ASSERT_OK(store_->Mutate([&](Transaction& txn) -> absl::Status {
    RETURN_IF_ERROR(txn.InsertGateway(Edge("edge")));
    RETURN_IF_ERROR(txn.PutView(view));
    view.revision = 5;
    view.acknowledged = true;
    RETURN_IF_ERROR(txn.PutInstance(pod));
    RETURN_IF_ERROR(txn.PutInstance(other));
    RETURN_IF_ERROR(txn.DeleteInstance(pod.gateway, "pod-2"));
    return txn.PutView(view);
  }));
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto instances, txn.ListInstances());
    EXPECT_EQ(instances, std::vector<domain::GatewayInstance>{pod});
    const std::vector<domain::GatewayView> expected = {view};
    for (const char* gateway : {"", "edge"}) {
      for (const char* issuer : {"", "shop"}) {
        ASSIGN_OR_RETURN(const auto found,
                         txn.ListViews(GatewayId(gateway), IssuerId(issuer)));
        EXPECT_EQ(found, expected);
      }
    }
    return absl::OkStatus();
  }));
  ASSERT_OK(store_->Mutate(
      [&](Transaction& txn) { return txn.DeleteGateway(GatewayId("edge")); }));
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto left, txn.ListViews(GatewayId(), IssuerId()));
    EXPECT_THAT(left, IsEmpty());
    ASSIGN_OR_RETURN(const auto instances, txn.ListInstances());
    EXPECT_THAT(instances, IsEmpty());
    return absl::OkStatus();
  }));
}

TEST_P(StoreContract, RevocationsAreListedLatestFirstAndOpenOnesWhenDue) {
  MustMakeShop();
  domain::Revocation first = Revoked("k1", absl::ZeroDuration());
  const domain::Revocation second = Revoked("k2", absl::Seconds(1));
  domain::Confirmation confirmation;
  confirmation.key = first.key;
  confirmation.gateway = GatewayId("edge");
  confirmation.deadline = kNow + absl::Minutes(1);
  confirmation.expected = kNow + absl::Minutes(10);
  confirmation.latest = absl::InfiniteFuture();
  ASSERT_OK(store_->Mutate([&](Transaction& txn) -> absl::Status {
    RETURN_IF_ERROR(txn.InsertRevocation(first, kNow + absl::Minutes(1)));
    RETURN_IF_ERROR(txn.InsertRevocation(second, absl::InfiniteFuture()));
    RETURN_IF_ERROR(txn.InsertConfirmation(confirmation));
    for (const int minutes : {0, 5}) {
      RETURN_IF_ERROR(txn.InsertCanary(
          {.key = first.key,
           .audience = "urn:a",
           .window = {.issued = kNow,
                      .from = kNow + absl::Minutes(minutes),
                      .until = kNow + absl::Minutes(minutes + 5)},
           .token = absl::StrCat("t", minutes)}));
    }
    confirmation.state = domain::ConfirmationState::kOverdue;
    confirmation.fetch_time = kNow;
    confirmation.fetched_by = domain::Evidence::kFetched;
    confirmation.detail = "192.0.2.1";
    return txn.UpdateConfirmation(confirmation);
  }));
  using Found = std::vector<domain::Revocation>;
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    const std::pair<absl::Time, std::string> end = {absl::InfiniteFuture(), ""};
    ASSIGN_OR_RETURN(auto found, txn.ListRevocations({}, end, 10));
    EXPECT_EQ(found, (Found{second, first}));
    ASSIGN_OR_RETURN(found,
                     txn.ListRevocations({}, {second.revoke_time, "k2"}, 10));
    EXPECT_EQ(found, Found{first});
    ASSIGN_OR_RETURN(found, txn.ListRevocations({.issuer = IssuerId("shop"),
                                                 .leaver = OwnerId("mallory")},
                                                end, 10));
    EXPECT_EQ(found, Found{first});
    ASSIGN_OR_RETURN(found,
                     txn.ListRevocations({.issuer = IssuerId("x")}, end, 10));
    EXPECT_THAT(found, IsEmpty());
    ASSIGN_OR_RETURN(found, txn.ListDueRevocations(kNow, 10));
    EXPECT_THAT(found, IsEmpty());
    ASSIGN_OR_RETURN(found,
                     txn.ListDueRevocations(kNow + absl::Minutes(1), 10));
    EXPECT_EQ(found, Found{first});
    EXPECT_THAT(txn.NextRevocationDue(), IsOkAndHolds(kNow + absl::Minutes(1)));
    ASSIGN_OR_RETURN(const auto confirmed, txn.ListConfirmations(first.key));
    EXPECT_EQ(confirmed, std::vector<domain::Confirmation>{confirmation});
    EXPECT_THAT(txn.CountOverdueConfirmations(), IsOkAndHolds(1));
    ASSIGN_OR_RETURN(const auto of,
                     txn.ListOpenConfirmationsOf(GatewayId("edge")));
    EXPECT_EQ(of, confirmed);
    ASSIGN_OR_RETURN(const auto of_none,
                     txn.ListOpenConfirmationsOf(GatewayId("other")));
    EXPECT_THAT(of_none, IsEmpty());
    EXPECT_THAT(txn.AnyCanary(first.key, "urn:a", kNow + absl::Minutes(9)),
                IsOkAndHolds(true));
    EXPECT_THAT(txn.AnyCanary(first.key, "urn:a", kNow + absl::Minutes(10)),
                IsOkAndHolds(false));
    EXPECT_THAT(txn.AnyCanary(first.key, "urn:b", kNow), IsOkAndHolds(false));
    const auto other = txn.FindCanary(first.key, "urn:b", kNow, kNow);
    EXPECT_TRUE(other.ok() && !other->has_value());
    const auto canary = [&](absl::Duration after) {
      const absl::Time now = kNow + after;
      const auto found =
          txn.FindCanary(first.key, "urn:a", now, now + absl::Seconds(5));
      return found.ok() && *found ? (*found)->token : "";
    };
    EXPECT_EQ(canary(absl::ZeroDuration()), "t0");
    EXPECT_EQ(canary(absl::Minutes(5) - absl::Seconds(6)), "t0");
    EXPECT_EQ(canary(absl::Minutes(5) - absl::Seconds(5)), "");
    EXPECT_EQ(canary(absl::Minutes(5)), "t5");
    EXPECT_EQ(canary(absl::Minutes(10)), "");
    return absl::OkStatus();
  }));
  // What can be asked is what has a probe and canaries left.
  const auto targets = [&](absl::Duration after) {
    int count = -1;
    EXPECT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
      ASSIGN_OR_RETURN(const auto found,
                       txn.ListProbeTargets(kNow + after, 10));
      count = static_cast<int>(found.size());
      for (const auto& one : found) EXPECT_EQ(one.key, first.key);
      return absl::OkStatus();
    }));
    return count;
  };
  EXPECT_EQ(targets(absl::ZeroDuration()), 0);  // no such gateway
  ASSERT_OK(store_->Mutate(
      [&](Transaction& txn) { return txn.InsertGateway(Edge("edge")); }));
  EXPECT_EQ(targets(absl::Minutes(9)), 1);
  EXPECT_EQ(targets(absl::Minutes(10)), 0);
  first.close_time = kNow + absl::Minutes(2);
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.DeleteCanariesUntil(kNow + absl::Minutes(10)));
    return txn.UpdateRevocation(first, absl::InfiniteFuture());
  }));
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(auto open, txn.ListOpenRevocationsOf(IssuerId("shop")));
    EXPECT_EQ(open, Found{second});
    ASSIGN_OR_RETURN(open,
                     txn.ListRevocations({.open_only = true},
                                         {absl::InfiniteFuture(), ""}, 10));
    EXPECT_EQ(open, Found{second});
    ASSIGN_OR_RETURN(const auto found, txn.FindRevocation(first.key));
    EXPECT_EQ(found, first);
    ASSIGN_OR_RETURN(const auto unstated, txn.ListUnstatedRevocations(10));
    EXPECT_EQ(unstated, Found{first});
    const auto canary = txn.FindCanary(first.key, "urn:a", kNow, kNow);
    EXPECT_TRUE(canary.ok() && !canary->has_value());
    EXPECT_THAT(txn.NextRevocationDue(), IsOkAndHolds(absl::InfiniteFuture()));
    return absl::OkStatus();
  }));
  first.statement = "a.b.c";
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    return txn.UpdateRevocation(first, absl::InfiniteFuture());
  }));
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto unstated, txn.ListUnstatedRevocations(10));
    EXPECT_THAT(unstated, IsEmpty());
    ASSIGN_OR_RETURN(const auto found, txn.FindRevocation(first.key));
    EXPECT_EQ(found, first);
    return absl::OkStatus();
  }));
  domain::Revocation stale = first;
  --stale.rev;
  EXPECT_THAT(store_->Mutate([&](Transaction& txn) {
    return txn.UpdateRevocation(stale, absl::InfiniteFuture());
  }),
              FailsWith(Reason::kConflict));
}

TEST_P(StoreContract, DrillsAreListedLatestFirst) {
  MustMakeShop();
  const domain::Drill first = {.id = DrillId("d1"),
                               .issuer = IssuerId("shop"),
                               .leaver = OwnerId("d1"),
                               .started_by = "security/sam",
                               .start_time = kNow};
  domain::Drill second = first;
  second.id = DrillId("d2");
  second.start_time = kNow + absl::Hours(1);
  ASSERT_OK(store_->Mutate([&](Transaction& txn) -> absl::Status {
    RETURN_IF_ERROR(txn.InsertDrill(first));
    return txn.InsertDrill(second);
  }));
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.InsertDrill(first); }),
      StatusIs(absl::StatusCode::kAlreadyExists));
  using Found = std::vector<domain::Drill>;
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(auto found,
                     txn.ListDrills({absl::InfiniteFuture(), ""}, 10));
    EXPECT_EQ(found, (Found{second, first}));
    ASSIGN_OR_RETURN(found, txn.ListDrills({second.start_time, "d2"}, 10));
    EXPECT_EQ(found, Found{first});
    ASSIGN_OR_RETURN(const auto one, txn.FindDrill(first.id));
    EXPECT_EQ(one, first);
    ASSIGN_OR_RETURN(const auto none, txn.FindDrill(DrillId("x")));
    EXPECT_FALSE(none.has_value());
    return absl::OkStatus();
  }));
}

}  // namespace warder
