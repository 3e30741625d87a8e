// Drafts for domain tests.
#ifndef WARDER_TESTS_DOMAIN_DRAFT_BUILDER_H_
#define WARDER_TESTS_DOMAIN_DRAFT_BUILDER_H_

#include "server/domain/lifecycle.h"
#include "server/domain/schedule.h"
#include "server/domain/succession.h"
#include "tests/support/fake_vault.h"
#include "tests/support/status_matchers.h"

namespace warder::domain {

inline const absl::Time kStart = absl::FromUnixSeconds(1767225600);
inline const Actor kSam = {"security/sam", "sam"};
inline const Actor kSue = {"security/sue", "sue"};

inline void AddSpare(IssuerDraft& draft, int number,
                     Algorithm algorithm = Algorithm::kEs256) {
  Spare spare;
  spare.issuer = draft.issuer.id;
  spare.id = FakeKeyId(number);
  spare.algorithm = algorithm;
  spare.public_jwk = "{}";
  spare.sealed = "sealed";
  spare.create_time = kStart;
  draft.spares.push_back(spare);
}

// Issuer "shop" of alice with deputies bob and carol; key 1 ACTIVE since
// kStart, spare 2.
inline IssuerDraft Shop() {
  IssuerDraft draft;
  draft.issuer.id = IssuerId("shop");
  draft.issuer.owner = OwnerId("alice");
  draft.issuer.deputies = {OwnerId("bob"), OwnerId("carol")};
  draft.deputies = {{.id = OwnerId("bob"), .active = true},
                    {.id = OwnerId("carol"), .active = true}};
  Grant grant;
  grant.signer = "checkout";
  draft.issuer.grants = {grant};
  AddSpare(draft, 1);
  EXPECT_OK(Rotate(draft, Algorithm::kEs256, true, kSam, kStart));
  AddSpare(draft, 2);
  draft.changes = {};
  return draft;
}

inline KeyState StateOf(const IssuerDraft& draft, int number) {
  const Key* key = draft.Find(FakeKeyId(number));
  EXPECT_NE(key, nullptr) << number;
  return key == nullptr ? KeyState::kRevoked : key->state;
}

inline bool Recorded(const IssuerDraft& draft, absl::string_view action) {
  for (const AuditEvent& event : draft.changes.events) {
    if (event.action == action) return true;
  }
  return false;
}

}  // namespace warder::domain

#endif  // WARDER_TESTS_DOMAIN_DRAFT_BUILDER_H_
