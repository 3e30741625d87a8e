#include "server/http/ops_routes.h"

#include "server/base/strict_json.h"

namespace warder::http {

HttpResponse OpsRoutes::Ready() {
  // An empty change takes the write lock and gives it back.
  const absl::Status store = runner_.store().Mutate(
      [](app::Transaction& txn) { return txn.LastEvent().status(); });
  runner_.NoteStore(store);
  const bool answers = store.ok() && !runner_.store_damaged();
  Json body = {
      {"ready", open_.load()},
      {"issuers", runner_.publisher().size()},
      {"store", answers                   ? "available"
                : runner_.store_damaged() ? "damaged"
                                          : "unavailable"},
      {"key_sets", answers ? "current" : "served from memory"},
      {"history", documents_.history_complete() ? "complete" : "loading"},
      {"rotation_held", loop_.held()}};
  if (!store.ok()) body["store_error"] = std::string(store.message());
  HttpResponse response;
  response.status = open_ ? 200 : 503;
  response.headers =
      "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  response.body = WriteJson(body);
  return response;
}

HttpResponse OpsRoutes::Answer(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return ErrorResponse(405, "invalid_request", "only GET and HEAD");
  }
  HttpResponse response;
  if (request.path == "/healthz") {
    response.headers = "Content-Type: text/plain\r\n";
    response.body = "ok\n";
    return response;
  }
  if (request.path == "/readyz") return Ready();
  if (request.path == "/metrics") {
    response.headers = "Content-Type: text/plain; version=0.0.4\r\n";
    response.body = runner_.metrics().Text();
    return response;
  }
  return ErrorResponse(404, "not_found",
                       "paths here are /healthz, /readyz and /metrics");
}

}  // namespace warder::http
