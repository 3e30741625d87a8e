#include "server/app/subject_identifier.h"

#include "tests/support/status_matchers.h"

namespace warder::app {

absl::StatusOr<EventSubject> Read(const char* text) {
  return ReadSubject("sub_id", *ParseJson(text));
}

TEST(SubjectIdentifierTest, EveryFormatThatNamesAPerson) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {R"({"format":"email","email":"a@b"})", "a@b"},
      {R"({"format":"iss_sub","iss":"i","sub":"a"})", "a"},
      {R"({"format":"opaque","id":"a"})", "a"},
      {R"({"format":"account","uri":"acct:a@b"})", "a@b"},
      {R"({"format":"account","uri":"acct:a"})", "a"},
      {R"({"format":"aliases","identifiers":[
          {"format":"email","email":"a@b"},{"format":"opaque","id":"a"}]})",
       "a"},
      {R"({"format":"complex","user":{"format":"opaque","id":"a"},
          "device":{"format":"opaque","id":"d"}})",
       "a"},
      {R"({"user":{"format":"email","email":"a@b"}})", "a@b"},
      {R"({"subject_type":"iss-sub","iss":"i","sub":"a"})", "a"},
      {R"({"subject_type":"email","email":"a@b"})", "a@b"}};
  for (const auto& [text, name] : cases) {
    ASSERT_OK_AND_ASSIGN(const EventSubject subject, Read(text));
    EXPECT_EQ(subject.name(), name) << text;
  }
  EXPECT_EQ(Read(cases[5].first)->emails, std::vector<std::string>{"a@b"});
}

TEST(SubjectIdentifierTest, WhatNamesNobodyIsRefusedWithItsPlace) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"7", "sub_id: an object"},
      {"{}", "format \"\""},
      {R"({"format":"email"})", "sub_id.email"},
      {R"({"format":"email","email":""})", "sub_id.email"},
      {R"({"format":"email","email":["a"]})", "sub_id.email"},
      {R"({"format":"iss_sub","iss":"i"})", "sub_id.sub"},
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
  EXPECT_THAT(ReadSubject("sub_id", {{"format", "opaque"},
                                     {"id", std::string(257, 'a')}}),
              FailsWith(Reason::kInvalidField, "256"));
}

}  // namespace warder::app
