#include "server/http/public_routes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace warder::http {
namespace {

constexpr char kKeySetType[] = "application/jwk-set+json";
constexpr char kAllow[] = "Allow: GET, HEAD, OPTIONS\r\n";
constexpr char kCors[] =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: ETag\r\n"
    "X-Content-Type-Options: nosniff\r\n";

// How long caches may keep what is planned to change at `next_change`.
int64_t MaxAge(const app::IssuerSnapshot& snapshot, absl::Time now) {
  const absl::Duration age = std::clamp(snapshot.next_change - now,
                                        absl::ZeroDuration(), snapshot.max_age);
  return absl::ToInt64Seconds(age);
}

HttpResponse Cacheable(const HttpRequest& request,
                       const app::IssuerSnapshot& snapshot, absl::Time now,
                       absl::string_view type, absl::string_view etag,
                       absl::string_view body) {
  HttpResponse response;
  response.headers =
      absl::StrCat("Cache-Control: public, max-age=", MaxAge(snapshot, now),
                   ", must-revalidate\r\nETag: ", etag,
                   "\r\nWarder-Revision: ", snapshot.revision, "\r\n", kCors);
  if (!request.if_none_match.empty() &&
      MatchesEtag(request.if_none_match, etag)) {
    response.status = 304;
    return response;
  }
  absl::StrAppend(&response.headers, "Content-Type: ", type, "\r\n");
  response.body.assign(body.data(), body.size());
  return response;
}

}  // namespace

HttpResponse PublicRoutes::Answer(const HttpRequest& request) {
  if (request.method == "OPTIONS") {
    HttpResponse response;
    response.status = 204;
    response.headers = absl::StrCat(
        kAllow, kCors, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n",
        "Access-Control-Allow-Headers: If-None-Match\r\n",
        "Access-Control-Max-Age: 86400\r\n");
    return response;
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response =
        ErrorResponse(405, "invalid_request", "only GET, HEAD and OPTIONS");
    response.headers += kAllow;
    return response;
  }
  absl::string_view path = request.path;
  if (path == "/.well-known/jwks.json" && !default_issuer_.empty()) {
    return CountedKeySet(request, default_issuer_);
  }
  if (absl::ConsumePrefix(&path, "/issuers/")) {
    const size_t slash = path.find('/');
    const absl::string_view issuer = path.substr(0, slash);
    const absl::string_view rest =
        slash == absl::string_view::npos ? "" : path.substr(slash);
    if (rest == "/.well-known/jwks.json") return CountedKeySet(request, issuer);
    return Document(request, issuer, rest);
  }
  if (absl::ConsumePrefix(&path, "/gateways/")) {
    HttpResponse response = GatewayDocument(request, path);
    metrics_.CountKeySetRequest(response.status);
    return response;
  }
  return ErrorResponse(404, "not_found",
                       "paths here are "
                       "/issuers/{issuer}/.well-known/jwks.json, "
                       "openid-configuration and historical-keys, and "
                       "/gateways/{gateway}/{issuer}/jwks.json");
}

HttpResponse PublicRoutes::CountedKeySet(const HttpRequest& request,
                                         absl::string_view issuer) {
  HttpResponse response = KeySet(request, issuer);
  metrics_.CountKeySetRequest(response.status);
  return response;
}

HttpResponse PublicRoutes::KeySet(const HttpRequest& request,
                                  absl::string_view issuer) {
  const app::SnapshotPtr snapshot = publisher_.Find(issuer);
  if (snapshot == nullptr) {
    return ErrorResponse(404, "not_found", "no such issuer");
  }
  return Cacheable(request, *snapshot, clock_.TimeNow(), kKeySetType,
                   snapshot->etag, snapshot->key_set);
}

HttpResponse PublicRoutes::GatewayDocument(const HttpRequest& request,
                                           absl::string_view path) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(path, absl::MaxSplits('/', 1));
  const std::pair<absl::string_view, absl::string_view> rest =
      absl::StrSplit(parts.second, absl::MaxSplits('/', 1));
  const app::GatewayPtr gateway = gateways_.Find(parts.first);
  const app::SnapshotPtr snapshot = publisher_.Find(rest.first);
  if (gateway == nullptr || snapshot == nullptr ||
      !app::Verifies(*gateway, rest.first)) {
    return ErrorResponse(404, "not_found",
                         "no such gateway, or it verifies no such issuer");
  }
  if (rest.second == "jwks.json") {
    return GatewayKeySet(request, *gateway, *snapshot);
  }
  if (rest.second == ".well-known/openid-configuration") {
    const app::Document discovery =
        documents_.DiscoveryFor(gateway->id.value(), *snapshot);
    return Cacheable(request, *snapshot, clock_.TimeNow(), "application/json",
                     discovery.etag, discovery.body);
  }
  return ErrorResponse(404, "not_found", "no such document");
}

HttpResponse PublicRoutes::GatewayKeySet(const HttpRequest& request,
                                         const domain::Gateway& gateway,
                                         const app::IssuerSnapshot& snapshot) {
  const absl::Time now = clock_.TimeNow();
  const bool classic = !snapshot.classic_key_set.empty() &&
                       !domain::Reads(gateway, domain::Algorithm::kEdDsa);
  // A HEAD brings nothing home; and where its addresses are known, others'
  // fetches are not its own.
  if (request.method == "GET" &&
      (gateway.fetch_sources.empty() ||
       domain::FetchesFrom(gateway, request.peer_address))) {
    views_.Note({.gateway = gateway.id,
                 .issuer = snapshot.id,
                 .revision = snapshot.revision,
                 .time = now,
                 .source = std::string(request.peer_address),
                 .acknowledged = false,
                 .heard_time = now});
  }
  return Cacheable(request, snapshot, now, kKeySetType,
                   classic ? snapshot.classic_etag : snapshot.etag,
                   classic ? snapshot.classic_key_set : snapshot.key_set);
}

HttpResponse PublicRoutes::Document(const HttpRequest& request,
                                    absl::string_view issuer,
                                    absl::string_view document) {
  const app::SnapshotPtr snapshot = publisher_.Find(issuer);
  if (snapshot == nullptr) {
    return ErrorResponse(404, "not_found", "no such issuer");
  }
  const absl::Time now = clock_.TimeNow();
  if (document == "/.well-known/openid-configuration") {
    const app::Document discovery = documents_.Discovery(*snapshot);
    return Cacheable(request, *snapshot, now, "application/json",
                     discovery.etag, discovery.body);
  }
  if (document == "/.well-known/historical-keys") {
    const auto signed_keys = documents_.HistoricalKeys(*snapshot);
    if (!signed_keys.ok()) {
      HttpResponse response =
          ErrorResponse(503, "temporarily_unavailable",
                        absl::StrCat("historical keys cannot be given: ",
                                     signed_keys.status().message()));
      response.headers += "Retry-After: 60\r\n";
      return response;
    }
    return Cacheable(request, *snapshot, now, "application/jwk-set+jwt",
                     signed_keys->etag, signed_keys->body);
  }
  return ErrorResponse(404, "not_found", "no such document");
}

}  // namespace warder::http
