#include "server/app/key_usage.h"

#include <numeric>

#include "absl/strings/match.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

class KeyUsageTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    // A window of which the ledger lacks nothing.
    app_.clock.AdvanceTime(absl::Minutes(20));
    minute_ = ledger::MinuteOf(app_.clock.TimeNow());
  }
  KeyId Sign(int count) {
    SignJwtCommand command;
    command.issuer = IssuerId("shop");
    command.audiences = {"api"};
    KeyId key;
    for (int i = 0; i < count; ++i) {
      auto token = app_.signer.Sign(app_.As("signer/checkout"), command);
      EXPECT_OK(token.status());
      if (token.ok()) key = token->key;
    }
    return key;
  }
  // `count` different tokens, from `first` on.
  void Observe(const KeyId& key, size_t count, uint64_t first = 1) {
    std::vector<uint64_t> digests(count);
    std::iota(digests.begin(), digests.end(), first);
    usage_.Observe(IssuerId("shop"), key.value(), minute_, digests);
  }
  std::vector<domain::AlarmEvent> Excess() {
    return usage_.FindExcess(app_.clock.TimeNow());
  }

  TestApp app_;
  KeyUsage usage_{app_.runner, *app_.ledger, app_.signer_usage};
  uint32_t minute_ = 0;
};

TEST_F(KeyUsageTest, WhatWasSignedIsBesideWhatWasSeen) {
  const KeyId key = Sign(5);
  Observe(key, 3);
  Observe(key, 3);  // by another gateway
  ASSERT_OK_AND_ASSIGN(
      const KeyUsageReport report,
      usage_.Get(app_.As("auditor/ann"), IssuerId("shop"), key));
  ASSERT_EQ(report.windows.size(), size_t{KeyUsage::kWindows});
  const KeyUsageWindow& last = report.windows.back();
  EXPECT_EQ(last.issued, 5u);
  EXPECT_EQ(last.observed, 3u);
  EXPECT_TRUE(last.exact);
  EXPECT_TRUE(last.complete);
  EXPECT_EQ(report.windows.front().issued, 0u);
  EXPECT_FALSE(report.windows.front().complete);  // before the ledger
  EXPECT_EQ(report.signers, (std::map<std::string, int64_t>{{"checkout", 5}}));
}

TEST_F(KeyUsageTest, MoreSeenThanSignedIsAnAlarmOnceAWindow) {
  const KeyId key = Sign(5);
  Observe(key, 5);
  EXPECT_TRUE(Excess().empty());
  Observe(key, 6);
  const auto events = Excess();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, domain::AlarmKind::kExcess);
  EXPECT_EQ(events[0].kid, key.value());
  EXPECT_TRUE(absl::StrContains(events[0].evidence, R"("observed":6)"));
  Observe(key, 9);
  EXPECT_TRUE(Excess().empty());
  // A window that the ledger may lack some of says nothing.
  minute_ -= 60;
  Observe(key, 100);
  EXPECT_TRUE(Excess().empty());
}

TEST_F(KeyUsageTest, AnEstimateIsGivenFourStandardErrors) {
  const KeyId key = Sign(3000);
  Observe(key, 3000);
  EXPECT_TRUE(Excess().empty());
  Observe(key, 3300);
  EXPECT_EQ(Excess().size(), 1u);
}

TEST_F(KeyUsageTest, WhoMayReadTheKeyMayReadItsBooks) {
  const KeyId key = Sign(1);
  const auto get = [&](const char* who, const KeyId& which) {
    return usage_.Get(app_.As(who), IssuerId("shop"), which).status();
  };
  EXPECT_OK(get("security/sam", key));
  EXPECT_OK(get("owner/alice", key));
  EXPECT_THAT(get("owner/bob", key), FailsWith(Reason::kNotFound));
  EXPECT_THAT(get("signer/checkout", key),
              FailsWith(Reason::kPermissionDenied));
  EXPECT_THAT(get("security/sam", KeyId("none")), FailsWith(Reason::kNotFound));
}

}  // namespace
}  // namespace warder::app
