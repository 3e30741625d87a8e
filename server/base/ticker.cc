#include "server/base/ticker.h"

namespace warder {

void Ticker::Start() {
  thread_ = std::thread([this] { Run(); });
}

bool Ticker::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  clock_.Notify();
  if (!thread_.joinable()) return false;
  thread_.join();
  return true;
}

void Ticker::Run() {
  while (true) {
    const absl::Duration next = tick_();
    MutexLock lock(&mu_);
    clock_.AwaitWithDeadline(
        &mu_,
        // Runs with mu_ held; the analysis does not see through the call.
        [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; },
        clock_.TimeNow() + (next - clock_.Uptime()));
    if (stopping_) return;
  }
}

}  // namespace warder
