#include "server/http/wire/message.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/strict_json.h"

namespace warder::http {

absl::string_view StatusPhrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
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

std::optional<std::string> QueryParameter(absl::string_view query,
                                          absl::string_view name) {
  const auto decode = [](absl::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && i + 2 < text.size() &&
          absl::ascii_isxdigit(text[i + 1]) &&
          absl::ascii_isxdigit(text[i + 2])) {
        out += absl::HexStringToBytes(text.substr(i + 1, 2));
        i += 2;
      } else {
        out.push_back(text[i] == '+' ? ' ' : text[i]);
      }
    }
    return out;
  };
  for (const absl::string_view part : absl::StrSplit(query, '&')) {
    const size_t equals = std::min(part.find('='), part.size());
    if (decode(part.substr(0, equals)) != name) continue;
    return decode(part.substr(std::min(equals + 1, part.size())));
  }
  return std::nullopt;
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
