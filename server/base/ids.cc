#include "server/base/ids.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder {
namespace {

std::string Seen(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, 80)),
                      text.size() > 80 ? "…\"" : "\"");
}

bool LowerOrDigit(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c);
}

// Returns what follows `collection` in a resource name.
absl::StatusOr<absl::string_view> IdIn(absl::string_view field,
                                       absl::string_view name,
                                       absl::string_view collection,
                                       absl::string_view id) {
  absl::string_view rest = name;
  if (absl::ConsumePrefix(&rest, collection)) return rest;
  return FieldError(
      field, absl::StrCat(Seen(name), " is not of the form ", collection, id));
}

}  // namespace

absl::StatusOr<IssuerId> ParseIssuerId(absl::string_view field,
                                       absl::string_view text) {
  bool good =
      !text.empty() && text.size() <= 63 && absl::ascii_islower(text[0]);
  for (const char c : text) good = good && (LowerOrDigit(c) || c == '-');
  if (!good) {
    return FieldError(field, absl::StrCat(Seen(text),
                                          " is not an issuer ID: 1 to 63 of "
                                          "a-z, 0-9 and -, a letter first"));
  }
  return IssuerId(text);
}

absl::StatusOr<OwnerId> ParseOwnerId(absl::string_view field,
                                     absl::string_view text) {
  bool good = !text.empty() && text.size() <= 63 && LowerOrDigit(text[0]);
  for (const char c : text) {
    good = good && (LowerOrDigit(c) || c == '-' || c == '.' || c == '_');
  }
  if (!good) {
    return FieldError(field,
                      absl::StrCat(Seen(text),
                                   " is no such name: 1 to 63 of a-z, 0-9, "
                                   "., _ and -, a letter or digit first"));
  }
  return OwnerId(text);
}

absl::StatusOr<KeyId> ParseKeyId(absl::string_view field,
                                 absl::string_view text) {
  bool good = text.size() == 43;
  for (const char c : text) {
    good = good && (absl::ascii_isalnum(c) || c == '-' || c == '_');
  }
  if (!good) {
    return FieldError(field,
                      absl::StrCat(Seen(text),
                                   " is not a key ID: the RFC 7638 SHA-256 "
                                   "thumbprint, 43 base64url characters"));
  }
  return KeyId(text);
}

absl::StatusOr<GatewayId> ParseGatewayId(absl::string_view field,
                                         absl::string_view text) {
  // The grammar of names in certificates.
  ASSIGN_OR_RETURN(const OwnerId id, ParseOwnerId(field, text));
  return GatewayId(id.value());
}

std::string IssuerName(const IssuerId& issuer) {
  return absl::StrCat("issuers/", issuer.value());
}

std::string OwnerName(const OwnerId& owner) {
  return absl::StrCat("owners/", owner.value());
}

std::string KeyName(const IssuerId& issuer, const KeyId& key) {
  return absl::StrCat("issuers/", issuer.value(), "/keys/", key.value());
}

std::string GatewayName(const GatewayId& gateway) {
  return absl::StrCat("gateways/", gateway.value());
}

std::string RevocationName(const KeyId& key) {
  return absl::StrCat("revocations/", key.value());
}

std::string DrillName(const DrillId& drill) {
  return absl::StrCat("drills/", drill.value());
}

std::string AlarmName(int64_t number) {
  return absl::StrCat("alarms/", number);
}

absl::StatusOr<IssuerId> ParseIssuerName(absl::string_view field,
                                         absl::string_view name) {
  ASSIGN_OR_RETURN(const auto id, IdIn(field, name, "issuers/", "{issuer}"));
  return ParseIssuerId(field, id);
}

absl::StatusOr<OwnerId> ParseOwnerName(absl::string_view field,
                                       absl::string_view name) {
  ASSIGN_OR_RETURN(const auto id, IdIn(field, name, "owners/", "{owner}"));
  return ParseOwnerId(field, id);
}

absl::StatusOr<std::pair<IssuerId, KeyId>> ParseKeyName(
    absl::string_view field, absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() != 4 || parts[0] != "issuers" || parts[2] != "keys") {
    return FieldError(field, absl::StrCat(Seen(name),
                                          " is not of the form "
                                          "issuers/{issuer}/keys/{kid}"));
  }
  ASSIGN_OR_RETURN(IssuerId issuer, ParseIssuerId(field, parts[1]));
  ASSIGN_OR_RETURN(KeyId key, ParseKeyId(field, parts[3]));
  return std::make_pair(std::move(issuer), std::move(key));
}

absl::StatusOr<GatewayId> ParseGatewayName(absl::string_view field,
                                           absl::string_view name) {
  ASSIGN_OR_RETURN(const auto id, IdIn(field, name, "gateways/", "{gateway}"));
  return ParseGatewayId(field, id);
}

absl::StatusOr<KeyId> ParseRevocationName(absl::string_view field,
                                          absl::string_view name) {
  ASSIGN_OR_RETURN(const auto id, IdIn(field, name, "revocations/", "{kid}"));
  return ParseKeyId(field, id);
}

absl::StatusOr<DrillId> ParseDrillName(absl::string_view field,
                                       absl::string_view name) {
  ASSIGN_OR_RETURN(const auto id, IdIn(field, name, "drills/", "{drill}"));
  ASSIGN_OR_RETURN(const OwnerId parsed, ParseOwnerId(field, id));
  return DrillId(parsed.value());
}

absl::StatusOr<int64_t> ParseAlarmName(absl::string_view field,
                                       absl::string_view name) {
  ASSIGN_OR_RETURN(const auto id, IdIn(field, name, "alarms/", "{number}"));
  int64_t number = 0;
  if (!absl::SimpleAtoi(id, &number) || number < 1 ||
      absl::StrCat(number) != id) {
    return FieldError(
        field, absl::StrCat(Seen(name), " is not of the form alarms/{number}"));
  }
  return number;
}

}  // namespace warder
