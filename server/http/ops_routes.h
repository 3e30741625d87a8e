// The ops door: for the orchestrator and the monitoring, on loopback.
//
//   /healthz   200 while the process runs
//   /readyz    200 while key sets are served; its JSON says whether changes can
//              be stored too, or the door answers from memory alone
//   /metrics   Prometheus text format
#ifndef WARDER_SERVER_HTTP_OPS_ROUTES_H_
#define WARDER_SERVER_HTTP_OPS_ROUTES_H_

#include <atomic>

#include "server/app/change_runner.h"
#include "server/app/rotation_loop.h"
#include "server/http/message.h"

namespace warder::http {

// Thread-safe.
class OpsRoutes {
 public:
  // All outlive this. `loaded` is true once every issuer is in memory.
  OpsRoutes(app::ChangeRunner& runner, const app::RotationLoop& loop,
            const std::atomic<bool>& loaded)
      : runner_(runner), loop_(loop), loaded_(loaded) {}

  // /readyz waits for the store's lock, at most its busy timeout.
  HttpResponse Answer(const HttpRequest& request);

 private:
  HttpResponse Ready();

  app::ChangeRunner& runner_;
  const app::RotationLoop& loop_;
  const std::atomic<bool>& loaded_;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_OPS_ROUTES_H_
