#include "server/domain/drain.h"

#include <algorithm>

#include "server/base/error.h"
#include "server/base/time_text.h"
#include "server/domain/exposure.h"
#include "server/domain/lifecycle.h"
#include "server/domain/transitions.h"

namespace warder::domain {

absl::Status Drain(IssuerDraft& draft, const KeyId& id, absl::Time last_expiry,
                   const Actor& actor, absl::Time now) {
  Key* key = draft.Find(id);
  if (key == nullptr) return NotFound(KeyName(draft.issuer.id, id));
  if (key->drain_time) return absl::OkStatus();
  const bool signs = key->state == KeyState::kActive;
  if (!signs && key->state != KeyState::kRetiring) {
    return WrongState(*key,
                      "only an ACTIVE or a RETIRING key has honest tokens that "
                      "are worth keeping; revoke it");
  }
  if (signs) StopSigning(draft, *key, actor, now);
  key->drain_time = now;
  key->until_time = std::clamp(last_expiry + draft.issuer.policy.clock_skew,
                               now, std::max(now, *key->until_time));
  draft.Touch(*key);
  RecordKey(draft, *key, "key.drained", actor, now,
            {{"until", TimeText(*key->until_time)}});
  RevokeKeys(draft, SuccessorsExposedWith(draft, *key),
             RevocationReason::kCompromised, actor, now);
  const Algorithm algorithm = key->algorithm;
  if (signs && key->kind == KeyKind::kManaged &&
      Listed(draft.issuer.policy, algorithm)) {
    PromoteSuccessor(draft, algorithm, actor, now);
  }
  return absl::OkStatus();
}

}  // namespace warder::domain
