// Ten years of rotation of 1,000 issuers, in seconds: the schedule decides when
// to look, as the rotation loop does.
#include <queue>

#include "tests/domain/invariants.h"

namespace warder::domain {
namespace {

struct Sim {
  IssuerDraft draft;
  int rotations = 0;
};

Policy PolicyOf(int i) {
  Policy policy;
  policy.rotation_period = absl::Hours(24 * (7 + i % 84));
  policy.max_key_age = policy.rotation_period + absl::Hours(24 * 15);
  if (i % 3 == 0) policy.algorithms = {Algorithm::kEs256, Algorithm::kRs256};
  return policy;
}

}  // namespace

TEST(SimulationTest, TenYearsOfAThousandIssuersWithoutAGapInSigning) {
  constexpr int kIssuers = 1000;
  const absl::Time end = kStart + absl::Hours(24 * 3653);
  std::vector<Sim> sims(kIssuers);
  int next_key = 1;
  using Wake = std::pair<absl::Time, int>;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<Wake>> wakes;
  for (int i = 0; i < kIssuers; ++i) {
    IssuerDraft& draft = sims[i].draft;
    draft.issuer.id = IssuerId("i" + std::to_string(i));
    draft.issuer.owner = OwnerId("alice");
    draft.deputies = {{OwnerId("bob"), true}};
    draft.issuer.policy = PolicyOf(i);
    ASSERT_OK(ValidatePolicy(draft.issuer.policy));
    for (const Algorithm a : draft.issuer.policy.algorithms) {
      AddSpare(draft, next_key++, a);
      ASSERT_OK(Rotate(draft, a, true, SystemActor(), kStart));
      AddSpare(draft, next_key++, a);
    }
    wakes.emplace(NextWake(draft), i);
  }
  int64_t steps = 0;
  while (wakes.top().first < end) {
    const auto [now, i] = wakes.top();
    wakes.pop();
    IssuerDraft& draft = sims[i].draft;
    for (const Algorithm a : MissingSpares(draft)) {
      AddSpare(draft, next_key++, a);
    }
    ASSERT_TRUE(ApplyDue(draft, now) || !draft.changes.any());
    for (const Algorithm a : draft.issuer.policy.algorithms) {
      const Key* active = draft.Find(a, KeyState::kActive);
      ASSERT_NE(active, nullptr) << "a gap in signing";
      if (*active->activate_time == now && now > kStart) {
        ++sims[i].rotations;
        // (1): published long enough before it signed.
        ASSERT_GE(now - active->publish_time,
                  draft.issuer.policy.publish_ahead);
        // Never later than planned.
      }
      ASSERT_LT(now - *active->activate_time, draft.issuer.policy.max_key_age);
    }
    for (const Algorithm a : MissingSpares(draft)) {
      AddSpare(draft, next_key++, a);
    }
    ExpectInvariants(draft, now);
    if (HasFailure()) return;
    // What storage would keep: living keys and nothing of the change.
    std::erase_if(draft.keys,
                  [](const Key& key) { return !IsLiving(key.state); });
    draft.exposures.clear();
    draft.changes = {};
    const absl::Time next = NextWake(draft);
    ASSERT_GT(next, now) << "a busy loop";
    wakes.emplace(next, i);
    ++steps;
  }
  for (int i = 0; i < kIssuers; ++i) {
    const Policy& policy = sims[i].draft.issuer.policy;
    const auto expected =
        static_cast<int>(absl::Hours(24 * 3653) / policy.rotation_period *
                         static_cast<int64_t>(policy.algorithms.size()));
    EXPECT_NEAR(sims[i].rotations, expected, 2.0 + expected * 0.01) << i;
  }
  std::cout << steps << " wake-ups, " << next_key << " keys\n";
}

}  // namespace warder::domain
