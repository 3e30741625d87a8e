#include "client/agent/agent_routes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/agent/identity.h"
#include "server/base/base64url.h"
#include "server/base/strict_json.h"
#include "server/crypto/digest.h"

namespace warder::agent {

using http::HttpRequest;
using http::HttpResponse;

std::string AgentRoutes::TokenOf(const HttpRequest& request) const {
  const std::string bearer(BearerOf(request.authorization));
  if (!bearer.empty() || cookie_.empty()) return bearer;
  return std::string(CookieOf(request.cookie, cookie_));
}

HttpResponse AgentRoutes::Auth(const HttpRequest& request,
                               const client::Verifier& verifier, int accepted) {
  HttpResponse response;
  response.headers = "Cache-Control: no-store\r\n";
  const std::string token = TokenOf(request);
  if (token.empty()) {
    response.status = 401;
    response.headers += "WWW-Authenticate: Bearer\r\n";
    return response;
  }
  const client::Verdict verdict =
      verifier.Verify(token, clock_.TimeNow(), request.real_ip);
  if (!verdict.ok()) {
    response.status = 401;
    // RFC 6750 section 3; the description holds no quote of ours.
    absl::StrAppend(&response.headers,
                    "WWW-Authenticate: Bearer error=\"invalid_token\", "
                    "error_description=\"",
                    client::RefusalName(verdict.refusal), "\"\r\n",
                    "Warder-Refusal: ", client::RefusalName(verdict.refusal),
                    "\r\n");
    return response;
  }
  response.status = accepted;
  for (const auto& [name, value] : IdentityHeaders(verdict)) {
    absl::StrAppend(&response.headers, name, ": ", value, "\r\n");
  }
  return response;
}

HttpResponse AgentRoutes::KeySet(const HttpRequest& request,
                                 absl::string_view issuer) {
  auto sets = enforcer_.verifier().Sets();
  if (issuer.empty()) {  // the one that is meant is no drill's
    std::erase_if(sets, [](const auto& entry) { return entry.second.drill; });
  }
  const auto found = issuer.empty() && sets.size() == 1
                         ? sets.begin()
                         : sets.find(absl::StrCat("issuers/", issuer));
  if (found == sets.end()) {
    return http::ErrorResponse(404, "not_found",
                               issuer.empty()
                                   ? "there is not one issuer here; ask for "
                                     "/issuers/{issuer}/jwks.json"
                                   : "no key set of that issuer");
  }
  if (enforcer_.verifier().stale() &&
      (!enforcer_.verifier().options().serve_stale ||
       enforcer_.verifier().Age() > client::kServesStaleFor)) {
    return http::ErrorResponse(503, "temporarily_unavailable",
                               "cut off from the server for too long");
  }
  const std::string etag = absl::StrCat(
      "\"", Base64UrlEncode(crypto::Sha256(found->second.jwks).substr(0, 18)),
      "\"");
  HttpResponse response;
  response.headers = absl::StrCat(
      "Cache-Control: public, max-age=1, must-revalidate\r\nETag: ", etag,
      "\r\nWarder-Revision: ", found->second.revision, "\r\n");
  if (!request.if_none_match.empty() &&
      http::MatchesEtag(request.if_none_match, etag)) {
    response.status = 304;
    return response;
  }
  response.headers += "Content-Type: application/jwk-set+json\r\n";
  response.body = found->second.jwks;
  return response;
}

HttpResponse AgentRoutes::Health() {
  const client::Verifier& verifier = enforcer_.verifier();
  const client::WatchStatus watch = watcher_.status();
  const absl::Duration age = verifier.Age();
  Json revisions = Json::object();
  for (const auto& [issuer, set] : verifier.Sets()) {
    revisions[issuer] = set.revision;
  }
  const client::ObserveStatus observed = health_.observer.status();
  const client::HeldLedger::Status held = health_.ledger.status();
  const bool good = !verifier.stale() && !revisions.empty();
  Json health = {{"status", good ? "ok" : "refusing"},
                 {"connected", watch.connected},
                 {"age_s", age == absl::InfiniteDuration()
                               ? Json()
                               : Json(absl::ToDoubleSeconds(age))},
                 {"max_staleness_s",
                  absl::ToDoubleSeconds(verifier.options().max_staleness)},
                 {"observed",
                  {{"reported", observed.reported},
                   {"never_issued", observed.never_issued},
                   {"dropped", observed.dropped},
                   {"last_error", std::string(observed.last_error.message())}}},
                 {"ledger",
                  {{"segments", held.segments},
                   {"bytes", held.bytes},
                   {"answered", held.answered},
                   {"asked", held.asked}}},
                 {"subjects", health_.subjects.size()},
                 {"enforces", std::move(revisions)}};
  if (verifier.stale() && verifier.options().serve_stale) {
    health["status"] = "serving_stale";
  }
  if (!watch.last_error.ok() && !watch.connected) {
    health["last_error"] = std::string(watch.last_error.message());
  }
  HttpResponse response;
  response.status = good ? 200 : 503;
  response.headers =
      "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  response.body = WriteJson(health);
  return response;
}

HttpResponse AgentRoutes::Answer(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return http::ErrorResponse(405, "invalid_request", "only GET and HEAD");
  }
  absl::string_view path = request.path;
  if (path == "/auth") return Auth(request, enforcer_.verifier(), 200);
  if (path == "/probe" && enforcer_.probe() != nullptr) {
    return Auth(request, *enforcer_.probe(), 204);
  }
  if (path == "/healthz") return Health();
  if (path == "/jwks.json") return KeySet(request, "");
  if (absl::ConsumePrefix(&path, "/issuers/") &&
      absl::ConsumeSuffix(&path, "/jwks.json")) {
    return KeySet(request, path);
  }
  return http::ErrorResponse(404, "not_found",
                             "paths here are /auth, /probe, /jwks.json, "
                             "/issuers/{issuer}/jwks.json and /healthz");
}

}  // namespace warder::agent
