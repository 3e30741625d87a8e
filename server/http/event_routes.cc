#include "server/http/event_routes.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/strict_json.h"

namespace warder::http {
namespace {

constexpr absl::string_view kStart = "/feeds/";
constexpr absl::string_view kEnd = "/events";

HttpResponse JsonResponse(int status, const Json& body) {
  HttpResponse response;
  response.status = status;
  response.headers =
      "Content-Type: application/json\r\nCache-Control: no-store\r\n";
  response.body = WriteJson(body);
  return response;
}

HttpResponse Refusal(absl::string_view code, absl::string_view description) {
  return JsonResponse(400, {{"err", code}, {"description", description}});
}

bool IsSet(absl::string_view content_type) {
  return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(content_type.substr(
                                    0, content_type.find(';'))),
                                "application/secevent+jwt");
}

}  // namespace

bool EventRoutes::Handles(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, kStart) ||
      !absl::ConsumeSuffix(&path, kEnd)) {
    return false;
  }
  return !path.empty() && path.find('/') == absl::string_view::npos;
}

HttpResponse EventRoutes::Answer(const HttpRequest& request) {
  HttpResponse response = Dispatch(request);
  metrics_.CountHrRequest(request.method, response.status);
  return response;
}

HttpResponse EventRoutes::Dispatch(const HttpRequest& request) {
  if (request.method != "POST") {
    HttpResponse response =
        ErrorResponse(405, "method_not_allowed",
                      "security events are pushed by POST (RFC 8935)");
    absl::StrAppend(&response.headers, "Allow: POST\r\n");
    return response;
  }
  if (!IsSet(request.content_type)) {
    return Refusal("invalid_request",
                   "Content-Type: application/secevent+jwt is wanted");
  }
  absl::string_view feed = request.path;
  absl::ConsumePrefix(&feed, kStart);
  absl::ConsumeSuffix(&feed, kEnd);
  const app::EventIntake::Answer answer =
      intake_.Take(std::string(feed), absl::StripAsciiWhitespace(request.body));
  if (absl::IsNotFound(answer.failure)) {
    return ErrorResponse(404, "not_found",
                         "no transmitter of this name is believed; make one "
                         "with: warder transmitter create");
  }
  if (!answer.failure.ok()) {
    return ErrorResponse(503, "temporarily_unavailable",
                         answer.failure.message());
  }
  if (answer.error != app::SecurityEventError::kNone) {
    return Refusal(app::SecurityEventErrorName(answer.error), answer.description);
  }
  HttpResponse response;
  response.status = 202;
  return response;
}

}  // namespace warder::http
