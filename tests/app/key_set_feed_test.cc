#include "server/app/key_set_feed.h"

#include "absl/strings/str_replace.h"
#include "server/app/stream_instances.h"
#include "server/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

GatewayPtr Lib(std::vector<IssuerId> issuers = {IssuerId("shop")}) {
  auto gateway = std::make_shared<domain::Gateway>();
  gateway->id = GatewayId("lib");
  gateway->consumer = "libwarder";
  gateway->reach = domain::Reach::kStream;
  gateway->issuers = std::move(issuers);
  return gateway;
}

class KeySetFeedTest : public testing::Test {
 protected:
  KeySetFeedTest() {
    app_.MustSetUp();
    app_.publisher.SetListener(
        [this](const IssuerId& issuer) { feed_.Published(issuer); });
  }
  WatcherPtr MustWatch(std::map<std::string, std::string> known = {},
                       std::vector<IssuerId> issuers = {IssuerId("shop")}) {
    WatcherPtr watcher = feed_.Make(
        Lib(std::move(issuers)), std::move(known), absl::Minutes(5),
        [this] { ++woken_; }, [this] { return health_; });
    EXPECT_OK(feed_.Watch(watcher));
    return watcher;
  }
  // Begins and ends writes until nothing waits; returns the revisions sent, -1
  // for a heartbeat.
  static std::vector<int64_t> Drain(Watcher& watcher) {
    std::vector<int64_t> sent;
    while (const auto message = watcher.Begin()) {
      sent.push_back(message->key_set ? message->key_set->revision : -1);
      watcher.End();
    }
    return sent;
  }
  std::string fingerprint() {
    return FingerprintOf(*app_.publisher.Find("shop"), /*classic=*/false);
  }
  int64_t revision() { return app_.publisher.Find("shop")->revision; }
  void MustRotate() {
    RotateKeyCommand command;
    command.issuer = IssuerId("shop");
    command.immediate = true;
    ASSERT_OK(app_.issuers.Rotate(app_.As("security/sam"), command).status());
  }

  TestApp app_;
  KeySetFeed feed_{app_.publisher, app_.clock};
  int woken_ = 0;
  absl::Status health_;
};

using Sent = std::vector<int64_t>;

TEST_F(KeySetFeedTest, FirstTheSetThenAHeartbeatThenEachChange) {
  const WatcherPtr watcher = MustWatch();
  EXPECT_EQ(Drain(*watcher), (Sent{revision(), -1}));
  feed_.Tick();
  woken_ = 0;
  Drain(*watcher);
  MustRotate();
  feed_.Tick();
  EXPECT_GE(woken_, 1);
  EXPECT_EQ(Drain(*watcher).front(), revision());
}

TEST_F(KeySetFeedTest, WhoHoldsAnotherSetOfThatRevisionIsSentWhatHolds) {
  const std::string other = absl::StrReplaceAll(fingerprint(), {{"\"", "x"}});
  const WatcherPtr watcher = MustWatch({{"shop", other}});
  EXPECT_EQ(watcher->RevisionOf("shop", other), std::nullopt);
  EXPECT_EQ(Drain(*watcher), (Sent{revision(), -1}));
  EXPECT_EQ(watcher->RevisionOf("shop", fingerprint()), revision());
}

TEST_F(KeySetFeedTest, ALongerTokenLifetimeIsToldThoughNoKeyChanged) {
  const WatcherPtr watcher = MustWatch();
  Drain(*watcher);
  UpdateIssuerCommand command;
  command.id = IssuerId("shop");
  command.policy.emplace();
  command.policy->max_token_lifetime += absl::Minutes(1);
  ASSERT_OK(app_.issuers.Update(app_.As("security/sam"), command).status());
  feed_.Tick();
  EXPECT_EQ(Drain(*watcher).front(), revision());
}

TEST_F(KeySetFeedTest, WhoResumesIsNotToldAgain) {
  const WatcherPtr watcher = MustWatch({{"shop", fingerprint()}});
  EXPECT_EQ(Drain(*watcher), Sent{-1});
  MustRotate();
  feed_.Tick();
  EXPECT_EQ(Drain(*watcher).front(), revision());
}

