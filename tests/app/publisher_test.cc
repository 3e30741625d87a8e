#include "server/app/publisher.h"

#include "server/app/documents.h"
#include "server/app/loader.h"
#include "server/base/strict_json.h"
#include "server/crypto/digest.h"
#include "tests/domain/draft_builder.h"
#include "tests/support/test_app.h"

namespace warder::app {

using domain::Shop;

TEST(PublisherTest, AnOlderRevNeverReplacesANewerOne) {
  Publisher publisher;
  auto draft = Shop();
  draft.issuer.rev = 5;
  const auto before_revocation = MakeSnapshot(draft, crypto::Sha256);
  ASSERT_OK(domain::Revoke(draft, FakeKeyId(1),
                           domain::RevocationReason::kCompromised, domain::kSam,
                           domain::kStart));
  draft.issuer.rev = 6;
  const auto after = MakeSnapshot(draft, crypto::Sha256);
  publisher.Install(after);
  // A refresh that read the store before the revocation comes late.
  publisher.Install(before_revocation);
  EXPECT_EQ(publisher.Find("shop")->key_set, after->key_set);
}

TEST(PublisherTest, HistoryIsKeptAcrossSnapshotsAndRevokedWins) {
  Publisher publisher;
  auto draft = Shop();
  draft.issuer.rev = 1;
  publisher.Install(MakeSnapshot(draft, crypto::Sha256));
  domain::Key old = draft.keys[0];
  old.id = FakeKeyId(77);
  old.state = domain::KeyState::kRevoked;
  old.revoke_time = domain::kStart;
  publisher.AddHistory(IssuerId("shop"),
                       {std::make_shared<const EndedKey>(EndedKey::Of(old))});
  draft.issuer.rev = 2;
  publisher.Install(MakeSnapshot(draft, crypto::Sha256));
  ASSERT_EQ(publisher.Find("shop")->history.size(), 1u);
  EXPECT_TRUE(publisher.Find("shop")->history[0]->revoked);
}

TEST(PublisherTest, EqualSetsAreEqualBytesAndDifferentOnesHaveOtherEtags) {
  auto draft = Shop();
  const auto a = MakeSnapshot(draft, crypto::Sha256);
  draft.issuer.rev = 9;
  const auto b = MakeSnapshot(draft, crypto::Sha256);
  EXPECT_EQ(a->key_set, b->key_set);
  EXPECT_EQ(a->etag, b->etag);
  draft.keys.clear();
  draft.issuer.tombstone_jwk = "{\"kid\":\"t\"}";
  const auto c = MakeSnapshot(draft, crypto::Sha256);
  EXPECT_NE(a->etag, c->etag);
  EXPECT_EQ(c->key_set, "{\"keys\":[{\"kid\":\"t\"}]}");
  EXPECT_EQ(c->etag.front(), '"');
}

TEST(LoaderTest, AStartSeesEveryIssuerAndItsHistory) {
  TestApp app;
  for (int i = 0; i < 603; ++i) app.MustSetUp("i" + std::to_string(i));
  const auto key = app.MustFindKey("i7", domain::KeyState::kActive);
  ASSERT_OK(app.keys.Revoke(app.As("security/sam"),
                            {.issuer = IssuerId("i7"), .key = key.id}));
  Publisher fresh;
  ASSERT_OK(LoadPublished(app.store, fresh, crypto::Sha256));
  ASSERT_OK(LoadHistory(app.store, fresh));
  EXPECT_EQ(fresh.size(), 603u);
  for (const char* id : {"i0", "i7", "i602"}) {
    EXPECT_EQ(fresh.Find(id)->key_set, app.KeySet(id)) << id;
  }
  ASSERT_EQ(fresh.Find("i7")->history.size(), 1u);
  EXPECT_TRUE(fresh.Find("i7")->history[0]->revoked);
}

TEST(DiscoveryTest, NamesTheIssuerAndItsKeySet) {
  auto draft = Shop();
  draft.issuer.issuer_uri = "https://id.example";
  const auto snapshot = MakeSnapshot(draft, crypto::Sha256);
  FakeVault vault;
  SimulatedClock clock(TestStart());
  const Document document =
      Documents("https://keys.example", vault, clock, crypto::Sha256)
          .Discovery(*snapshot);
  EXPECT_EQ(document.etag, EtagOfBytes(document.body, crypto::Sha256));
  // Another base URL is another document, at the same revision.
  EXPECT_NE(document.etag,
            Documents("https://elsewhere.example", vault, clock, crypto::Sha256)
                .Discovery(*snapshot)
                .etag);
  ASSERT_OK_AND_ASSIGN(const Json doc, ParseJson(document.body));
  EXPECT_EQ(doc["issuer"], "https://id.example");
  EXPECT_EQ(doc["jwks_uri"],
            "https://keys.example/issuers/shop/.well-known/jwks.json");
  EXPECT_EQ(doc["id_token_signing_alg_values_supported"], Json({"ES256"}));
}

}  // namespace warder::app
