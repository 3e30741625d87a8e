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
#include "server/app/documents.h"
#include "server/app/rotation_loop.h"
#include "server/http/wire/message.h"

namespace warder::http {

// Thread-safe.
class OpsRoutes {
 public:
  // All outlive this. `open` is true while every issuer is in
  // memory and every door open: not before, and not while draining.
  OpsRoutes(app::ChangeRunner& runner, const app::RotationLoop& loop,
            const app::Documents& documents, const std::atomic<bool>& open)
      : runner_(runner), loop_(loop), documents_(documents), open_(open) {}

  // /readyz waits for the store's lock, at most its busy timeout.
  HttpResponse Answer(const HttpRequest& request);

 private:
  HttpResponse Ready();

  app::ChangeRunner& runner_;
  const app::RotationLoop& loop_;
  const app::Documents& documents_;
  const std::atomic<bool>& open_;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_OPS_ROUTES_H_