TEST_F(KeySetFeedTest, WhoIsSlowGetsTheNewestAndNothingElse) {
  const WatcherPtr slow = MustWatch();
  const auto first = slow->Begin();  // and never ends
  ASSERT_TRUE(first.has_value());
  const WatcherPtr quick = MustWatch();
  Drain(*quick);
  for (int i = 0; i < 3; ++i) {
    MustRotate();
    feed_.Tick();
    EXPECT_EQ(Drain(*quick).front(), revision());
    EXPECT_FALSE(slow->Begin().has_value());
  }
  slow->End();
  EXPECT_EQ(Drain(*slow).front(), revision());
  EXPECT_FALSE(slow->Begin().has_value());
}

TEST_F(KeySetFeedTest, ManyAreToldBeforeAnyOfThemAnswers) {
  const auto within = [this](const std::vector<WatcherPtr>& watchers) {
    for (const WatcherPtr& watcher : watchers) Drain(*watcher);
    MustRotate();
    feed_.Tick();
    return watchers.front()->Begin()->acknowledge_within;
  };
  EXPECT_EQ(within({MustWatch()}), absl::ZeroDuration());
  std::vector<WatcherPtr> many;
  for (size_t i = 0; i < KeySetFeed::kMany; ++i) many.push_back(MustWatch());
  EXPECT_GE(within(many),
            KeySetFeed::kForEach * static_cast<int64_t>(KeySetFeed::kMany));
}

TEST_F(KeySetFeedTest, OneGatewayDoesNotTakeThePlacesOfOthers) {
  std::vector<WatcherPtr> many;
  while (many.size() < KeySetFeed::kMostWatchersOfOneGateway) {
    many.push_back(MustWatch());
  }
  const auto watch = [this](const char* gateway) {
    auto of = std::make_shared<domain::Gateway>(*Lib());
    of->id = GatewayId(gateway);
    return feed_.Watch(feed_.Make(
        of, {}, absl::Minutes(5), [] {}, [] { return absl::OkStatus(); }));
  };
  EXPECT_THAT(watch("lib"), FailsWith(Reason::kUnreachable, "gateways/lib"));
  EXPECT_OK(watch("other"));
  feed_.Unwatch(many.back());
  EXPECT_OK(watch("lib"));
}

TEST_F(KeySetFeedTest, SilenceEndsAWatcherAfterThreeIntervals) {
  const WatcherPtr watcher = MustWatch();
  Drain(*watcher);
  const auto pass = [&](absl::Duration time) {
    for (absl::Duration t; t < time; t += absl::Seconds(1)) {
      app_.clock.AdvanceTime(absl::Seconds(1));
      feed_.Tick();
      Drain(*watcher);
    }
  };
  pass(absl::Seconds(25));
  EXPECT_FALSE(watcher->closed());
  watcher->Heard();
  pass(absl::Seconds(25));
  EXPECT_FALSE(watcher->closed());
  pass(absl::Seconds(20));
  EXPECT_THAT(*watcher->closed(), FailsWith(Reason::kUnreachable, "heard"));
}

TEST_F(KeySetFeedTest, WhoNeverReadsIsEndedThoughHeTalks) {
  const WatcherPtr watcher = MustWatch();
  ASSERT_TRUE(watcher->Begin().has_value());
  for (int i = 0; i < 45; ++i) {
    app_.clock.AdvanceTime(absl::Seconds(1));
    watcher->Heard();
    feed_.Tick();
  }
  ASSERT_TRUE(watcher->closed().has_value());
  EXPECT_THAT(*watcher->closed(), FailsWith(Reason::kUnreachable, "read"));
  EXPECT_TRUE(watcher->writing());
}

TEST_F(KeySetFeedTest, WhoMayNotGoOnIsEndedAtTheNextHeartbeat) {
  const WatcherPtr watcher = MustWatch();
  health_ = Error(absl::StatusCode::kAborted, Reason::kConflict, "changed");
  for (int i = 0; i < 11; ++i) {
    app_.clock.AdvanceTime(absl::Seconds(1));
    feed_.Tick();
  }
  EXPECT_THAT(*watcher->closed(), FailsWith(Reason::kConflict));
  feed_.Unwatch(watcher);
  EXPECT_EQ(feed_.size(), 0u);
}

TEST_F(KeySetFeedTest, OnlyOneCallerFinishes) {
  const WatcherPtr watcher = MustWatch();
  EXPECT_TRUE(watcher->Begin().has_value());
  EXPECT_FALSE(watcher->Close(absl::CancelledError("first")));
  EXPECT_FALSE(watcher->Close(absl::CancelledError("second")));
  EXPECT_EQ(watcher->closed()->message(), "first");
  watcher->End();
  EXPECT_FALSE(watcher->Begin().has_value());
}

}  // namespace
}  // namespace warder::app
