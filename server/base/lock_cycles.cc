#include "server/base/lock_cycles.h"

#include "absl/synchronization/mutex.h"

namespace warder {

void IgnoreLockCycles() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace warder
