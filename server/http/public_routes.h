// The public door: what anyone may ask.
//
//   /issuers/{issuer}/.well-known/jwks.json
//   /issuers/{issuer}/.well-known/openid-configuration
//   /issuers/{issuer}/.well-known/historical-keys
//   /.well-known/jwks.json                              the default issuer
//
// GET, HEAD and OPTIONS. Strong ETag, 304, CORS, no redirects, no cookies,
// never compressed. Everything is answered from memory.
#ifndef WARDER_SERVER_HTTP_PUBLIC_ROUTES_H_
#define WARDER_SERVER_HTTP_PUBLIC_ROUTES_H_

#include <string>

#include "server/app/documents.h"
#include "server/app/publisher.h"
#include "server/base/clock.h"
#include "server/base/metrics.h"
#include "server/http/message.h"

namespace warder::http {

struct PublicRoutesOptions {
  std::string public_base_url;  // no slash at its end
  std::string default_issuer;   // of /.well-known/jwks.json; may be empty
};

// Thread-safe.
class PublicRoutes {
 public:
  // All outlive this.
  PublicRoutes(PublicRoutesOptions options, const app::Publisher& publisher,
               app::HistoricalKeys& historical, Clock& clock, Metrics& metrics)
      : options_(std::move(options)),
        publisher_(publisher),
        historical_(historical),
        clock_(clock),
        metrics_(metrics) {}

  HttpResponse Answer(const HttpRequest& request);

 private:
  HttpResponse Route(const HttpRequest& request);
  HttpResponse KeySet(const HttpRequest& request, absl::string_view issuer);
  HttpResponse Document(const HttpRequest& request, absl::string_view issuer,
                        absl::string_view document);

  const PublicRoutesOptions options_;
  const app::Publisher& publisher_;
  app::HistoricalKeys& historical_;
  Clock& clock_;
  Metrics& metrics_;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_PUBLIC_ROUTES_H_
