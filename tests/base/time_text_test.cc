#include "server/base/time_text.h"

#include "tests/support/status_matchers.h"

namespace warder {

TEST(TimeTextTest, DurationsComeBack) {
  for (const char* text :
       {"30d", "1d12h", "45s", "250ms", "1h30m", "0", "1000000d"}) {
    ASSERT_OK_AND_ASSIGN(const absl::Duration span, ParseDuration(text));
    ASSERT_OK_AND_ASSIGN(const absl::Duration again,
                         ParseDuration(DurationText(span)));
    EXPECT_EQ(span, again) << text;
  }
  EXPECT_EQ(DurationText(absl::Hours(36)), "1d12h");
}

TEST(TimeTextTest, NonsenseIsRefused) {
  for (const char* bad : {"", "d", "-1d", "5", "inf", "1w", "1d-3h", "xd",
                          "1000001d", "1000000d1ns", "1d77767777777h"}) {
    EXPECT_THAT(ParseDuration(bad), FailsWith(Reason::kInvalidField)) << bad;
  }
  EXPECT_THAT(ParseTime("tomorrow"), FailsWith(Reason::kInvalidField));
  ASSERT_OK_AND_ASSIGN(const absl::Time at,
                       ParseTime("2026-12-31T23:59:59+01:00"));
  EXPECT_EQ(TimeText(at), "2026-12-31T22:59:59Z");
}

}  // namespace warder
