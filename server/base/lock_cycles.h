// What Abseil does about locks that are taken in different orders.
#ifndef WARDER_SERVER_BASE_LOCK_CYCLES_H_
#define WARDER_SERVER_BASE_LOCK_CYCLES_H_

namespace warder {

// Debian's Abseil looks for cycles at every lock of gRPC's, which costs a good
// part of what gRPC does. From now on it does not; ours are found by
// annotations and the thread sanitizer. Call at start.
void IgnoreLockCycles();

}  // namespace warder

#endif  // WARDER_SERVER_BASE_LOCK_CYCLES_H_
