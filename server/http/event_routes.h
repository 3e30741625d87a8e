// Security events on the HR door, by RFC 8935 push:
//
//   POST /feeds/{feed}/events   Content-Type: application/secevent+jwt
//
// Anybody may ask; the token's signature says whose word it is.
#ifndef WARDER_SERVER_HTTP_EVENT_ROUTES_H_
#define WARDER_SERVER_HTTP_EVENT_ROUTES_H_

#include "server/app/event_intake.h"
#include "server/base/metrics.h"
#include "server/http/wire/message.h"

namespace warder::http {

// Thread-safe.
class EventRoutes {
 public:
  // Both outlive this.
  EventRoutes(app::EventIntake& intake, Metrics& metrics)
      : intake_(intake), metrics_(metrics) {}

  // Returns whether a request with this path is for Answer.
  static bool Handles(absl::string_view path);

  // 202 for a token that was taken, 400 with `err` and `description` (RFC 8935
  // section 2.3) for one that never will be, 404 for no such transmitter, 405 for
  // another method than POST, 503 for one to send again. Blocks
  // for a store transaction, and at times for a fetch of the key set.
  HttpResponse Answer(const HttpRequest& request);

 private:
  HttpResponse Dispatch(const HttpRequest& request);

  app::EventIntake& intake_;
  Metrics& metrics_;
};

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_EVENT_ROUTES_H_
