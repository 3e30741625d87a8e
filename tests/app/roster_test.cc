#include "absl/strings/str_cat.h"
#include "server/app/roster_manager.h"
#include "server/base/time_text.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::MatchRule;
using Kind = RosterFinding::Kind;

absl::StatusOr<Roster> Read(absl::string_view text) {
  return ReadRoster(text, MatchRule::kExternalId, "Europe/Berlin");
}

TEST(RosterFileTest, SpreadsheetsAsTheyCome) {
  for (const char* text :
       {"\xEF\xBB\xBF"
        "Employee ID;Status;Last Day\r\nE1;active;\r\n"
        "E2;Terminated;\r\nE3;;2026-12-31\r\n\r\n",
        "external_id,active,end_date\nE1,TRUE,\n\"E2\",no,\n"
        "E3,employed,\"2026-12-31\"",
        "id\tstatus\tlastDay\nE1\t\t\nE2\tleft\t\nE3\t\t2026-12-31\n",
        R"({"Resources":[{"externalId":"E1","active":true},
            {"externalId":"E2","active":"False"},{"externalId":"E3",
            "urn:warder:params:scim:schemas:extension:employment:2.0:User":
            {"employmentEndTime":"2026-12-31"}}]})"}) {
    ASSERT_OK_AND_ASSIGN(const Roster roster, Read(text));
    ASSERT_EQ(roster.people.size(), 3u) << text;
    EXPECT_TRUE(roster.people[0].active);
    EXPECT_FALSE(roster.people[1].active);
    EXPECT_EQ(TimeText(*roster.people[2].leave_time), "2026-12-31T23:00:00Z");
    EXPECT_EQ(roster.bad_count, 0);
  }
}

TEST(RosterFileTest, RowsThatCannotBeReadAreToldAndNeverGuessed) {
  std::string text = "external_id,status\n";
  for (int i = 0; i < 97; ++i) absl::StrAppend(&text, "E", i, ",active\n");
  text += "E97,perhaps\nE98\nE99,a\xff\n";
  ASSERT_OK_AND_ASSIGN(const Roster roster, Read(text));
  EXPECT_EQ(roster.people.size(), 97u);
  ASSERT_EQ(roster.bad_count, 3);
  EXPECT_EQ(roster.bad_rows[0].line, 99);
  EXPECT_THAT(roster.bad_rows[0].why, testing::HasSubstr("perhaps"));
  EXPECT_TRUE(roster.doubtful.contains("e98"));
}

TEST(RosterFileTest, WhatIsNoRosterIsRefused) {
  for (const auto& [text, why] :
       std::vector<std::pair<std::string, std::string>>{
           {"", "is empty"},
           {std::string("\xff\xfe"
                        "e\0x\0",
                        6),
            "UTF-16"},
           {"name,phone\na,b\n", "no column external_id"},
           {"{}", "Resources"},
           {"[1,", "roster"},
           {R"({"Resources":7})", "not a list"}}) {
    EXPECT_THAT(Read(text), FailsWith(Reason::kInvalidField, why)) << text;
  }
  EXPECT_THAT(Read("external_id,status\nE1,x\nE2,active\n"),
              FailsWith(Reason::kWrongState, "1 of 2 rows"));
}

class RosterManagerTest : public testing::Test {
 protected:
  void SetUp() override { app_.MustSetUp(); }

  // What applying (or, dry, comparing) finds, by owner.
  std::map<std::string, Kind> Reconcile(const std::string& rows,
                                        bool dry = false) {
    Request request = app_.As("hr/hook");
    request.validate_only = dry;
    const auto result = app_.rosters.Reconcile(
        request, "external_id,status,end_date\n" + rows, "UTC");
    EXPECT_OK(result.status());
    std::map<std::string, Kind> kinds;
    if (!result.ok()) return kinds;
    for (const auto& f : result->findings) kinds[f.owner.value()] = f.kind;
    return kinds;
  }
  domain::OwnerState StateOf(const std::string& id) {
    return app_.owners.Get(app_.As("hr/hook"), OwnerId(id))->state;
  }

  TestApp app_;
};

TEST_F(RosterManagerTest, ShownThenApplied) {
  const std::string rows = "ALICE,left,\nbob,,2026-01-31\nstranger,left,\n";
  const std::map<std::string, Kind> expected = {
      {"alice", Kind::kLeft}, {"bob", Kind::kLeaves}, {"carol", Kind::kAbsent}};
  EXPECT_EQ(Reconcile(rows, /*dry=*/true), expected);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kActive);
  EXPECT_EQ(Reconcile(rows), expected);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kDeparted);
  ASSERT_OK_AND_ASSIGN(const auto leaving,
                       app_.departures.Get(app_.As("hr/hook"), OwnerId("bob")));
  EXPECT_EQ(TimeText(leaving.instant), "2026-02-01T00:00:00Z");
  EXPECT_EQ(leaving.source, "roster");
  // Said again it says nothing new but how long carol is missing.
  EXPECT_EQ(Reconcile(rows),
            (std::map<std::string, Kind>{{"carol", Kind::kAbsent}}));
}

TEST_F(RosterManagerTest, WhoIsMissingForLongerThanTheGraceDeparts) {
  Reconcile("alice,,\nbob,,\n");
  app_.clock.AdvanceTime(absl::Hours(24 * 3));
  EXPECT_EQ(Reconcile("alice,,\n"),
            (std::map<std::string, Kind>{{"bob", Kind::kAbsent},
                                         {"carol", Kind::kAbsent}}));
  app_.clock.AdvanceTime(absl::Hours(24 * 3));
  EXPECT_EQ(Reconcile("alice,,\nbob,,\n")["bob"], Kind::kReturned);
  app_.clock.AdvanceTime(absl::Hours(24 * 1));
  app_.loop.Tick();
  EXPECT_EQ(StateOf("carol"), domain::OwnerState::kDeparted);
  EXPECT_EQ(StateOf("bob"), domain::OwnerState::kActive);
}

TEST_F(RosterManagerTest, WhoIsNamedByAnUnreadableRowIsLeftAlone) {
  std::string rows = "alice,,\nbob,,\ncarol,???,\n";
  for (int i = 0; i < 10; ++i) absl::StrAppend(&rows, "x", i, ",,\n");
  EXPECT_EQ(Reconcile(rows),
            (std::map<std::string, Kind>{{"carol", Kind::kDoubtful}}));
  EXPECT_EQ(Reconcile("alice,,\nbob,,\ncarol,,\n").size(), 0u);
}

TEST_F(RosterManagerTest, HalfARosterWaitsForAWord) {
  std::string half = "alice,,\nbob,,\ncarol,,\n";
  for (int i = 0; i < 40; ++i) {
    CreateOwnerCommand owner;
    owner.id = OwnerId(absl::StrCat("p", i));
    ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), owner));
    if (i % 2 == 0) absl::StrAppend(&half, "p", i, ",,\n");
  }
  Reconcile(half);
  app_.clock.AdvanceTime(absl::Hours(24 * 8));
  app_.loop.Tick();
  EXPECT_EQ(app_.intake.ListHeld(app_.As("security/sam"))->size(), 17u);
  EXPECT_EQ(StateOf("p39"), domain::OwnerState::kActive);
}

}  // namespace warder::app
