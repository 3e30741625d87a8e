#include "server/domain/alarm.h"

#include <gtest/gtest.h>

namespace warder::domain {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

AlarmEvent Event(AlarmKind kind, absl::Duration after = absl::ZeroDuration(),
                 int64_t count = 1) {
  AlarmEvent event;
  event.kind = kind;
  event.issuer = IssuerId("shop");
  event.kid = "K";
  event.gateway = GatewayId("edge");
  event.time = kNow + after;
  event.count = count;
  return event;
}

TEST(AlarmTest, TheFirstIsATicketAndThreeInTenMinutesPage) {
  Alarm alarm = OpenAlarm(Event(AlarmKind::kNeverIssued));
  EXPECT_EQ(alarm.severity, AlarmSeverity::kTicket);
  EXPECT_EQ(alarm.count, 1);
  EXPECT_FALSE(
      CountEvent(Event(AlarmKind::kNeverIssued, absl::Minutes(9)), alarm));
  // The first was more than ten minutes ago.
  EXPECT_FALSE(
      CountEvent(Event(AlarmKind::kNeverIssued, absl::Minutes(11)), alarm));
  EXPECT_TRUE(
      CountEvent(Event(AlarmKind::kNeverIssued, absl::Minutes(19)), alarm));
  EXPECT_EQ(alarm.severity, AlarmSeverity::kPage);
  EXPECT_EQ(alarm.page_time, kNow + absl::Minutes(19));
  EXPECT_FALSE(
      CountEvent(Event(AlarmKind::kNeverIssued, absl::Minutes(19)), alarm));
  EXPECT_EQ(alarm.count, 5);
  EXPECT_EQ(alarm.first_time, kNow);
  EXPECT_EQ(alarm.last_time, kNow + absl::Minutes(19));
}

TEST(AlarmTest, ThreeAtOncePage) {
  const Alarm alarm =
      OpenAlarm(Event(AlarmKind::kNeverIssued, absl::ZeroDuration(), 3));
  EXPECT_EQ(alarm.severity, AlarmSeverity::kPage);
  EXPECT_EQ(alarm.count, 3);
}

TEST(AlarmTest, WhatComesLateCountsWhereItBelongs) {
  Alarm alarm = OpenAlarm(Event(AlarmKind::kDeadKey, absl::Minutes(30)));
  EXPECT_FALSE(CountEvent(Event(AlarmKind::kDeadKey, absl::Minutes(0)), alarm));
  EXPECT_FALSE(
      CountEvent(Event(AlarmKind::kDeadKey, absl::Minutes(25)), alarm));
  EXPECT_TRUE(CountEvent(Event(AlarmKind::kDeadKey, absl::Minutes(21)), alarm));
  EXPECT_EQ(alarm.first_time, kNow);
}

TEST(AlarmTest, AKeyThatNeverSignsPagesAtOnceAndSilenceNever) {
  EXPECT_EQ(OpenAlarm(Event(AlarmKind::kSilentKey)).severity,
            AlarmSeverity::kPage);
  Alarm silent = OpenAlarm(Event(AlarmKind::kGatewaySilent));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(CountEvent(Event(AlarmKind::kGatewaySilent), silent));
  }
}

TEST(AlarmTest, EventsOfOneKindIssuerAndKeyAreOneAlarm) {
  const AlarmEvent event = Event(AlarmKind::kNeverIssued);
  AlarmEvent elsewhere = event;
  elsewhere.gateway = GatewayId("other");
  EXPECT_EQ(PlaceOf(event), PlaceOf(elsewhere));
  EXPECT_EQ(PlaceOf(event), PlaceOf(OpenAlarm(event)));
  AlarmEvent other = event;
  other.kid = "L";
  EXPECT_NE(PlaceOf(event), PlaceOf(other));
  other = event;
  other.kind = AlarmKind::kAudience;
  EXPECT_NE(PlaceOf(event), PlaceOf(other));
  // Silence is a gateway's own.
  EXPECT_NE(PlaceOf(Event(AlarmKind::kGatewaySilent)), [&] {
    AlarmEvent silent = elsewhere;
    silent.kind = AlarmKind::kGatewaySilent;
    return PlaceOf(silent);
  }());
}

