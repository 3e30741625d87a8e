#include "server/app/subject_identifier.h"

#include "tests/support/status_matchers.h"

namespace warder::app {

using Names = std::vector<std::string>;

absl::StatusOr<Names> Read(const char* text) {
  return ReadSubject("sub_id", *ParseJson(text), "i");
}

TEST(SubjectIdentifierTest, EveryFormatThatNamesAPerson) {
  const std::vector<std::pair<const char*, Names>> cases = {
      {R"({"format":"email","email":"a@b"})", {"a@b"}},
      {R"({"format":"iss_sub","iss":"i","sub":"a"})", {"a"}},
      {R"({"format":"opaque","id":"a"})", {"a"}},
      {R"({"format":"account","uri":"acct:a@b"})", {"a@b"}},
      {R"({"format":"aliases","identifiers":[
          {"format":"email","email":"a@b"},{"format":"opaque","id":"a"}]})",
       {"a@b", "a"}},
      {R"({"format":"complex","user":{"format":"opaque","id":"a"},
          "device":{"format":"opaque","id":"d"}})",
       {"a"}},
      {R"({"user":{"format":"email","email":"a@b"}})", {"a@b"}},
      {R"({"subject_type":"iss-sub","iss":"i","sub":"a"})", {"a"}},
      {R"({"subject_type":"email","email":"a@b"})", {"a@b"}}};
  for (const auto& [text, names] : cases) {
    EXPECT_THAT(Read(text), IsOkAndHolds(names)) << text;
  }
}

TEST(SubjectIdentifierTest, WhatNamesNobodyIsRefusedWithItsPlace) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"7", "sub_id: an object"},
      {"{}", "format \"\""},
      {R"({"format":"email"})", "sub_id.email"},
      {R"({"format":"email","email":""})", "sub_id.email"},
      {R"({"format":"email","email":["a"]})", "sub_id.email"},
      {R"({"format":"iss_sub","iss":"i"})", "sub_id.sub"},
      {R"({"format":"iss_sub","sub":"a"})", "sub_id.iss"},
      {R"({"format":"iss_sub","iss":"other","sub":"a"})", "sub_id.iss"},
      {R"({"format":"account","uri":"mailto:a@b"})", "acct:"},
      {R"({"format":"account","uri":"acct:"})", "acct:"},
      {R"({"format":"phone_number","phone_number":"1"})", "phone_number"},
      {R"({"format":"did","url":"did:x"})", "\"did\""},
      {R"({"format":"aliases","identifiers":[]})", "identifiers"},
      {R"({"format":"aliases","identifiers":[{"format":"aliases",
          "identifiers":[{"format":"opaque","id":"a"}]}]})",
       "identifiers[0]"},
      {R"({"format":"complex","device":{"format":"opaque","id":"d"}})",
       "complex"},
      {R"({"format":"complex","user":{"format":"complex",
          "user":{"format":"opaque","id":"a"}}})",
       "sub_id.user"}};
  for (const auto& [text, why] : cases) {
    EXPECT_THAT(Read(text), FailsWith(Reason::kInvalidField, why)) << text;
  }
  EXPECT_THAT(
      ReadSubject("sub_id",
                  {{"format", "opaque"}, {"id", std::string(257, 'a')}}, "i"),
      FailsWith(Reason::kInvalidField, "256"));
}

}  // namespace warder::app
