#include "server/app/alarm_manager.h"

#include "absl/strings/match.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

class AlarmManagerTest : public testing::Test {
 protected:
  domain::AlarmEvent Event(const std::string& kid = "K") {
    domain::AlarmEvent event;
    event.kind = domain::AlarmKind::kLifetime;
    event.issuer = IssuerId("shop");
    event.kid = kid;
    event.gateway = GatewayId("edge");
    event.time = app_.clock.TimeNow();
    return event;
  }
  std::vector<std::string> Actions() {
    std::vector<std::string> actions;
    for (const auto& event : app_.Events()) actions.push_back(event.action);
    return actions;
  }
  std::vector<domain::Alarm> List(bool open_only) {
    auto page = alarms_.List(app_.As("auditor/ann"), {}, open_only);
    EXPECT_OK(page.status());
    return page.ok() ? page->items : std::vector<domain::Alarm>();
  }
  TestApp app_;
  AlarmManager alarms_{app_.runner};
};

TEST_F(AlarmManagerTest, OneOpensATicketThreePageAndOthersAreTold) {
  const domain::AlarmEvent events[] = {Event(), Event("L")};
  ASSERT_OK(alarms_.Raise(events));
  EXPECT_EQ(Actions(),
            (std::vector<std::string>{"alarm.raised", "alarm.raised"}));
  ASSERT_OK(alarms_.Raise({events, 1}));
  EXPECT_EQ(Actions().size(), 2u);  // it is only counted
  ASSERT_OK(alarms_.Raise({events, 1}));
  ASSERT_OK(alarms_.Raise({events, 1}));
  EXPECT_EQ(Actions().size(), 3u);
  EXPECT_EQ(Actions().back(), "alarm.paged");
  const auto audited = app_.Events().back();
  EXPECT_EQ(audited.resource, "alarms/1");
  EXPECT_TRUE(absl::StrContains(
      audited.detail,
      "warder key revoke issuers/shop/keys/K --reason compromised"));
  const auto listed = List(true);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].kid, "L");
  EXPECT_EQ(listed[1].count, 4);
  EXPECT_EQ(listed[1].severity, domain::AlarmSeverity::kPage);
  ASSERT_OK(alarms_.Raise({}));
}

TEST_F(AlarmManagerTest, PeopleAcknowledgeAndCloseAndSayWhy) {
  const domain::AlarmEvent event = Event();
  ASSERT_OK(alarms_.Raise({&event, 1}));
  const auto sam = [&] { return app_.As("security/sam"); };
  ASSERT_OK_AND_ASSIGN(domain::Alarm alarm,
                       alarms_.Acknowledge(sam(), {.number = 1, .note = "?"}));
  EXPECT_EQ(alarm.state, domain::AlarmState::kAcknowledged);
  EXPECT_EQ(alarm.acknowledged_by, "sam");
  EXPECT_THAT(alarms_.Close(sam(), {.number = 1, .note = ""}),
              FailsWith(Reason::kInvalidField, "note"));
  EXPECT_THAT(
      alarms_.Close(sam(), {.number = 1, .note = std::string(1001, 'x')}),
      FailsWith(Reason::kInvalidField, "1001"));
  ASSERT_OK_AND_ASSIGN(alarm,
                       alarms_.Close(sam(), {.number = 1, .note = "a test"}));
  EXPECT_EQ(alarm.state, domain::AlarmState::kClosed);
  EXPECT_EQ(alarm.note, "a test");
  // Again: nothing changes, and the first word stays.
  ASSERT_OK_AND_ASSIGN(alarm,
                       alarms_.Close(sam(), {.number = 1, .note = "other"}));
  EXPECT_EQ(alarm.note, "a test");
  EXPECT_EQ(Actions().back(), "alarm.closed");
  EXPECT_EQ(Actions().size(), 3u);
  EXPECT_THAT(alarms_.Acknowledge(sam(), {.number = 1, .note = ""}),
              FailsWith(Reason::kWrongState, "a test"));
  EXPECT_THAT(alarms_.Get(sam(), 2), FailsWith(Reason::kNotFound, "alarms/2"));
  EXPECT_TRUE(List(true).empty());
  EXPECT_EQ(List(false).size(), 1u);
  // The next such event is another alarm.
  ASSERT_OK(alarms_.Raise({&event, 1}));
  EXPECT_EQ(List(true).at(0).number, 2);
}

TEST_F(AlarmManagerTest, WhoMayNotIsToldSo) {
  const domain::AlarmEvent event = Event();
  ASSERT_OK(alarms_.Raise({&event, 1}));
  EXPECT_THAT(alarms_.Close(app_.As("auditor/ann"), {.number = 1, .note = "x"}),
              FailsWith(Reason::kPermissionDenied));
  for (const char* who : {"gateway/edge", "signer/checkout", "hr/hook"}) {
    EXPECT_THAT(alarms_.List(app_.As(who), {}, true),
                FailsWith(Reason::kPermissionDenied));
  }
}

TEST_F(AlarmManagerTest, AListGoesOnWhereAPageEnded) {
  for (const char* kid : {"a", "b", "c"}) {
    const domain::AlarmEvent event = Event(kid);
    ASSERT_OK(alarms_.Raise({&event, 1}));
  }
  ASSERT_OK_AND_ASSIGN(auto page, alarms_.List(app_.As("security/sam"),
                                               {.size = 2, .token = ""}, true));
  ASSERT_EQ(page.items.size(), 2u);
  ASSERT_OK_AND_ASSIGN(
      page, alarms_.List(app_.As("security/sam"),
                         {.size = 2, .token = page.next_token}, true));
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_EQ(page.items[0].kid, "a");
  EXPECT_EQ(page.next_token, "");
}

}  // namespace
}  // namespace warder::app
