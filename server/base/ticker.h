// A thread that calls one function whenever it says that it wants to be called.
#ifndef WARDER_SERVER_BASE_TICKER_H_
#define WARDER_SERVER_BASE_TICKER_H_

#include <functional>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace warder {

// One thread calls Start and Stop.
class Ticker {
 public:
  // `tick` does what is due and returns when it is to be called next, as
  // uptime. `clock` outlives this.
  Ticker(Clock& clock, std::function<absl::Duration()> tick)
      : clock_(clock), tick_(std::move(tick)) {}
  ~Ticker() { Stop(); }

  // Call once.
  void Start();
  // Ends the thread and waits for it. Returns whether there was one. May be
  // called again.
  bool Stop();

 private:
  void Run();

  Clock& clock_;
  const std::function<absl::Duration()> tick_;
  Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace warder

#endif  // WARDER_SERVER_BASE_TICKER_H_
