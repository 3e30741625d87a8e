// IsOk, IsOkAndHolds, StatusIs: shaped like Abseil's. There is no "not ok":
// name the error you expect.
#ifndef WARDER_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define WARDER_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/error.h"

namespace warder {

inline const absl::Status& GetStatus(const absl::Status& s) { return s; }
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& s) {
  return s.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << GetStatus(arg).ToString();
  return GetStatus(arg).ok();
}

MATCHER_P(IsOkAndHolds, value, "") {
  *result_listener << arg.status().ToString();
  return arg.ok() && *arg == value;
}

MATCHER_P(StatusIs, code, "") {
  *result_listener << GetStatus(arg).ToString();
  return GetStatus(arg).code() == code;
}

// By Reason, the finer one.
MATCHER_P(FailsWith, reason, "") {
  *result_listener << GetStatus(arg).ToString();
  return ReasonOf(GetStatus(arg)) == ReasonName(reason);
}

// By Reason and part of the message.
MATCHER_P2(FailsWith, reason, text, "") {
  *result_listener << GetStatus(arg).ToString();
  return ReasonOf(GetStatus(arg)) == ReasonName(reason) &&
         std::string(GetStatus(arg).message()).find(text) != std::string::npos;
}

}  // namespace warder

#define ASSERT_OK(expr) ASSERT_THAT((expr), ::warder::IsOk())
#define EXPECT_OK(expr) EXPECT_THAT((expr), ::warder::IsOk())
#define WARDER_TEST_CONCAT_(a, b) a##b
#define WARDER_TEST_CONCAT(a, b) WARDER_TEST_CONCAT_(a, b)
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_(WARDER_TEST_CONCAT(or_, __COUNTER__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_(tmp, lhs, expr) \
  auto tmp = (expr);                          \
  ASSERT_THAT(tmp, ::warder::IsOk());         \
  lhs = *std::move(tmp)

#endif  // WARDER_TESTS_SUPPORT_STATUS_MATCHERS_H_
