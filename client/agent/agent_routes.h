// The agent's HTTP door, on loopback or a Unix socket:
//
//   GET /auth                    200 with the claims as headers, or 401: what
//                                nginx's auth_request asks
//   GET /probe                   204 or 401: what Warder's probes ask
//   GET /issuers/{id}/jwks.json  the key set, as it is enforced
//   GET /jwks.json               the same, where there is one issuer
//   GET /healthz                 200 or 503, and what is enforced
#ifndef WARDER_CLIENT_AGENT_AGENT_ROUTES_H_
#define WARDER_CLIENT_AGENT_AGENT_ROUTES_H_

#include <string>

#include "client/agent/enforcer.h"
#include "client/observe.h"
#include "client/watch.h"
#include "server/http/wire/message.h"

namespace warder::agent {

// Thread-safe.
class AgentRoutes {
 public:
  // All but `config` outlive this.
  AgentRoutes(const Config& config, const Enforcer& enforcer,
              const client::KeySetWatcher& watcher,
              const client::Observer& observer, Clock& clock)
      : cookie_(config.cookie),
        enforcer_(enforcer),
        watcher_(watcher),
        observer_(observer),
        clock_(clock) {}

  http::HttpResponse Answer(const http::HttpRequest& request);

 private:
  http::HttpResponse Auth(const http::HttpRequest& request,
                          const client::Verifier& verifier, int accepted);
  http::HttpResponse KeySet(const http::HttpRequest& request,
                            absl::string_view issuer);
  http::HttpResponse Health();
  // The bearer token, or that of the cookie; empty: there is none.
  std::string TokenOf(const http::HttpRequest& request) const;

  const std::string cookie_;
  const Enforcer& enforcer_;
  const client::KeySetWatcher& watcher_;
  const client::Observer& observer_;
  Clock& clock_;
};

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_AGENT_ROUTES_H_
