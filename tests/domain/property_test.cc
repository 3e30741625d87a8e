// Random commands from a printed seed keep the invariants.
#include <cstdlib>

#include "server/base/random.h"
#include "server/domain/departure.h"
#include "tests/domain/invariants.h"

namespace warder::domain {
namespace {

uint64_t Seed() {
  const char* fixed = getenv("WARDER_TEST_SEED");
  if (fixed != nullptr) return strtoull(fixed, nullptr, 10);
  return static_cast<uint64_t>(
             testing::UnitTest::GetInstance()->random_seed()) *
             2654435761u +
         17;
}

// Does one random thing; whether it succeeds is not the point.
void Step(IssuerDraft& draft, SeededRandom& random, int& next_key,
          absl::Time now, std::vector<KeyId>& revoked) {
  const auto pick = [&](size_t n) { return random.Next() % n; };
  const auto algorithm =
      draft.issuer.policy
          .algorithms[pick(draft.issuer.policy.algorithms.size())];
  const KeyId key = draft.keys[pick(draft.keys.size())].id;
  const Actor actor = pick(2) == 0 ? kSam : kSue;
  switch (pick(10)) {
    case 0: Rotate(draft, algorithm, false, actor, now).IgnoreError(); break;
    case 1: Rotate(draft, algorithm, true, actor, now).IgnoreError(); break;
    case 2:
      EXPECT_OK(Revoke(draft, key, RevocationReason::kCompromised, actor, now));
      revoked.push_back(key);
      break;
    case 3:
      EXPECT_OK(Revoke(draft, key, RevocationReason::kSuperseded, actor, now));
      revoked.push_back(key);
      break;
    case 4: Suspend(draft, key, actor, now).IgnoreError(); break;
    case 5: Resume(draft, key, actor, now).IgnoreError(); break;
    case 6:
      if (draft.deputies.size() < 3) {
        const OwnerId fresh("o" + std::to_string(next_key));
        draft.deputies.push_back({fresh, true});
        draft.issuer.deputies.push_back(fresh);
      }
      Depart(draft, draft.issuer.owner, actor, now);
      break;
    default: ApplyDue(draft, now); break;
  }
  if (pick(3) > 0) {
    for (const Algorithm missing : MissingSpares(draft)) {
      AddSpare(draft, ++next_key, missing);
    }
  }
}

}  // namespace

TEST(PropertyTest, RandomCommandsKeepTheInvariants) {
  const uint64_t seed = Seed();
  RecordProperty("seed", std::to_string(seed));
  std::cout << "seed " << seed << " (WARDER_TEST_SEED repeats it)\n";
  SeededRandom random(seed);
  for (int run = 0; run < 200; ++run) {
    IssuerDraft draft = Shop();
    if (run % 2 == 1) {
      draft.issuer.policy.algorithms.push_back(Algorithm::kEdDsa);
      AddSpare(draft, 900000, Algorithm::kEdDsa);
    }
    absl::Time now = kStart;
    int next_key = 10;
    std::vector<KeyId> revoked;
    for (int step = 0; step < 60; ++step) {
      now += absl::Minutes(static_cast<int64_t>(random.Next() % 20000));
      Step(draft, random, next_key, now, revoked);
      ExpectInvariants(draft, now);
      for (const KeyId& id : revoked) {
        ASSERT_EQ(draft.Find(id)->state, KeyState::kRevoked)
            << "seed " << seed << " run " << run << " step " << step;
      }
      if (HasFailure()) return;
      draft.changes = {};
    }
  }
}

}  // namespace warder::domain
