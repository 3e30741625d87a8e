#include "server/app/event_dispatcher.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/app/subscription_manager.h"
#include "tests/support/fake_outbound.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::Delivery;
using Told = std::vector<std::string>;

class EventDispatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    Subscribe("siem", "https://siem.example/hook");
  }

  void Subscribe(const std::string& id, const std::string& url) {
    CreateSubscriptionCommand command;
    command.id = id;
    command.url = url;
    command.actions = {"owner.*"};
    ASSERT_OK(subscriptions_.Create(app_.As("security/sam"), command));
  }
  void Own(const std::string& id) {
    CreateOwnerCommand owner;
    owner.id = OwnerId(id);
    ASSERT_OK(app_.owners.Create(app_.As("hr/hook"), owner));
  }
  void Rename(const std::string& id, const std::string& name) {
    UpdateOwnerCommand owner;
    owner.id = OwnerId(id);
    owner.display_name = name;
    ASSERT_OK(app_.owners.Update(app_.As("hr/hook"), owner));
  }
  std::vector<Delivery> Waiting(bool dead_letters = false) {
    return *subscriptions_.ListDeliveries(app_.As("auditor/ann"), "siem",
                                          dead_letters);
  }
  // Resources of what was taken, in the order it came.
  Told Taken() {
    Told taken;
    for (const FakeHttp::Request& request : http_.requests) {
      if (request.status / 100 != 2) continue;
      const Json body = *ParseJson(request.body);
      taken.push_back(body["data"]["resource"].get<std::string>());
    }
    return taken;
  }
  // Delivers for this long.
  void Run(absl::Duration span) {
    const absl::Time end = app_.clock.TimeNow() + span;
    while (true) {
      const absl::Time next = dispatcher_.Deliver("siem");
      if (next > end) return app_.clock.AdvanceTime(end - app_.clock.TimeNow());
      if (next > app_.clock.TimeNow()) {
        app_.clock.AdvanceTime(next - app_.clock.TimeNow());
      }
    }
  }

  TestApp app_;
  FakeHttp http_;
  FakeSecrets secrets_;
  SubscriptionManager subscriptions_{app_.runner, app_.random, secrets_};
  EventMessages messages_{app_.publisher, app_.signer, secrets_};
  EventDispatcher dispatcher_{app_.runner,
                              messages_,
                              http_,
                              {.first_retry = absl::Seconds(1),
                               .longest_retry = absl::Minutes(1),
                               .give_up = absl::Hours(2)}};
};

TEST_F(EventDispatcherTest, WhatHappensIsToldOnceAndSigned) {
  Own("dora");
  Run(absl::Minutes(1));
  Run(absl::Minutes(1));
  ASSERT_EQ(Taken(), Told{"owners/dora"});
  const FakeHttp::Request& request = http_.requests[0];
  EXPECT_EQ(request.url, "https://siem.example/hook");
  const int64_t sequence =
      (*ParseJson(request.body))["data"]["sequence"].get<int64_t>();
  const auto has = [&](const std::string& line) {
    return std::find(request.headers.begin(), request.headers.end(), line) !=
           request.headers.end();
  };
  EXPECT_TRUE(has(absl::StrCat("webhook-id: evt_", sequence)));
  EXPECT_TRUE(has("Content-Type: application/json"));
  EXPECT_TRUE(Waiting().empty());
}

TEST_F(EventDispatcherTest, WhatFailsIsTriedAfterLongerAndLongerPauses) {
  http_.answer = [](const auto&) { return 500; };
  Own("dora");
  const absl::Time start = app_.clock.TimeNow();
  std::vector<int64_t> seconds;
  http_.after = [&] {
    seconds.push_back(absl::ToInt64Seconds(app_.clock.TimeNow() - start));
  };
  Run(absl::Minutes(5));
  http_.after = nullptr;
  EXPECT_EQ(seconds,
            (std::vector<int64_t>{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}));
  EXPECT_FALSE(Waiting().empty());
  EXPECT_EQ(Waiting()[0].attempts, std::ssize(http_.requests));
  http_.answer = nullptr;
  Run(absl::Minutes(2));
  EXPECT_EQ(Taken(), Told{"owners/dora"});
}

