#include "server/domain/clock_correction.h"

#include <algorithm>
#include <optional>

namespace warder::domain {
namespace {

// Returns whether it moved `time`.
bool Limit(absl::Time& time, absl::Time latest) {
  if (time <= latest) return false;
  time = latest;
  return true;
}

bool Limit(std::optional<absl::Time>& time, absl::Time latest) {
  return time.has_value() && Limit(*time, latest);
}

}  // namespace

bool PullBack(IssuerDraft& draft, absl::Time now) {
  const Policy& policy = draft.issuer.policy;
  // A staged key signs no later than a rotation after the one that signs now.
  absl::Time staged = now + policy.publish_ahead;
  for (const Key& key : draft.keys) {
    if (key.state != KeyState::kActive || key.kind != KeyKind::kManaged) {
      continue;
    }
    staged = std::max(
        staged, std::min(now, *key.activate_time) + policy.rotation_period);
  }
  bool any = false;
  for (Key& key : draft.keys) {
    if (!IsLiving(key.state)) continue;
    const bool pending = key.state == KeyState::kPending;
    bool moved = Limit(key.publish_time, now);
    moved |= Limit(key.activate_time, pending ? staged : now);
    moved |= Limit(key.retire_time, now);
    moved |= Limit(key.until_time, now + policy.verify_grace);
    moved |= Limit(key.suspend_time, now);
    moved |= Limit(key.lease_time, now + policy.max_key_age);
    moved |= Limit(key.drain_time, now);
    if (!moved) continue;
    draft.Touch(key);
    any = true;
  }
  if (any) draft.changes.issuer = true;
  return any;
}

}  // namespace warder::domain
