// Keys that Warder does not sign with, as every store must keep them.
#include "server/domain/drain.h"
#include "server/domain/key_kinds.h"
#include "tests/contract/store_contract.h"
#include "tests/support/fake_vault.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder {
namespace {

using domain::IssuerDraft;

const absl::Time kNow = TestStart();
const domain::Actor kSam = {"security/sam", "sam"};

}  // namespace

TEST_P(StoreContract, EveryKindOfKeyComesBack) {
  MustMakeShop();
  IssuerDraft draft = MustLoad();
  ASSERT_OK(domain::Register(draft,
                             {.id = FakeKeyId(7),
                              .public_jwk = "{}",
                              .signer = "checkout",
                              .lease = absl::Hours(1),
                              .immediate = true},
                             kSam, kNow));
  ASSERT_OK(domain::Plant(
      draft, {.id = FakeKeyId(8), .public_jwk = "{}", .place = "wiki"}, kSam,
      kNow));
  ASSERT_OK(
      domain::Drain(draft, FakeKeyId(7), kNow + absl::Hours(1), kSam, kNow));
  ASSERT_OK(Save(draft));
  const IssuerDraft loaded = MustLoad();
  for (const int number : {7, 8}) {
    EXPECT_EQ(*loaded.Find(FakeKeyId(number)), *draft.Find(FakeKeyId(number)));
  }
  EXPECT_EQ(loaded.Find(FakeKeyId(7))->drain_time, kNow);
  int visited = 0;
  ASSERT_OK(store_->Read([&](app::ReadTransaction& txn) {
    return txn.VisitPublished([&](IssuerDraft published) {
      ++visited;
      EXPECT_EQ(published.Find(FakeKeyId(7))->signer, "checkout");
      EXPECT_EQ(published.Find(FakeKeyId(7))->drain_time, kNow);
      EXPECT_EQ(published.Find(FakeKeyId(8))->kind, domain::KeyKind::kHoney);
    });
  }));
  EXPECT_EQ(visited, 1);
}

TEST_P(StoreContract, AKeyHeldOutsideStandsWithOneIssuer) {
  MustMakeShop();
  const domain::HoneyKey honey = {
      .id = FakeKeyId(8), .public_jwk = "{}", .place = "wiki"};
  IssuerDraft draft = MustLoad();
  ASSERT_OK(domain::Plant(draft, honey, kSam, kNow));
  ASSERT_OK(Save(draft));
  IssuerDraft other = draft;
  other.issuer.id = IssuerId("bank");
  other.issuer.rev = 0;
  other.issuer.issuer_uri = "https://bank.example";
  other.keys.clear();
  other.spares.clear();
  other.exposures.clear();
  other.changes = {};
  other.changes.issuer = other.changes.issuer_is_new = true;
  const IssuerDraft empty = other;
  // A decoy, a managed key and a spare of the other issuer.
  for (const int number : {8, 1, 2}) {
    other = empty;
    ASSERT_OK(domain::Plant(
        other, {.id = FakeKeyId(number), .public_jwk = "{}", .place = "wiki"},
        kSam, kNow));
    EXPECT_THAT(Save(other), FailsWith(Reason::kAlreadyExists)) << number;
  }
}

}  // namespace warder
