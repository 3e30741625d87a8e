#include "server/app/event_intake.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/fake_outbound.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

constexpr char kRisc[] = "https://schemas.openid.net/secevent/risc/event-type/";

// A SET is its claims in clear, and good where the key set names its "kid".
class FakeVerifier : public SecurityEventVerifier {
 public:
  SecurityEventVerdict Verify(absl::string_view set, absl::string_view jwks,
                              absl::string_view, absl::string_view,
                              absl::Time) override {
    const Json claims = *ParseJsonObject(set);
    if (!absl::StrContains(jwks, claims["kid"].get<std::string>())) {
      return {SecurityEventError::kInvalidKey, "unknown key", {}};
    }
    return {SecurityEventError::kNone, "", claims};
  }
  absl::Status CheckKeySet(absl::string_view field,
                           absl::string_view jwks) override {
    return jwks.empty() ? FieldError(field, "is empty") : absl::OkStatus();
  }
};

}  // namespace

class EventIntakeTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    intake_.Start();
    http_.documents["https://idp.example/keys"] = "k1";
    ASSERT_OK(intake_.Create(app_.As("security/sam"),
                             {.id = "idp",
                              .issuer = "https://idp.example",
                              .audience = "warder",
                              .jwks_url = "https://idp.example/keys",
                              .jwks = ""}));
  }

  // Pushes an event about `id` that happened `ago`.
  EventIntake::Answer Push(const std::string& event, const std::string& id,
                           absl::Duration ago = absl::ZeroDuration(),
                           const std::string& kid = "k1") {
    const int64_t when = absl::ToUnixSeconds(app_.clock.TimeNow() - ago);
    return intake_.Take(
        "idp", WriteJson({{"kid", kid},
                          {"jti", "j"},
                          {"iat", when},
                          {"sub_id", {{"format", "opaque"}, {"id", id}}},
                          {"events",
                           {{kRisc + event, {{"event_timestamp", when}}}}}}));
  }
  domain::OwnerState StateOf(const std::string& id) {
    return app_.owners.Get(app_.As("hr/hook"), OwnerId(id))->state;
  }
  void Own(const std::string& id) {
    CreateOwnerCommand owner;
    owner.id = OwnerId(id);
    ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), owner));
  }

  TestApp app_;
  FakeHttp http_;
  FakeVerifier verifier_;
  EventIntake intake_{app_.runner, app_.users, app_.feeds, http_, verifier_};
};

TEST_F(EventIntakeTest, TheInstantIsThatOfTheEvent) {
  app_.clock.AdvanceTime(absl::Hours(5));
  ASSERT_OK(Push("account-disabled", "alice", absl::Hours(2)).failure);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kDeparted);
  ASSERT_OK_AND_ASSIGN(
      const auto departure,
      app_.departures.Get(app_.As("hr/hook"), OwnerId("alice")));
  EXPECT_EQ(departure.instant, app_.clock.TimeNow() - absl::Hours(2));
  EXPECT_EQ(departure.source, "security-event");
}

TEST_F(EventIntakeTest, ManyAtOnceWaitForAWord) {
  for (int i = 0; i < 30; ++i) Own(absl::StrCat("p", i));
  for (int i = 0; i < 30; ++i) {
    ASSERT_OK(Push("account-purged", absl::StrCat("p", i)).failure);
  }
  EXPECT_EQ(app_.intake.ListHeld(app_.As("hr/hook"))->size(), 27u);
  // The transmitter takes one of them back.
  app_.clock.AdvanceTime(absl::Seconds(5));
  ASSERT_OK(Push("account-enabled", "p20").failure);
  EXPECT_EQ(app_.intake.ListHeld(app_.As("hr/hook"))->size(), 26u);
}

TEST_F(EventIntakeTest, OvertakenAndReplayedWordsChangeNothing) {
  app_.clock.AdvanceTime(absl::Hours(1));
  ASSERT_OK(Push("account-disabled", "gina", absl::Minutes(50)).failure);
  ASSERT_OK(Push("account-enabled", "gina", absl::Minutes(40)).failure);
  Own("gina");
  ASSERT_OK(Push("account-disabled", "gina", absl::Minutes(50)).failure);
  ASSERT_OK(Push("account-disabled", "gina", absl::Minutes(45)).failure);
  EXPECT_EQ(StateOf("gina"), domain::OwnerState::kActive);
  // In one second with the enabling: the worse counts.
  ASSERT_OK(Push("account-disabled", "gina", absl::Minutes(40)).failure);
  EXPECT_EQ(StateOf("gina"), domain::OwnerState::kDeparted);
}

