#include "server/base/strict_json.h"

#include "tests/support/status_matchers.h"

namespace warder {

TEST(StrictJsonTest, WritesSortedAndWithoutSpace) {
  ASSERT_OK_AND_ASSIGN(const Json value,
                       ParseJson(R"( {"b": [1, 2.5, "x"], "a": null} )"));
  EXPECT_EQ(WriteJson(value), R"({"a":null,"b":[1,2.5,"x"]})");
}

TEST(StrictJsonTest, WhatParsersDisagreeAboutIsRefused) {
  for (const char* bad :
       {"", "{", R"({"a":1,"a":2})", R"({"a":{"b":1,"b":1}})", "{} x", "[1,]",
        "{'a':1}", "nul", "\"\xff\"", "1e999", R"({"a":01})", "[1] [2]"}) {
    EXPECT_THAT(ParseJson(bad), FailsWith(Reason::kInvalidField)) << bad;
  }
}

TEST(StrictJsonTest, DepthAndSizeAreBounded) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_OK(ParseJson(nested(16)));
  EXPECT_THAT(ParseJson(nested(17)), FailsWith(Reason::kInvalidField, "16"));
  EXPECT_THAT(ParseJson(nested(100000), {.max_bytes = 1 << 20}),
              FailsWith(Reason::kInvalidField));
  EXPECT_THAT(ParseJson("[1,2]", {.max_bytes = 4}),
              FailsWith(Reason::kInvalidField, "at most 4"));
}

TEST(StrictJsonTest, DuplicateNamesAreNamed) {
  EXPECT_THAT(ParseJson(R"({"exp":1,"exp":2})"),
              FailsWith(Reason::kInvalidField, "\"exp\""));
}

TEST(StrictJsonTest, TextWrittenAtOnceIsWhatTheTreeWouldBe) {
  for (const char* text : {"", "plain", "a \"quoted\" word", "back\\slash",
                           "line\nend", "\x7f", "gr\xc3\xbc\xc3\x9f", "\xff"}) {
    EXPECT_EQ(JsonQuoted(text), WriteJson(text)) << text;
    const JsonMember members[] = {{"a", text}, {"b", "x"}};
    EXPECT_EQ(WriteJsonMembers(members), WriteJson({{"a", text}, {"b", "x"}}));
  }
  EXPECT_EQ(WriteJsonMembers({}), "{}");
}

}  // namespace warder
