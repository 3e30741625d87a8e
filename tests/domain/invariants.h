// What holds of every draft, whatever was done to it.
#ifndef WARDER_TESTS_DOMAIN_INVARIANTS_H_
#define WARDER_TESTS_DOMAIN_INVARIANTS_H_

#include <map>

#include "tests/domain/draft_builder.h"

namespace warder::domain {

inline void ExpectInvariants(const IssuerDraft& draft, absl::Time now) {
  std::map<Algorithm, int> active;
  for (const Key& key : draft.keys) {
    if (key.state == KeyState::kActive) {
      ++active[key.algorithm];
      EXPECT_NE(key.sealed, "");
    }
    if (key.state == KeyState::kRetiring || key.state == KeyState::kRetired ||
        key.state == KeyState::kRevoked) {
      EXPECT_EQ(key.sealed, "") << "a private half outlived its last signature";
    }
    if (key.state == KeyState::kRevoked) {
      EXPECT_TRUE(key.revoke_time.has_value());
    }
    if (IsLiving(key.state)) {
      EXPECT_FALSE(key.owner.empty());
      EXPECT_EQ(draft.issuer.state, IssuerState::kActive);
    }
    if (key.state == KeyState::kRetiring) {
      EXPECT_GE(*key.until_time, *key.retire_time);
    }
    EXPECT_LE(key.publish_time, now);
  }
  for (const auto& [algorithm, count] : active) {
    EXPECT_LE(count, 1) << AlgorithmName(algorithm);
  }
  EXPECT_LE(draft.PublishedCount(), kMaxPublishedKeys);
}

}  // namespace warder::domain

#endif  // WARDER_TESTS_DOMAIN_INVARIANTS_H_