TEST_F(EventIntakeTest, AnEventFromTheFutureIsOfNow) {
  ASSERT_OK(Push("account-disabled", "alice", -absl::Hours(3)).failure);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kDeparted);
}

TEST_F(EventIntakeTest, AStoreThatFailsIsSaidSoThatItComesAgain) {
  app_.fake_store.FailWith(Error(absl::StatusCode::kUnavailable,
                                 Reason::kStoreUnavailable, "disk full"));
  EXPECT_THAT(Push("account-disabled", "alice").failure,
              FailsWith(Reason::kStoreUnavailable));
  app_.fake_store.FailWith(absl::OkStatus());
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kActive);
  ASSERT_OK(Push("account-disabled", "alice").failure);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kDeparted);
}

TEST_F(EventIntakeTest, AnUnknownKeyIsFetchedAndNeverRefusedUnseen) {
  EXPECT_EQ(http_.fetches, 1);
  // Fetched, and not there.
  EXPECT_EQ(Push("account-disabled", "alice", {}, "k2").error,
            SecurityEventError::kInvalidKey);
  EXPECT_EQ(http_.fetches, 2);
  // Within the minute nobody knows; it may be good by now.
  http_.documents["https://idp.example/keys"] = "k2";
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Push("account-disabled", "alice", {}, "k2").failure,
                FailsWith(Reason::kUnreachable, "send it again"));
  }
  EXPECT_EQ(http_.fetches, 2);
  app_.clock.AdvanceTime(absl::Minutes(1));
  ASSERT_OK(Push("account-disabled", "alice", {}, "k2").failure);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kDeparted);
  EXPECT_EQ(http_.fetches, 3);
  app_.clock.AdvanceTime(absl::Minutes(1));
  EXPECT_EQ(Push("account-disabled", "bob", {}, "k1").error,
            SecurityEventError::kInvalidKey);
}

TEST_F(EventIntakeTest, AKeyThatWasDroppedIsBelievedForAnHourAtMost) {
  http_.documents["https://idp.example/keys"] = "k2";
  app_.clock.AdvanceTime(absl::Minutes(61));
  EXPECT_EQ(Push("account-disabled", "alice").error,
            SecurityEventError::kInvalidKey);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kActive);
}

TEST_F(EventIntakeTest, NeitherTheFutureNorAnotherIssuerSpeaks) {
  const int64_t now = absl::ToUnixSeconds(app_.clock.TimeNow());
  const auto push = [&](const std::string& event, int64_t iat, int64_t about,
                        const Json& subject) {
    return intake_.Take(
        "idp", WriteJson({{"kid", "k1"},
                          {"jti", "j"},
                          {"iat", iat},
                          {"sub_id", subject},
                          {"events",
                           {{kRisc + event, {{"event_timestamp", about}}}}}}));
  };
  const Json alice = {{"format", "opaque"}, {"id", "alice"}};
  // Said now of ten years ahead; what is said after it counts all the same.
  EXPECT_EQ(push("account-enabled", now, now + 315360000, alice).error,
            SecurityEventError::kNone);
  EXPECT_EQ(push("account-disabled", now, now - 60,
                 {{"format", "iss_sub"},
                  {"iss", "https://other.example"},
                  {"sub", "alice"}})
                .error,
            SecurityEventError::kInvalidRequest);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kActive);
  app_.clock.AdvanceTime(absl::Seconds(2));
  ASSERT_OK(push("account-disabled", now + 1, now - 60, alice).failure);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kDeparted);
}

TEST_F(EventIntakeTest, ATransmitterIsNoScimFeedOfItsName) {
  domain::User user;
  user.user_name = user.external_id = "bob";
  user.document = "{}";
  user.leave_time = app_.clock.TimeNow() + absl::Hours(24);
  ASSERT_OK(app_.users.Create(app_.As("hr/idp"), user).status());
  ASSERT_OK(Push("account-enabled", "bob").failure);
  ASSERT_OK_AND_ASSIGN(const auto departure,
                       app_.departures.Get(app_.As("hr/hook"), OwnerId("bob")));
  EXPECT_EQ(departure.source, "scim");
  EXPECT_EQ(
      app_.users.List(app_.As("hr/idp"), std::nullopt, nullptr, 0, 9)->total,
      1);
}