TEST_F(EventDispatcherTest, OneOwnersFailureHoldsUpNoOther) {
  http_.answer = [](const FakeHttp::Request& request) {
    return absl::StrContains(request.body, "owners/dora") ? 500 : 200;
  };
  Own("dora");
  for (int i = 0; i < 300; ++i) Rename("dora", absl::StrCat(i));
  Own("emil");
  Run(absl::Minutes(10));
  EXPECT_EQ(Taken(), Told{"owners/emil"});
  EXPECT_EQ(Waiting().size(), 301u);
  http_.answer = nullptr;
  http_.requests.clear();
  Run(absl::Minutes(2));
  EXPECT_EQ(Taken().size(), 301u);
  int64_t last = 0;
  for (const auto& request : http_.requests) {
    const int64_t sequence =
        (*ParseJson(request.body))["data"]["sequence"].get<int64_t>();
    EXPECT_GT(sequence, last);
    last = sequence;
  }
}

TEST_F(EventDispatcherTest, AReceiverThatCannotBeReachedIsNotHammered) {
  http_.answer = [](const auto&) { return 0; };  // no connection
  for (int i = 0; i < 50; ++i) Own(absl::StrCat("p", i));
  Run(absl::Minutes(5));
  EXPECT_LE(http_.requests.size(), 22u);  // two for each pause
  http_.answer = nullptr;
  Run(absl::Minutes(3));
  EXPECT_EQ(Taken().size(), 50u);
}

TEST_F(EventDispatcherTest, WhatIsRefusedForGoodOrTooLongIsADeadLetter) {
  http_.answer = [](const FakeHttp::Request& request) {
    if (absl::StrContains(request.body, "owners/dora")) return 400;
    return absl::StrContains(request.body, "owners/emil") ? 404 : 200;
  };
  Own("dora"), Own("emil"), Rename("dora", "D");
  http_.answer_body = R"({"err":"invalid_key","description":"my secret"})";
  Run(absl::Minutes(10));
  EXPECT_EQ(Waiting(/*dead_letters=*/true).size(), 0u);
  EXPECT_EQ(Waiting().size(), 3u);
  Run(absl::Minutes(55));
  ASSERT_EQ(Waiting(/*dead_letters=*/true).size(), 1u);
  // Of the answer nothing is kept that may be somebody's secret.
  EXPECT_EQ(Waiting(/*dead_letters=*/true)[0].error,
            "the receiver answered 400 (invalid_key)");
  Run(absl::Hours(2));
  ASSERT_EQ(Waiting(/*dead_letters=*/true).size(), 3u);

  http_.answer = nullptr;
  const int64_t first = Waiting(/*dead_letters=*/true)[0].sequence;
  EXPECT_THAT(subscriptions_.Retry(app_.As("security/sam"), "siem", {first, 1}),
              FailsWith(Reason::kNotFound, "deliveries/1"));
  EXPECT_EQ(*subscriptions_.Drop(app_.As("security/sam"), "siem", {first}), 1);
  EXPECT_EQ(*subscriptions_.Retry(app_.As("security/sam"), "siem", {}), 2);
  Run(absl::Minutes(1));
  EXPECT_EQ(Taken(), (Told{"owners/emil", "owners/dora"}));
}

TEST_F(EventDispatcherTest, ABusyAnswerToOneEventHoldsUpNoOther) {
  http_.answer = [](const FakeHttp::Request& request) {
    return absl::StrContains(request.body, "owners/dora") ? 503 : 200;
  };
  Own("dora");
  Run(absl::Minutes(3));
  Own("emil");
  Run(absl::Seconds(1));
  EXPECT_EQ(Taken(), Told{"owners/emil"});
}

TEST_F(EventDispatcherTest, ABlipOfRefusalKillsNothing) {
  http_.answer = [](const auto&) { return 500; };
  Own("dora");
  Run(absl::Minutes(90));
  http_.answer = [&](const auto&) {
    return http_.requests.size() % 2 == 0 ? 400 : 502;
  };
  Run(absl::Minutes(25));
  EXPECT_TRUE(Waiting(/*dead_letters=*/true).empty());
}

