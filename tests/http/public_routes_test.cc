#include "server/http/public_routes.h"

#include "server/app/documents.h"
#include "server/base/strict_json.h"
#include "server/crypto/digest.h"
#include "server/jose/jws.h"
#include "server/vault/software_vault.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::http {

using testing::HasSubstr;
using testing::Not;

class PublicRoutesTest : public testing::Test {
 protected:
  PublicRoutesTest()
      : sealer_(SecretBytes(crypto::kKeyEncryptionKeyBytes)),
        vault_(sealer_),
        app_(nullptr, &vault_),
        documents_("https://keys.example", vault_, app_.clock, crypto::Sha256),
        routes_("shop", app_.publisher, documents_, directory_, views_,
                app_.clock, app_.metrics) {
    documents_.SetHistoryComplete();
    app_.MustSetUp();
  }
  HttpResponse Get(const std::string& path, const std::string& match = "",
                   const std::string& method = "GET") {
    return routes_.Answer(
        {.method = method, .path = path, .if_none_match = match});
  }
  const std::string kSet = "/issuers/shop/.well-known/jwks.json";
  crypto::Sealer sealer_;
  vault::SoftwareVault vault_;
  TestApp app_;
  app::Documents documents_;
  app::GatewayDirectory directory_;
  struct : app::ViewSink {
    void Note(const domain::GatewayView& view) override {
      seen.push_back(view);
    }
    std::vector<domain::GatewayView> seen;
  } views_;
  PublicRoutes routes_;
};

TEST_F(PublicRoutesTest, AKeySetCarriesTheHeadersConsumersNeed) {
  const HttpResponse response = Get(kSet);
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.headers,
              HasSubstr("Cache-Control: public, max-age=60, must-revalidate"));
  EXPECT_THAT(response.headers, HasSubstr("ETag: \""));
  EXPECT_THAT(response.headers, HasSubstr("application/jwk-set+json"));
  EXPECT_THAT(response.headers, HasSubstr("Access-Control-Allow-Origin: *"));
  for (const char* never :
       {"Set-Cookie", "Vary", "Location", "Content-Encoding"}) {
    EXPECT_THAT(response.headers, Not(HasSubstr(never)));
  }
  EXPECT_EQ(Get("/.well-known/jwks.json").body, response.body);
}

TEST_F(PublicRoutesTest, AKnownEtagIsNotModified) {
  const std::string etag = app_.publisher.Find("shop")->etag;
  for (const std::string& match :
       {etag, "W/" + etag, "\"x\", " + etag, std::string("*")}) {
    const HttpResponse response = Get(kSet, match);
    EXPECT_EQ(response.status, 304) << match;
    EXPECT_EQ(response.body, "");
    EXPECT_THAT(response.headers, HasSubstr("ETag: " + etag));
    EXPECT_THAT(response.headers, HasSubstr("Cache-Control"));
  }
  EXPECT_EQ(Get(kSet, "\"other\"").status, 200);
}

TEST_F(PublicRoutesTest, MaxAgeNeverPassesThePlannedChange) {
  // The successor is staged 29 days after the start.
  app_.clock.SetTime(TestStart() + absl::Hours(24 * 29) - absl::Seconds(7));
  EXPECT_THAT(Get(kSet).headers, HasSubstr("max-age=7,"));
}

TEST_F(PublicRoutesTest, EveryPublishedSetStaysWithinItsLimits) {
  domain::Policy policy;
  policy.algorithms = {domain::Algorithm::kRs256, domain::Algorithm::kEs512};
  app_.MustSetUp("big", policy);
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(app_.issuers.Rotate(
        app_.As("security/sam"),
        {.issuer = IssuerId("big"), .algorithm = {}, .immediate = true}));
  }
  const HttpResponse response = Get("/issuers/big/.well-known/jwks.json");
  ASSERT_OK_AND_ASSIGN(const Json set, ParseJson(response.body));
  EXPECT_EQ(set["keys"].size(), 5u);
  EXPECT_LT(response.body.size(), 4096u);
}

