#include "server/http/message.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/strict_json.h"

namespace warder::http {

absl::string_view StatusPhrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
  }
}

HttpResponse ErrorResponse(int status, absl::string_view error,
                           absl::string_view description) {
  HttpResponse response;
  response.status = status;
  response.headers =
      "Content-Type: application/json\r\nCache-Control: no-store\r\n"
      "Access-Control-Allow-Origin: *\r\n";
  response.body =
      WriteJson({{"error", error}, {"error_description", description}});
  return response;
}

bool MatchesEtag(absl::string_view if_none_match, absl::string_view etag) {
  for (absl::string_view entry : absl::StrSplit(if_none_match, ',')) {
    entry = absl::StripAsciiWhitespace(entry);
    absl::ConsumePrefix(&entry, "W/");
    if (entry == etag || entry == "*") return true;
  }
  return false;
}

std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time,
                          absl::UTCTimeZone());
}

}  // namespace warder::http
