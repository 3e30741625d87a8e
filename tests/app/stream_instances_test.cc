#include "server/app/stream_instances.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

class StreamInstancesTest : public testing::Test, public ViewSink {
 protected:
  StreamInstancesTest() {
    gateway_.id = GatewayId("pods");
    gateway_.consumer = "libwarder";
    gateway_.reach = domain::Reach::kStream;
    gateway_.issuers = {IssuerId("shop")};
    app_.MustSetUp();
    EXPECT_OK(app_.store.Mutate(
        [&](Transaction& txn) { return txn.InsertGateway(gateway_); }));
  }
  void Note(const domain::GatewayView& view) override {
    if (noted_.empty() || noted_.back() != view.revision) {
      noted_.push_back(view.revision);
    }
  }
  StreamInstances::Stream MustConnect(const std::string& instance) {
    auto stream = instances_.Connect(gateway_, instance, absl::Minutes(1));
    EXPECT_OK(stream.status());
    return *stream;
  }
  void Acknowledges(const StreamInstances::Stream& stream, int64_t revision) {
    instances_.Acknowledge(stream, IssuerId("shop"), revision);
  }

  TestApp app_;
  domain::Gateway gateway_;
  StreamInstances instances_{app_.store, app_.runner.clock_guard(), *this};
  std::vector<int64_t> noted_;
};

using Noted = std::vector<int64_t>;

TEST_F(StreamInstancesTest, AGatewayEnforcesWhatItsLastProcessDoes) {
  const auto a = MustConnect("a");
  const auto b = MustConnect("b");
  Acknowledges(a, 7);
  EXPECT_EQ(noted_, Noted{});
  Acknowledges(b, 6);
  EXPECT_EQ(noted_, Noted{6});
  Acknowledges(b, 7);
  EXPECT_EQ(noted_, (Noted{6, 7}));
}

TEST_F(StreamInstancesTest, WhoIsCutOffCountsUntilItRefusesByItself) {
  const auto a = MustConnect("a");
  const auto b = MustConnect("b");
  Acknowledges(a, 6);
  Acknowledges(b, 6);
  instances_.Disconnect(b, /*leaving=*/false);
  Acknowledges(a, 7);
  EXPECT_EQ(noted_, Noted{6});
  app_.clock.AdvanceTime(absl::Minutes(1));
  ASSERT_OK(instances_.Tick());
  EXPECT_EQ(noted_, (Noted{6, 7}));
}

TEST_F(StreamInstancesTest, WhenTheLastOneRefusedIsRemembered) {
  const absl::Time start = app_.clock.TimeNow();
  EXPECT_EQ(instances_.RefuseBy(gateway_.id), absl::InfinitePast());
  const auto a = MustConnect("a/1");
  ASSERT_OK(instances_.Tick());
  instances_.Disconnect(a, /*leaving=*/false);
  EXPECT_EQ(instances_.RefuseBy(gateway_.id), start + absl::Minutes(1));
  app_.clock.AdvanceTime(absl::Minutes(5));
  ASSERT_OK(instances_.Tick());
  EXPECT_EQ(instances_.Count(gateway_.id), 0);
  EXPECT_EQ(instances_.RefuseBy(gateway_.id), start + absl::Minutes(1));
  // By the next process, too; it may have been heard of since that was written.
  StreamInstances next(app_.store, app_.runner.clock_guard(), *this);
  ASSERT_OK(next.Load());
  ASSERT_OK(next.Tick());
  EXPECT_EQ(next.Count(gateway_.id), 0);
  EXPECT_EQ(next.RefuseBy(gateway_.id),
            start + absl::Minutes(1) + StreamInstances::kWriteEvery);
  // Not for ever.
  app_.clock.AdvanceTime(StreamInstances::kRemember);
  ASSERT_OK(next.Tick());
  EXPECT_EQ(next.RefuseBy(gateway_.id), absl::InfinitePast());
}

TEST_F(StreamInstancesTest, WhoLeavesCountsNoMore) {
  const auto a = MustConnect("a");
  const auto b = MustConnect("b");
  Acknowledges(a, 7);
  instances_.Disconnect(b, /*leaving=*/true);
  EXPECT_EQ(noted_, Noted{7});
}

TEST_F(StreamInstancesTest, ASecondStreamTakesThePlaceOfTheFirst) {
  const auto first = MustConnect("a");
  Acknowledges(first, 6);
  const auto second = MustConnect("a");
  EXPECT_EQ(instances_.Count(gateway_.id), 1);
  // The first is heard no more, whatever it says.
  EXPECT_THAT(instances_.Heard(first),
              FailsWith(Reason::kConflict, "began; give each process"));
  Acknowledges(first, 7);
  EXPECT_EQ(noted_, Noted{6});
  // Nor does its end take the second with it.
  instances_.Disconnect(first, /*leaving=*/true);
  EXPECT_OK(instances_.Heard(second));
  Acknowledges(second, 7);
  EXPECT_EQ(noted_, (Noted{6, 7}));
}

TEST_F(StreamInstancesTest, AnotherProcessOfTheNameDoesNotEndWhatTheFirstOwes) {
  const auto first = MustConnect("a/1");
  Acknowledges(first, 6);
  instances_.Disconnect(first, /*leaving=*/false);  // or cut off
  const auto second = MustConnect("a/2");
  Acknowledges(second, 7);
  instances_.Disconnect(second, /*leaving=*/true);
  EXPECT_EQ(noted_, Noted{6});
  app_.clock.AdvanceTime(absl::Minutes(1));
  Acknowledges(MustConnect("a/3"), 7);
  ASSERT_OK(instances_.Tick());
  EXPECT_EQ(noted_.back(), 7);
}

TEST_F(StreamInstancesTest, ANewProcessRemembersWhoWasThere) {
  MustConnect("a");
  MustConnect("b");
  ASSERT_OK(instances_.Tick());
  StreamInstances next(app_.store, app_.runner.clock_guard(), *this);
  ASSERT_OK(next.Load());
  EXPECT_EQ(next.Count(gateway_.id), 2);
  ASSERT_OK_AND_ASSIGN(const auto a,
                       next.Connect(gateway_, "a", absl::Minutes(1)));
  next.Acknowledge(a, IssuerId("shop"), 9);
  EXPECT_EQ(noted_, Noted{});  // b may still accept
  app_.clock.AdvanceTime(absl::Minutes(3));
  ASSERT_OK(next.Heard(a));
  ASSERT_OK(next.Tick());
  EXPECT_EQ(noted_, Noted{9});
}

}  // namespace
}  // namespace warder::app