TEST_F(PublicRoutesTest, OtherMethodsAndPathsAreRefusedPlainly) {
  EXPECT_EQ(Get(kSet, "", "HEAD").status, 200);
  EXPECT_EQ(Get(kSet, "", "OPTIONS").status, 204);
  const HttpResponse post = Get(kSet, "", "POST");
  EXPECT_EQ(post.status, 405);
  EXPECT_THAT(post.headers, HasSubstr("Allow: GET, HEAD, OPTIONS"));
  for (const char* path :
       {"/", "", "/issuers/", "/issuers/shop",
        "/issuers/none/.well-known/jwks.json",
        "/issuers/shop/.well-known/../jwks.json", "/issuers//x"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
}

TEST_F(PublicRoutesTest, HistoricalKeysAreSignedByTheKeyThatSignsNow) {
  const auto old = app_.MustFindKey("shop", domain::KeyState::kActive);
  ASSERT_OK(
      app_.keys.Revoke(app_.As("security/sam"),
                       {.issuer = IssuerId("shop"),
                        .key = old.id,
                        .reason = domain::RevocationReason::kCompromised}));
  const HttpResponse response =
      Get("/issuers/shop/.well-known/historical-keys");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.headers, HasSubstr("application/jwk-set+jwt"));
  ASSERT_OK_AND_ASSIGN(const jose::Jws jws, jose::ParseJws(response.body));
  EXPECT_EQ(jws.typ, "jwk-set+jwt");
  ASSERT_OK_AND_ASSIGN(const auto keys, jose::ParseJwkSet(app_.KeySet()));
  EXPECT_OK(jose::VerifyJws(jws, keys));
  ASSERT_OK_AND_ASSIGN(const Json claims, ParseJson(jws.payload));
  EXPECT_EQ(claims["iss"], "https://keys.example/issuers/shop");
  ASSERT_EQ(claims["keys"].size(), 1u);
  const Json& ended = claims["keys"][0];
  EXPECT_EQ(ended["kid"], old.id.value());
  EXPECT_EQ(ended["exp"], absl::ToUnixSeconds(TestStart()));
  EXPECT_EQ(ended["revoked"]["reason"], "compromised");
}

TEST_F(PublicRoutesTest, NoHistoricalKeyEndsInTheFuture) {
  const auto old = app_.MustFindKey("shop", domain::KeyState::kActive);
  // Dated with the last recorded change, an hour after what the clock says.
  app_.clock.SetTime(TestStart() - absl::Hours(1));
  ASSERT_OK(
      app_.keys.Revoke(app_.As("security/sam"),
                       {.issuer = IssuerId("shop"),
                        .key = old.id,
                        .reason = domain::RevocationReason::kCompromised}));
  const HttpResponse response =
      Get("/issuers/shop/.well-known/historical-keys");
  ASSERT_OK_AND_ASSIGN(const jose::Jws jws, jose::ParseJws(response.body));
  ASSERT_OK_AND_ASSIGN(const Json claims, ParseJson(jws.payload));
  EXPECT_EQ(claims["keys"][0]["revoked"]["revoked_at"],
            absl::ToUnixSeconds(TestStart() - absl::Hours(1)));
}

TEST_F(PublicRoutesTest, EverythingIsAnsweredWhileTheDatabaseIsGone) {
  app_.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "gone"),
      /*reads_too=*/true);
  for (const char* document :
       {"jwks.json", "openid-configuration", "historical-keys"}) {
    EXPECT_EQ(Get(std::string("/issuers/shop/.well-known/") + document).status,
              200)
        << document;
  }
}

TEST_F(PublicRoutesTest, AGatewaysOwnUrlTellsWhichRevisionItWasGiven) {
  domain::Policy policy;
  policy.algorithms = {domain::Algorithm::kEs256, domain::Algorithm::kEdDsa};
  app_.MustSetUp("both", policy);
  const auto add = [&](const char* id, const char* consumer,
                       std::vector<std::string> sources) {
    domain::Gateway gateway;
    gateway.id = GatewayId(id);
    gateway.consumer = consumer;
    gateway.issuers = {IssuerId("both")};
    gateway.fetch_sources = std::move(sources);
    EXPECT_OK(app_.store.Mutate(
        [&](app::Transaction& txn) { return txn.InsertGateway(gateway); }));
  };
  add("edge", "envoy", {"192.0.2.0/24"});
  add("old", "spring-security", {});
  ASSERT_OK(directory_.Load(app_.store));
  const auto ask = [&](const std::string& path, const char* from,
                       const char* method = "GET") {
    return routes_.Answer({.method = method,
                           .path = path,
                           .if_none_match = "",
                           .peer_address = from});
  };
  const std::string path = "/gateways/edge/both/jwks.json";
  // Somebody else, and a HEAD, are no fetch of the gateway's.
  EXPECT_EQ(ask(path, "198.51.100.1").status, 200);
  EXPECT_EQ(ask(path, "192.0.2.9", "HEAD").status, 200);
  EXPECT_TRUE(views_.seen.empty());
  const HttpResponse full = ask(path, "192.0.2.9");
  EXPECT_THAT(full.body, HasSubstr("EdDSA"));
  ASSERT_EQ(views_.seen.size(), 1u);
  EXPECT_EQ(views_.seen[0].revision, app_.publisher.Find("both")->revision);
  EXPECT_EQ(views_.seen[0].source, "192.0.2.9");
  // A verifier that reads no EdDSA is not shown any.
  const HttpResponse classic =
      ask("/gateways/old/both/jwks.json", "198.51.100.1");
  EXPECT_THAT(classic.body, Not(HasSubstr("EdDSA")));
  EXPECT_THAT(classic.body, HasSubstr("ES256"));
  EXPECT_THAT(classic.headers,
              HasSubstr(app_.publisher.Find("both")->classic_etag));
  EXPECT_THAT(
      ask("/gateways/old/both/.well-known/openid-configuration", "").body,
      HasSubstr("https://keys.example/gateways/old/both/jwks.json"));
  for (const char* bad :
       {"/gateways/edge/shop/jwks.json", "/gateways/nobody/both/jwks.json",
        "/gateways/edge/both", "/gateways/edge", "/gateways/",
        "/gateways/edge/both/jwks.json/"}) {
    EXPECT_EQ(ask(bad, "192.0.2.9").status, 404) << bad;
  }
}

}  // namespace warder::http
