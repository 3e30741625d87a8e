#include "server/app/denial_log.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

using testing::HasSubstr;

class DenialLogTest : public testing::Test {
 protected:
  DenialLogTest() { app_.MustSetUp(); }
  void BeDenied(int times, const std::string& who = "gateway/edge") {
    for (int i = 0; i < times; ++i) {
      EXPECT_THAT(app_.owners.List(app_.As(who), {}),
                  FailsWith(Reason::kPermissionDenied));
    }
  }
  size_t Count() { return app_.Events().size(); }
  TestApp app_;
};

TEST_F(DenialLogTest, AFewAreWrittenEachAndManyAreCounted) {
  const size_t before = Count();
  BeDenied(DenialLog::kEach);
  EXPECT_EQ(Count(), before + DenialLog::kEach);
  BeDenied(1000);
  EXPECT_EQ(Count(), before + DenialLog::kEach);
  app_.clock.AdvanceTime(absl::Minutes(1));
  BeDenied(1);
  const auto events = app_.Events();
  ASSERT_EQ(events.size(), before + DenialLog::kEach + 2);
  const auto& counted = events[events.size() - 2];
  EXPECT_EQ(counted.action, "denials.counted");
  EXPECT_EQ(counted.actor, "gateway/edge");
  EXPECT_TRUE(counted.denied);
  EXPECT_THAT(counted.detail, HasSubstr("\"count\":1000"));
}

TEST_F(DenialLogTest, OneCallersManyHideNobodyElses) {
  BeDenied(1000);
  const size_t before = Count();
  BeDenied(1, "gateway/other");
  EXPECT_EQ(Count(), before + 1);
}

TEST_F(DenialLogTest, TheLoopWritesWhatWasCountedOnceTheMinuteIsOver) {
  BeDenied(DenialLog::kEach + 5);
  app_.clock.AdvanceTime(absl::Seconds(59));
  app_.loop.Tick();
  EXPECT_NE(app_.Events().back().action, "denials.counted");
  app_.clock.AdvanceTime(absl::Seconds(16));
  app_.loop.Tick();
  EXPECT_EQ(app_.Events().back().action, "denials.counted");
  EXPECT_THAT(app_.Events().back().detail, HasSubstr("\"count\":5"));
}

}  // namespace warder::app
