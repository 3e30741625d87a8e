#include "absl/strings/str_cat.h"
#include "server/http/scim/discovery.h"
#include "server/http/scim/document.h"
#include "server/http/scim/error.h"
#include "server/http/scim/filter.h"
#include "server/http/scim/patch.h"
#include "tests/support/status_matchers.h"

namespace warder::http::scim {

Json Ann() {
  return *ParseJson(R"({"userName":"ann","active":true,
    "name":{"givenName":"Ann","familyName":"A"},
    "emails":[{"type":"work","value":"ann@corp"},
              {"type":"home","value":"ann@home"}],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
      {"department":"Keys"},"meta":{"created":"2026-01-02T00:00:00Z"}})");
}

bool Matches(const std::string& text) {
  const auto filter = Filter::Parse(text);
  EXPECT_OK(filter.status()) << text;
  return filter.ok() && filter->Matches(Ann());
}

TEST(FilterTest, TheGrammarOfTheRfc) {
  for (const char* yes :
       {"userName eq \"ANN\"", "USERNAME Eq \"ann\"", "active eq true",
        "active eq True", "name.givenName sw \"a\"", "emails co \"corp\"",
        "emails[type eq \"home\"]",
        "emails[type eq \"home\"].value ew \"home\"",
        "not (userName eq \"bob\")", "title ne \"x\"", "userName pr",
        "userName eq \"x\" or userName eq \"ann\" and active eq true",
        "(userName eq \"x\" or userName eq \"ann\") and active eq true",
        "meta.created lt \"2026-01-02T01:00:00+00:30\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
        "department eq \"keys\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"ann\""}) {
    EXPECT_TRUE(Matches(yes)) << yes;
  }
  for (const char* no :
       {"userName eq \"bob\"", "active eq false", "active eq \"true\"",
        "title pr", "title eq \"x\"", "id eq \"ann\"",
        "emails[type eq \"home\" and value eq \"ann@corp\"]",
        "not (userName pr)", "userName gt \"b\""}) {
    EXPECT_FALSE(Matches(no)) << no;
  }
}

TEST(FilterTest, WhatIsNoFilterIsRefusedWithItsPlace) {
  for (const char* bad :
       {"", " ", "userName", "userName eq", "userName eq ann", "eq \"a\"",
        "userName like \"a\"", "a eq \"b\" and", "(a eq \"b\"", "a eq \"b\")",
        "a.b.c eq \"d\"", "emails[type eq \"x\"", "not userName pr",
        "active gt true", "a eq {}", "a eq \"\\x\""}) {
    EXPECT_THAT(Filter::Parse(bad).status(),
                FailsWith(Reason::kInvalidField, "character"))
        << bad;
  }
  EXPECT_FALSE(Filter::Parse(std::string(5000, ' ')).ok());
  EXPECT_FALSE(
      Filter::Parse(std::string(100, '(') + "a pr" + std::string(100, ')'))
          .ok());
}

TEST(FilterTest, ADemandIsFoundForTheIndex) {
  const auto demand = [](const char* text) {
    return Filter::Parse(text)->Demands("userName");
  };
  EXPECT_EQ(demand("active eq true and userName eq \"Ann\""), "Ann");
  EXPECT_EQ(demand("userName eq \"a\" or active eq true"), std::nullopt);
  EXPECT_EQ(demand("not (userName eq \"a\")"), std::nullopt);
  EXPECT_EQ(demand("userName sw \"a\""), std::nullopt);
}

absl::StatusOr<Json> Patch(const std::string& operations) {
  return ApplyPatch(*Normalize(Ann()),
                    absl::StrCat("{\"Operations\":[", operations, "]}"));
}

TEST(PatchTest, DialectsAndPaths) {
  ASSERT_OK_AND_ASSIGN(Json changed,
                       Patch(R"({"op":"Replace","value":{"name.givenName":"B",
      "displayName":"C",
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":
      "D"}})"));
  EXPECT_EQ(changed["name"]["givenName"], "B");
  EXPECT_EQ(changed["name"]["familyName"], "A");
  EXPECT_EQ(changed[kEnterpriseUser]["department"], "D");
  ASSERT_OK_AND_ASSIGN(
      changed,
      Patch(
          R"({"op":"replace","path":"emails[type eq \"work\"].value","value":"x"},
               {"op":"add","path":"emails","value":[{"type":"other","value":"y"}]},
               {"op":"remove","path":"emails[type eq \"home\"]"},
               {"op":"add","path":"phoneNumbers[type eq \"work\"].value","value":"1"},
               {"op":"remove","path":"name.givenName"})"));
  EXPECT_EQ(WriteJson(changed["emails"]),
            "[{\"type\":\"work\",\"value\":\"x\"},"
            "{\"type\":\"other\",\"value\":\"y\"}]");
  EXPECT_EQ(WriteJson(changed["phoneNumbers"]),
            "[{\"type\":\"work\",\"value\":\"1\"}]");
  EXPECT_FALSE(changed["name"].contains("givenName"));
  ASSERT_OK_AND_ASSIGN(
      changed,
      Patch(
          R"({"op":"remove","path":"emails","value":[{"value":"ann@corp"}]})"));
  EXPECT_EQ(changed["emails"].size(), 1u);
}

