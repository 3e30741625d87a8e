#include "server/base/ids.h"

#include "tests/support/status_matchers.h"

namespace warder {

TEST(IdsTest, NamesComeBack) {
  const std::string kid(43, 'a');
  ASSERT_OK_AND_ASSIGN(const auto key,
                       ParseKeyName("name", "issuers/shop/keys/" + kid));
  EXPECT_EQ(KeyName(key.first, key.second), "issuers/shop/keys/" + kid);
  EXPECT_OK(ParseIssuerName("name", "issuers/a-1"));
  EXPECT_OK(ParseOwnerName("name", "owners/alice.b_c-d"));
}

TEST(IdsTest, AnythingElseIsRefusedWithTheFieldAndWhatWasSeen) {
  for (const char* bad :
       {"", "issuers/", "issuers/Shop", "issuers/1shop", "issuers/a/b", "shop",
        "issuers/a\n", "issuers/../x", "owners/a"}) {
    EXPECT_THAT(ParseIssuerName("parent", bad),
                FailsWith(Reason::kInvalidField, "parent"))
        << bad;
  }
  EXPECT_THAT(ParseIssuerName("name", "issuers/" + std::string(64, 'a')),
              FailsWith(Reason::kInvalidField));
  for (const char* bad :
       {"issuers/a/keys/short", "issuers/a/key/x", "issuers/a/keys/x/y"}) {
    EXPECT_THAT(ParseKeyName("name", bad), FailsWith(Reason::kInvalidField));
  }
  EXPECT_EQ(FieldOf(ParseOwnerName("issuer.owner", "x").status()),
            "issuer.owner");
}

}  // namespace warder
