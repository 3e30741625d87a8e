#include "client/verify/token_form.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/base64url.h"

namespace warder::client {
namespace {

bool IsEcdsa(const TrustedKey& key) { return absl::StartsWith(key.alg, "ES"); }

}  // namespace

Verdict Refuse(Refusal refusal, absl::string_view detail) {
  Verdict verdict;
  verdict.refusal = refusal;
  verdict.detail = std::string(detail);
  return verdict;
}

std::optional<TokenParts> Split(absl::string_view token,
                                absl::string_view source) {
  const size_t first = token.find('.');
  if (first == absl::string_view::npos || first == 0) return std::nullopt;
  const size_t second = token.find('.', first + 1);
  if (second == absl::string_view::npos ||
      token.find('.', second + 1) != absl::string_view::npos) {
    return std::nullopt;
  }
  return TokenParts{.header = token.substr(0, first),
                    .payload = token.substr(first + 1, second - first - 1),
                    .signature = token.substr(second + 1),
                    .signing_input = token.substr(0, second),
                    .source = source};
}

std::optional<Verdict> ReadObject(absl::string_view what,
                                  absl::string_view part, Json& out) {
  const auto text = Base64UrlDecode(part);
  if (!text.ok()) {
    return Refuse(Refusal::kMalformed,
                  absl::StrCat(what, " is not base64url without padding"));
  }
  auto object = ParseJsonObject(*text);
  if (object.ok()) {
    out = *std::move(object);
    return std::nullopt;
  }
  return Refuse(absl::StrContains(object.status().message(), "duplicate")
                    ? Refusal::kDuplicateMember
                    : Refusal::kMalformed,
                absl::StrCat(what, ": ", object.status().message()));
}

std::optional<Verdict> CheckSignature(const TrustedKey& key,
                                      absl::string_view signing_input,
                                      absl::string_view part) {
  const auto signature = Base64UrlDecode(part);
  if (!signature.ok()) {
    return Refuse(Refusal::kMalformed, "the signature is not base64url");
  }
  if (IsEcdsa(key)) {
    const size_t wanted =
        2 * crypto::CoordinateWidth(crypto::TypeOf(key.scheme));
    if (signature->size() != wanted) {
      return Refuse(Refusal::kSignatureForm,
                    absl::StrCat("the signature has ", signature->size(),
                                 " bytes, R || ", "S has ", wanted,
                                 signature->empty() || (*signature)[0] != 0x30
                                     ? ""
                                     : "; it looks like DER"));
    }
  }
  const auto numbers = key.key->Get();
  if (!numbers.ok()) {
    return Refuse(Refusal::kBadSignature,
                  absl::StrCat("what is published as that key is none: ",
                               numbers.status().message()));
  }
  const auto good = (*numbers)->Verify(key.scheme, signing_input, *signature);
  if (good.ok() && *good) return std::nullopt;
  return Refuse(Refusal::kBadSignature, "the signature is not by that key");
}

std::optional<absl::Time> TimeClaim(const Json& claims, const char* name) {
  const auto it = claims.find(name);
  if (it == claims.end() || !it->is_number()) return std::nullopt;
  const double seconds = it->get<double>();
  if (!(seconds >= 0 && seconds < 1e11)) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

bool IsForProbes(const Json& audience) {
  constexpr absl::string_view kProbe = "urn:warder:probe";
  const auto one = [&](const Json& value) {
    if (!value.is_string()) return false;
    const absl::string_view text = value.get_ref<const std::string&>();
    return text == kProbe ||
           (absl::StartsWith(text, kProbe) && text[kProbe.size()] == ':');
  };
  return audience.is_array()
             ? !audience.empty() &&
                   std::all_of(audience.begin(), audience.end(), one)
             : one(audience);
}

absl::string_view FirstAudience(const Json& claims) {
  const auto audience = claims.find("aud");
  if (audience == claims.end()) return "";
  const Json& first = audience->is_array() && !audience->empty()
                          ? audience->front()
                          : *audience;
  return first.is_string()
             ? absl::string_view(first.get_ref<const std::string&>())
             : absl::string_view();
}

}  // namespace warder::client
