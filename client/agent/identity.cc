#include "client/agent/identity.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/base64url.h"

namespace warder::agent {
namespace {

constexpr size_t kMostSubjectBytes = 256;

std::string TextClaim(const Json& claims, const char* name) {
  const auto it = claims.find(name);
  return it != claims.end() && it->is_string() ? it->get<std::string>() : "";
}

bool Printable(absl::string_view text) {
  return !text.empty() && text.size() <= kMostSubjectBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isprint(static_cast<unsigned char>(c));
         });
}

}  // namespace

absl::string_view BearerOf(absl::string_view authorization) {
  const size_t blank = authorization.find(' ');
  if (blank == absl::string_view::npos ||
      !absl::EqualsIgnoreCase(authorization.substr(0, blank), "bearer")) {
    return "";
  }
  return absl::StripAsciiWhitespace(authorization.substr(blank + 1));
}

absl::string_view CookieOf(absl::string_view header, absl::string_view name) {
  absl::string_view found;
  int times = 0;
  for (absl::string_view pair : absl::StrSplit(header, ';')) {
    pair = absl::StripAsciiWhitespace(pair);
    const size_t equals = pair.find('=');
    if (equals == absl::string_view::npos || pair.substr(0, equals) != name) {
      continue;
    }
    found = pair.substr(equals + 1);
    ++times;
  }
  return times == 1 ? found : "";
}

std::vector<std::pair<std::string, std::string>> IdentityHeaders(
    const client::Verdict& verdict) {
  const Json& claims = verdict.token->claims;
  std::vector<std::pair<std::string, std::string>> headers = {
      {"Warder-Issuer", TextClaim(claims, "iss")},
      {"Warder-Key-Id", verdict.token->kid},
      {"Warder-Claims", Base64UrlEncode(WriteJson(claims))}};
  const std::string subject = TextClaim(claims, "sub");
  if (Printable(subject)) headers.emplace_back("Warder-Subject", subject);
  if (verdict.token->issuance) {
    headers.emplace_back(
        "Warder-Issued",
        std::string(client::IssuanceName(*verdict.token->issuance)));
  }
  if (verdict.stale) headers.emplace_back("Warder-Stale", "true");
  return headers;
}

}  // namespace warder::agent
