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
#include "client/held_ledger.h"
#include "client/held_subjects.h"
#include "client/observe.h"
#include "client/watch.h"
#include "server/http/wire/message.h"

namespace warder::agent {

// What /healthz tells of, beside the key sets.
struct HealthSources {
  const client::Observer& observer;
  const client::HeldLedger& ledger;
  const client::HeldSubjects& subjects;
};

// Thread-safe.
class AgentRoutes {
 public:
  // All but `config` and `health` outlive this, and what that refers to.
  AgentRoutes(const Config& config, const Enforcer& enforcer,
              const client::KeySetWatcher& watcher, const HealthSources& health,
              Clock& clock)
      : cookie_(config.cookie),
        enforcer_(enforcer),
        watcher_(watcher),
        health_(health),
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
  const HealthSources health_;
  Clock& clock_;
};

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_AGENT_ROUTES_H_
