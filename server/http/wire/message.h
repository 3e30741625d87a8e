// Requests and responses as routes see them.
#ifndef WARDER_SERVER_HTTP_WIRE_MESSAGE_H_
#define WARDER_SERVER_HTTP_WIRE_MESSAGE_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder::http {

// Views into the connection's buffer; valid during the call.
struct HttpRequest {
  absl::string_view method;         // "GET"
  absl::string_view path;           // the target up to '?'
  absl::string_view if_none_match;  // or empty
  // For doors that read credentials.
  absl::string_view authorization = {};
  absl::string_view cookie = {};
  absl::string_view real_ip = {};  // X-Real-IP, as a proxy says it
  // For doors that take bodies; empty where the client sent none.
  absl::string_view query = {};  // what follows '?', still encoded
  absl::string_view if_match = {};
  absl::string_view content_type = {};
  absl::string_view body = {};
  absl::string_view peer_uri = {};      // of a verified client certificate
  absl::string_view peer_address = {};  // "192.0.2.7", "2001:db8::1"
};

// Returns the value of a query parameter, decoded (application/
// x-www-form-urlencoded); nullopt where it is absent. Of several, the first.
std::optional<std::string> QueryParameter(absl::string_view query,
                                          absl::string_view name);

struct HttpResponse {
  int status = 200;
  // Header lines, each ended by CRLF. Date, Connection and Content-Length are
  // the session's.
  std::string headers;
  std::string body;
};

// Called from listener threads, concurrently; must not block for long.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Returns the reason phrase of a status this house answers with.
absl::string_view StatusPhrase(int status);

// Returns a JSON error: {"error", "error_description"} (OpenID Federation 1.0
// section 8.9).
HttpResponse ErrorResponse(int status, absl::string_view error,
                           absl::string_view description);

// Returns whether an If-None-Match value names `etag` (RFC 9110 section
// 13.1.2: a list or "*", weak comparison).
bool MatchesEtag(absl::string_view if_none_match, absl::string_view etag);

// Returns an IMF-fixdate (RFC 9110 section 5.6.7).
std::string HttpDate(absl::Time time);

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_WIRE_MESSAGE_H_