TEST(PatchTest, AllOrNothingAndEveryRefusalIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"op":"erase","path":"title"})", "op: "},
      {R"({"path":"title","value":"x"})", "op: is missing"},
      {R"({"op":"add","path":"title"})", "value: is missing"},
      {R"({"op":"remove"})", "path: a remove needs one"},
      {R"({"op":"remove","path":"userName"})", "userName cannot be removed"},
      {R"({"op":"replace","path":"id","value":"x"})", "set by the service"},
      {R"({"op":"replace","path":"emails[type eq \"fax\"].value","value":"x"})",
       "no value of emails"},
      {R"({"op":"replace","path":"emails.value","value":"x"})",
       "emails has no"},
      {R"({"op":"replace","path":"a b","value":"x"})", "names no attribute"},
      {R"({"op":"replace","path":"emails[","value":"x"})", "without"},
      {R"({"op":"replace","value":"x"})", "an object of attributes"},
      {R"({"op":"replace","path":"active","value":"1"})", "true or false"},
      {R"(7)", "each is an object"}};
  for (const auto& [operation, message] : cases) {
    EXPECT_THAT(Patch(operation).status(),
                FailsWith(Reason::kInvalidField, message))
        << operation;
  }
  EXPECT_FALSE(ApplyPatch(Ann(), "{}").ok());
  EXPECT_FALSE(ApplyPatch(Ann(), "{\"Operations\":[]}").ok());
}

TEST(DocumentTest, NamesAreCanonicalAndNothingIsSaidTwice) {
  ASSERT_OK_AND_ASSIGN(
      const Json document,
      DocumentOf(R"({"USERNAME":"a","ACTIVE":"False","id":"x","meta":{},
                     "password":"p","nickName":null,"shoe":7})"));
  EXPECT_EQ(WriteJson(document),
            "{\"active\":false,\"shoe\":7,\"userName\":\"a\"}");
  EXPECT_FALSE(
      DocumentOf(R"({"userName":"a","active":true,"Active":false})").ok());
  ASSERT_OK_AND_ASSIGN(const domain::User user, UserOf(document, {}));
  EXPECT_FALSE(user.active);
  domain::User gone;
  gone.active = false;
  ASSERT_OK_AND_ASSIGN(const domain::User same,
                       UserOf(*DocumentOf(R"({"userName":"a"})"), gone));
  EXPECT_FALSE(same.active);  // silence is not consent
}

TEST(DocumentTest, NoBodyMakesAValueASchema) {
  EXPECT_THAT(DocumentOf(R"({"userName":"a","urn":"s","urn:x":1})").status(),
              FailsWith(Reason::kInvalidField, "both a value and a schema"));
}

TEST(DocumentTest, WhatIsStoredCanBeReadAgain) {
  std::string deep = "1";
  for (int i = 0; i < 15; ++i) deep = absl::StrCat("{\"a\":", deep, "}");
  EXPECT_THAT(
      DocumentOf(absl::StrCat(R"({"userName":"a","x":)", deep, "}")).status(),
      FailsWith(Reason::kInvalidField, "nested too deeply"));
}

TEST(PatchTest, TheCoreSchemaByItsNameIsTheUserHimself) {
  for (
      const char* way :
      {R"({"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User":
            {"active":false}}})",
       R"({"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User",
            "value":{"active":"False"}})"}) {
    ASSERT_OK_AND_ASSIGN(const Json changed, Patch(way));
    EXPECT_EQ(changed["active"], false) << way;
  }
}

TEST(PatchTest, AFilterOverPlainValuesHarmsNothing) {
  EXPECT_OK(Patch(R"({"op":"add","path":"foo","value":["a"]},
                     {"op":"replace","path":"foo[x ne \"1\"].y","value":1})"));
}

TEST(DiscoveryTest, SchemasAreListsAllTheWayDown) {
  const auto schemas = DiscoveryDocument("/Schemas", "https://hr");
  ASSERT_TRUE(schemas.has_value());
  ASSERT_EQ((*schemas)["Resources"].size(), 3u);
  for (const Json& schema : (*schemas)["Resources"]) {
    ASSERT_TRUE(schema["attributes"].is_array()) << schema["id"];
    for (const Json& attribute : schema["attributes"]) {
      ASSERT_TRUE(attribute.is_object());
      if (attribute["type"] != "complex") continue;
      EXPECT_TRUE(attribute["subAttributes"].is_array()) << attribute["name"];
    }
  }
}

TEST(ErrorTest, WhatMayBeRetriedIsA5xx) {
  const auto status_of = [](absl::StatusCode code, Reason reason) {
    return ErrorOf(Error(code, reason, "x")).status;
  };
  using absl::StatusCode;
  EXPECT_EQ(status_of(StatusCode::kUnavailable, Reason::kStoreUnavailable),
            503);
  EXPECT_EQ(status_of(StatusCode::kAborted, Reason::kConflict), 503);
  EXPECT_EQ(status_of(StatusCode::kAborted, Reason::kEtagMismatch), 412);
  EXPECT_EQ(
      status_of(StatusCode::kFailedPrecondition, Reason::kClockWentBackwards),
      503);
  EXPECT_EQ(status_of(StatusCode::kDataLoss, Reason::kStoreCorrupt), 500);
  EXPECT_EQ(status_of(StatusCode::kPermissionDenied, Reason::kPermissionDenied),
            403);
}

}  // namespace warder::http::scim