TEST_F(EventIntakeTest, EveryAliasFindsTheOwner) {
  const int64_t now = absl::ToUnixSeconds(app_.clock.TimeNow());
  ASSERT_OK(
      intake_
          .Take("idp",
                WriteJson({{"kid", "k1"},
                           {"jti", "j"},
                           {"iat", now},
                           {"sub_id",
                            {{"format", "aliases"},
                             {"identifiers",
                              {{{"format", "opaque"}, {"id", "0oa77"}},
                               {{"format", "email"}, {"email", "alice"}}}}}},
                           {"events",
                            {{absl::StrCat(kRisc, "account-purged"),
                              Json::object()}}}}))
          .failure);
  EXPECT_EQ(StateOf("alice"), domain::OwnerState::kDeparted);
}

TEST_F(EventIntakeTest, OnlyWhatBeatsIsMissedWhenItIsSilent) {
  ASSERT_OK(Push("account-purged", "nobody").failure);
  ASSERT_OK(app_.feeds.Beat());
  EXPECT_TRUE(app_.feeds.ListFeeds(app_.As("hr/hook"))->empty());
  const int64_t now = absl::ToUnixSeconds(app_.clock.TimeNow());
  ASSERT_OK(
      intake_
          .Take("idp", WriteJson({{"kid", "k1"},
                                  {"iat", now},
                                  {"events",
                                   {{"https://schemas.openid.net/secevent/ssf/"
                                     "event-type/verification",
                                     Json::object()}}}}))
          .failure);
  ASSERT_OK(app_.feeds.Beat());
  ASSERT_OK_AND_ASSIGN(const auto feeds,
                       app_.feeds.ListFeeds(app_.As("hr/hook")));
  ASSERT_EQ(feeds.size(), 1u);
  EXPECT_EQ(feeds[0].name, "transmitters/idp");
  // An old word said again is no sign of life.
  app_.clock.AdvanceTime(absl::Hours(30));
  ASSERT_OK(Push("account-purged", "nobody", absl::Hours(30)).failure);
  ASSERT_OK(app_.feeds.Beat());
  EXPECT_TRUE(
      (*app_.feeds.ListFeeds(app_.As("hr/hook")))[0].silent_since.has_value());
}

TEST_F(EventIntakeTest, WhoMayNotAndWhatIsMissingIsRefused) {
  const CreateTransmitterCommand good = {.id = "other",
                                         .issuer = "i",
                                         .audience = "a",
                                         .jwks_url = "",
                                         .jwks = "k"};
  EXPECT_THAT(intake_.Create(app_.As("hr/hook"), good),
              FailsWith(Reason::kPermissionDenied, "feeds.manage"));
  for (const char* field :
       {"transmitter_id", "issuer", "audience", "jwks_url"}) {
    CreateTransmitterCommand bad = good;
    if (*field == 't') bad.id = "A b";
    if (*field == 'i') bad.issuer = "";
    if (*field == 'a') bad.audience = "";
    if (*field == 'j') bad.jwks_url = "https://x.example/";
    EXPECT_THAT(intake_.Create(app_.As("security/sam"), bad),
                FailsWith(Reason::kInvalidField, field));
  }
  EXPECT_THAT(intake_.Take("nobody", "{}").failure,
              FailsWith(Reason::kNotFound, "transmitters/nobody"));
}

TEST(UrlTest, OnlyWhatIsEncryptedOrOnThisMachine) {
  for (const char* good : {"https://x.example", "https://x.example:8443/a?b=c",
                           "http://127.0.0.1/", "http://[::1]:80/",
                           "http://localhost:1/x", "https://[2001:db8::1]/"}) {
    EXPECT_OK(CheckUrl("url", good)) << good;
  }
  for (const char* bad :
       {"", "x.example", "http://x.example", "https://", "https://:443/",
        "https://a@x.example/", "https://x.example/#a", "https://x example/",
        "http://127.0.0.1.evil.example/", "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/", "file:///etc/passwd",
        "HTTP://127.0.0.1/", "https://x.example/\n", "http://[::1].evil/"}) {
    EXPECT_THAT(CheckUrl("url", bad), FailsWith(Reason::kInvalidField, "url"))
        << bad;
  }
}

}  // namespace warder::app
