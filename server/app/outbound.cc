#include "server/app/outbound.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"

namespace warder::app {
namespace {

constexpr size_t kMaxUrlBytes = 2048;

bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace

absl::string_view SecurityEventErrorName(SecurityEventError error) {
  switch (error) {
    case SecurityEventError::kNone: return "";
    case SecurityEventError::kInvalidRequest: return "invalid_request";
    case SecurityEventError::kInvalidKey: return "invalid_key";
    case SecurityEventError::kInvalidIssuer: return "invalid_issuer";
    case SecurityEventError::kInvalidAudience: return "invalid_audience";
    case SecurityEventError::kAuthenticationFailed:
      return "authentication_failed";
  }
  return "";
}

absl::Status CheckUrl(absl::string_view field, absl::string_view url) {
  const auto refuse = [&](absl::string_view why) {
    return FieldError(field,
                      absl::StrCat("\"", url.substr(0, 80), "\" ", why,
                                   "; https://HOST/PATH is taken, and http for "
                                   "localhost, 127.0.0.1 and [::1]"));
  };
  if (url.size() > kMaxUrlBytes) return refuse("is past 2048 bytes");
  if (!std::all_of(url.begin(), url.end(),
                   [](char c) { return absl::ascii_isgraph(c); })) {
    return refuse("holds a blank or a byte that is not ASCII");
  }
  absl::string_view rest = url;
  const bool secure = absl::ConsumePrefix(&rest, "https://");
  if (!secure && !absl::ConsumePrefix(&rest, "http://")) {
    return refuse("is no https URL");
  }
  const absl::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != absl::string_view::npos) {
    return refuse("names a user");
  }
  if (rest.find('#') != absl::string_view::npos) {
    return refuse("has a fragment");
  }
  const bool bracketed = absl::StartsWith(authority, "[");
  const absl::string_view host = authority.substr(
      0, bracketed ? authority.find(']') + 1 : authority.find(':'));
  absl::string_view port = authority.substr(host.size());
  if (absl::ConsumePrefix(&port, ":") ? port.empty() : !port.empty()) {
    return refuse("names no host");
  }
  if (!std::all_of(port.begin(), port.end(),
                   [](char c) { return absl::ascii_isdigit(c); })) {
    return refuse("names no port");
  }
  if (host.empty()) return refuse("names no host");
  if (!secure && !IsLoopback(host)) return refuse("is not encrypted");
  return absl::OkStatus();
}

bool NamesLoopback(absl::string_view url) {
  absl::string_view host = url;
  if (const size_t at = host.find("://"); at != absl::string_view::npos) {
    host.remove_prefix(at + 3);
  }
  host = host.substr(0, host.find_first_of("/?#"));
  const bool bracketed = absl::StartsWith(host, "[");
  host = host.substr(0, bracketed ? host.find(']') + 1 : host.find(':'));
  return IsLoopback(absl::AsciiStrToLower(host));
}

std::string OriginOf(absl::string_view url) {
  const size_t authority = url.find("://");
  if (authority == absl::string_view::npos) return "";
  return std::string(url.substr(0, url.find_first_of("/?#", authority + 3)));
}

}  // namespace warder::app
