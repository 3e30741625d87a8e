#include "server/app/token_reader.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::app {
namespace {

constexpr size_t kMostBytes = 64 * 1024;
// The last second that absl::Time shows as a date of four digits.
constexpr double kLastSecond = 253402300799.0;

// NumericDate (RFC 7519 section 2) may have a fraction.
std::optional<absl::Time> TimeIn(const Json& claims, const char* name) {
  const auto it = claims.find(name);
  if (it == claims.end() || !it->is_number()) return std::nullopt;
  const double seconds = it->get<double>();
  if (!(seconds >= 0 && seconds <= kLastSecond)) return std::nullopt;
  return absl::FromUnixSeconds(static_cast<int64_t>(std::floor(seconds)));
}

absl::StatusOr<Json> ObjectIn(absl::string_view field, absl::string_view what,
                              absl::string_view part) {
  auto text = Base64UrlDecode(part);
  if (!text.ok()) {
    return FieldError(field, absl::StrCat("its ", what, " is no base64url"));
  }
  auto object = ParseJsonObject(*text, {.max_bytes = kMostBytes});
  if (!object.ok()) {
    return FieldError(field, absl::StrCat("its ", what, " is no JSON object: ",
                                          object.status().message()));
  }
  return object;
}

}  // namespace

absl::StatusOr<ReadToken> ReadTokenText(absl::string_view field,
                                        absl::string_view text) {
  const size_t dot = text.find('.');
  if (dot == absl::string_view::npos || text.size() > kMostBytes) {
    return FieldError(field, absl::StrCat(text.size(),
                                          " bytes that are no JWS in compact "
                                          "serialization of up to 64 KiB"));
  }
  ReadToken token;
  const size_t end = text.find('.', dot + 1);
  token.signing_input = text.substr(0, end);
  ASSIGN_OR_RETURN(token.header,
                   ObjectIn(field, "header", text.substr(0, dot)));
  ASSIGN_OR_RETURN(token.claims, ObjectIn(field, "payload",
                                          token.signing_input.substr(dot + 1)));
  const auto kid = token.header.find("kid");
  if (kid != token.header.end() && kid->is_string()) {
    token.kid = kid->get<std::string>();
  }
  const auto issued = TimeIn(token.claims, "iat");
  if (!issued) {
    return FieldError(field,
                      "its iat is missing, or no time; the ledger looks "
                      "for a token in the minute of it");
  }
  token.issue_time = *issued;
  token.expire_time = TimeIn(token.claims, "exp");
  const auto audience = token.claims.find("aud");
  if (audience != token.claims.end()) {
    for (const Json& one :
         audience->is_array() ? *audience : Json::array({*audience})) {
      if (one.is_string()) token.audiences.push_back(one.get<std::string>());
    }
  }
  return token;
}

}  // namespace warder::app