TEST_F(EventDispatcherTest, AnotherSubscriptionOfTheNameBeginsAnew) {
  http_.answer = [](const auto&) { return 0; };
  Own("dora"), Own("emil");
  Run(absl::Minutes(10));
  ASSERT_OK(subscriptions_.Delete(app_.As("security/sam"), "siem"));
  http_.answer = nullptr;
  Subscribe("siem", "https://other.example/");
  Own("fred");
  Run(absl::Seconds(1));
  EXPECT_EQ(Taken(), Told{"owners/fred"});
}

TEST_F(EventDispatcherTest, WhoMayNotManageSeesOriginsAlone) {
  const auto url = [&](const char* who) {
    return (*subscriptions_.List(app_.As(who)))[0].subscription.url;
  };
  EXPECT_EQ(url("auditor/ann"), "https://siem.example");
  EXPECT_EQ(url("security/sam"), "https://siem.example/hook");
  for (const auto& event : app_.Events()) {
    EXPECT_FALSE(absl::StrContains(event.detail, "/hook"));
  }
}

TEST_F(EventDispatcherTest, AStoreThatFailsAfterTheTellingTellsAgain) {
  Own("dora");
  http_.after = [&] {
    app_.fake_store.FailWith(Error(absl::StatusCode::kUnavailable,
                                   Reason::kStoreUnavailable, "disk full"));
  };
  dispatcher_.Deliver("siem");
  http_.after = nullptr;
  app_.fake_store.FailWith(absl::OkStatus());
  Run(absl::Minutes(1));
  EXPECT_EQ(Taken(), (Told{"owners/dora", "owners/dora"}));
  EXPECT_EQ(http_.requests[0].headers[1], http_.requests[1].headers[1]);
}

TEST_F(EventDispatcherTest, WhatHappenedBeforeASubscriptionIsNotTold) {
  Own("dora");
  ASSERT_OK(subscriptions_.Delete(app_.As("security/sam"), "siem"));
  EXPECT_EQ(dispatcher_.Deliver("siem"), absl::InfiniteFuture());
  Subscribe("siem", "https://other.example/");
  Own("emil");
  Run(absl::Minutes(1));
  EXPECT_EQ(Taken(), Told{"owners/emil"});
}

TEST_F(EventDispatcherTest, AClockThatJumpsKillsNoLetter) {
  http_.answer = [](const auto&) { return 500; };
  Own("dora");
  Run(absl::Seconds(10));
  app_.clock.SetTime(app_.clock.TimeNow() + absl::Hours(24));
  for (int i = 0; i < 100; ++i) {
    dispatcher_.Deliver("siem");
    app_.clock.AdvanceTime(absl::Seconds(1));
  }
  EXPECT_TRUE(Waiting(/*dead_letters=*/true).empty());
  app_.clock.SetTime(app_.clock.TimeNow() - absl::Hours(24));
  http_.answer = nullptr;
  Run(absl::Minutes(2));
  EXPECT_EQ(Taken(), Told{"owners/dora"});
}

TEST_F(EventDispatcherTest, ThreadsComeAndGoWithSubscriptions) {
  dispatcher_.Start();
  app_.runner.SetWaker([&] { dispatcher_.Wake(); });
  Own("dora");
  const auto wait_for = [&](auto done) {
    for (int i = 0; i < 5000 && !done(); ++i)
      absl::SleepFor(absl::Milliseconds(1));
    return done();
  };
  EXPECT_TRUE(wait_for([&] { return http_.count() == 1; }));
  Subscribe("second", "https://second.example/");
  Own("emil");
  EXPECT_TRUE(wait_for([&] { return http_.count() == 3; }));
  ASSERT_OK(subscriptions_.Delete(app_.As("security/sam"), "second"));
  Subscribe("second", "https://third.example/");
  Own("fred");
  EXPECT_TRUE(wait_for([&] { return http_.count() == 5; }));
  dispatcher_.Stop();
}

}  // namespace warder::app
