#include "server/base/utf8.h"

#include <gtest/gtest.h>

namespace warder {
namespace {

TEST(Utf8Test, WhatIsNoneIsTold) {
  for (const char* good : {"", "plain", "caf\xc3\xa9", "\xf0\x9f\x94\x91"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad : {"\xff", "caf\xe9", "\xc3", "\xed\xa0\x80"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Utf8Test, ACharacterIsWholeOrLeftOut) {
  EXPECT_EQ(Utf8Prefix("plain", 10), "plain");
  EXPECT_EQ(Utf8Prefix("plain", 3), "pla");
  EXPECT_EQ(Utf8Prefix("caf\xc3\xa9s", 5), "caf\xc3\xa9");
  EXPECT_EQ(Utf8Prefix("caf\xc3\xa9s", 4), "caf");
  EXPECT_EQ(Utf8Prefix("\xf0\x9f\x94\x91", 3), "");
  EXPECT_EQ(Utf8Prefix("caf\xe9", 2), "");
}

}  // namespace
}  // namespace warder