TEST(AlarmTest, EachSaysWhatItIsAndWhatToDo) {
  for (int kind = 0; kind <= static_cast<int>(AlarmKind::kGatewaySilent);
       ++kind) {
    const Alarm alarm = OpenAlarm(Event(static_cast<AlarmKind>(kind)));
    EXPECT_NE(SummaryOf(alarm), "") << kind;
    EXPECT_EQ(NextStepOf(alarm).rfind("warder ", 0), 0u) << kind;
    EXPECT_EQ(*ParseAlarmKind("kind", AlarmKindName(alarm.kind)), alarm.kind);
  }
  EXPECT_EQ(NextStepOf(OpenAlarm(Event(AlarmKind::kNeverIssued))),
            "warder key revoke issuers/shop/keys/K --reason compromised");
}

Key KeyOf(KeyKind kind, KeyState state) {
  Key key;
  key.issuer = IssuerId("shop");
  key.id = KeyId("K");
  key.kind = kind;
  key.state = state;
  return key;
}

TEST(AlarmTest, ADecoyNamesItsPlaceAndPagesAtOnce) {
  Key key = KeyOf(KeyKind::kHoney, KeyState::kPending);
  key.place = "wiki";
  for (const AlarmKind kind : {AlarmKind::kNeverIssued, AlarmKind::kDeadKey}) {
    AlarmEvent event = Event(kind);
    Sharpen(&key, absl::Minutes(1), event);
    const Alarm alarm = OpenAlarm(event);
    EXPECT_EQ(alarm.kind, AlarmKind::kHoneyKey);
    EXPECT_EQ(alarm.severity, AlarmSeverity::kPage);
    EXPECT_NE(SummaryOf(alarm).find("\"wiki\""), std::string::npos);
    EXPECT_EQ(GentleStepOf(alarm), "");
  }
}

TEST(AlarmTest, AKeyThatHasSignedNothingIsSilent) {
  AlarmEvent event = Event(AlarmKind::kNeverIssued);
  Sharpen(nullptr, absl::Minutes(1), event);  // a tombstone
  EXPECT_EQ(event.kind, AlarmKind::kSilentKey);
  Key key = KeyOf(KeyKind::kManaged, KeyState::kPending);
  key.activate_time = kNow + absl::Hours(1);
  event = Event(AlarmKind::kNeverIssued);
  Sharpen(&key, absl::Minutes(1), event);
  EXPECT_EQ(event.kind, AlarmKind::kSilentKey);
}

TEST(AlarmTest, ATokenDatedOutsideTheLifeOfItsKeySaysSo) {
  Key key = KeyOf(KeyKind::kManaged, KeyState::kRetiring);
  key.activate_time = kNow;
  key.retire_time = kNow + absl::Hours(1);
  const auto kind_at = [&](absl::Duration after) {
    AlarmEvent event = Event(AlarmKind::kNeverIssued);
    event.issue_time = kNow + after;
    Sharpen(&key, absl::Minutes(1), event);
    return event.kind;
  };
  EXPECT_EQ(kind_at(-absl::Minutes(2)), AlarmKind::kOutsideSigningLife);
  EXPECT_EQ(kind_at(-absl::Minutes(1)), AlarmKind::kNeverIssued);
  EXPECT_EQ(kind_at(absl::Minutes(61)), AlarmKind::kNeverIssued);
  EXPECT_EQ(kind_at(absl::Minutes(62)), AlarmKind::kOutsideSigningLife);
}

TEST(AlarmTest, AForgeryCanBeEndedGently) {
  const Alarm alarm = OpenAlarm(Event(AlarmKind::kNeverIssued));
  EXPECT_EQ(GentleStepOf(alarm), "warder key drain issuers/shop/keys/K");
  EXPECT_EQ(GentleStepOf(OpenAlarm(Event(AlarmKind::kDeadKey))), "");
}

}  // namespace
}  // namespace warder::domain
