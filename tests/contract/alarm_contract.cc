// What every store does with alarms.
#include <limits>

#include "server/base/status_macros.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"

namespace warder {

using app::ReadTransaction;
using app::Transaction;
using domain::Alarm;

const absl::Time kNow = absl::FromUnixSeconds(1767225600);
constexpr int64_t kLast = std::numeric_limits<int64_t>::max();

TEST_P(StoreContract, AnAlarmOfItsPlaceLivesUntilItIsClosed) {
  domain::AlarmEvent event;
  event.kind = domain::AlarmKind::kNeverIssued;
  event.issuer = IssuerId("shop");
  event.kid = "k";
  event.gateway = GatewayId("edge");
  event.time = kNow;
  event.evidence = R"({"jti":"x"})";
  Alarm first = domain::OpenAlarm(event);
  event.kid = "l";
  Alarm other = domain::OpenAlarm(event);
  domain::CountEvent(event, other);
  domain::CountEvent(event, other);
  ASSERT_OK(store_->Mutate([&](Transaction& txn) -> absl::Status {
    RETURN_IF_ERROR(txn.InsertAlarm(first));
    return txn.InsertAlarm(other);
  }));
  EXPECT_EQ(first.number, 1);
  EXPECT_EQ(other.number, 2);
  Alarm again = first;
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.InsertAlarm(again); }),
      StatusIs(absl::StatusCode::kAlreadyExists));
  using Found = std::vector<Alarm>;
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(auto found, txn.ListAlarms(true, kLast, 10));
    EXPECT_EQ(found, (Found{other, first}));
    ASSIGN_OR_RETURN(found, txn.ListAlarms(true, 2, 10));
    EXPECT_EQ(found, Found{first});
    ASSIGN_OR_RETURN(found, txn.ListAlarms(false, kLast, 1));
    EXPECT_EQ(found, Found{other});
    ASSIGN_OR_RETURN(const auto living,
                     txn.FindLivingAlarm(domain::PlaceOf(other)));
    EXPECT_EQ(living, other);
    ASSIGN_OR_RETURN(const auto none, txn.FindAlarm(3));
    EXPECT_FALSE(none.has_value());
    return absl::OkStatus();
  }));
  const Alarm stale = first;
  first.state = domain::AlarmState::kClosed;
  first.closed_by = "sam";
  first.close_time = kNow + absl::Seconds(1);
  first.note = "a test";
  ASSERT_OK(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateAlarm(first); }));
  again = stale;
  EXPECT_THAT(
      store_->Mutate([&](Transaction& txn) { return txn.UpdateAlarm(again); }),
      FailsWith(Reason::kConflict));
  ASSERT_OK(
      store_->Mutate([&](Transaction& txn) { return txn.InsertAlarm(again); }));
  EXPECT_EQ(again.number, 3);
  ASSERT_OK(store_->Read([&](ReadTransaction& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto found, txn.ListAlarms(true, kLast, 10));
    EXPECT_EQ(found, (Found{again, other}));
    ASSIGN_OR_RETURN(const auto closed, txn.FindAlarm(1));
    EXPECT_EQ(closed, first);
    return absl::OkStatus();
  }));
}

}  // namespace warder
