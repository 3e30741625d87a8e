// The public door: what anyone may ask.
//
//   /issuers/{issuer}/.well-known/jwks.json
//   /issuers/{issuer}/.well-known/openid-configuration
//   /issuers/{issuer}/.well-known/historical-keys
//   /.well-known/jwks.json                              the default issuer
//   /gateways/{gateway}/{issuer}/jwks.json
//   /gateways/{gateway}/{issuer}/.well-known/openid-configuration
//
// A gateway's own URL serves what its kind of verifier reads, and tells which
// revision it was given.
//
// GET, HEAD and OPTIONS. Strong ETag, 304, CORS, no redirects, no cookies,
// never compressed. Everything is answered from memory.
#ifndef WARDER_SERVER_HTTP_PUBLIC_ROUTES_H_
#define WARDER_SERVER_HTTP_PUBLIC_ROUTES_H_

#include <string>
#include <utility>

#include "server/app/documents.h"
#include "server/app/gateway_directory.h"
#include "server/app/publisher.h"
#include "server/base/clock.h"
#include "server/base/metrics.h"
#include "server/http/wire/message.h"

namespace warder::http {

// Thread-safe.
class PublicRoutes {
 public:
  // `default_issuer` is that of /.well-known/jwks.json; it may be empty. What
  // the others refer to outlives this.
  PublicRoutes(std::string default_issuer, const app::Publisher& publisher,
               app::Documents& documents, const app::GatewayDirectory& gateways,
               app::ViewSink& views, Clock& clock, Metrics& metrics)
      : default_issuer_(std::move(default_issuer)),
        publisher_(publisher),
        documents_(documents),
        gateways_(gateways),
        views_(views),
        clock_(clock),
        metrics_(metrics) {}

  HttpResponse Answer(const HttpRequest& request);

 private:
  HttpResponse CountedKeySet(const HttpRequest& request,
                             absl::string_view issuer);
  HttpResponse KeySet(const HttpRequest& request, absl::string_view issuer);
  HttpResponse GatewayDocument(const HttpRequest& request,
                               absl::string_view path);
  HttpResponse GatewayKeySet(const HttpRequest& request,
                             const domain::Gateway& gateway,
                             const app::IssuerSnapshot& snapshot);
  HttpResponse Document(const HttpRequest& request, absl::string_view issuer,
                        absl::string_view document);

  const std::string default_issuer_;
  const app::Publisher& publisher_;
  app::Documents& documents_;
  const app::GatewayDirectory& gateways_;
  app::ViewSink& views_;
  Clock& clock_;
  Metrics& metrics_;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_PUBLIC_ROUTES_H_
