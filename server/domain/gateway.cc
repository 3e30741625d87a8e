#include "server/domain/gateway.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder::domain {
namespace {

constexpr size_t kMostIssuers = 1000;
constexpr size_t kMostSources = 50;
constexpr size_t kTextBytes = 256;
constexpr absl::Duration kLongestCache = absl::Hours(24 * 31);

struct AddressRange {
  std::array<uint8_t, 16> address{};  // IPv4 as ::ffff:a.b.c.d
  int bits = 128;
};

std::optional<std::array<uint8_t, 16>> ParseAddress(absl::string_view text) {
  std::array<uint8_t, 16> bytes{};
  const std::string copy(text);
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return bytes;
  in_addr v4{};
  if (inet_pton(AF_INET, copy.c_str(), &v4) != 1) return std::nullopt;
  bytes[10] = bytes[11] = 0xff;
  const auto* from = reinterpret_cast<const uint8_t*>(&v4);
  std::copy(from, from + 4, bytes.begin() + 12);
  return bytes;
}

std::optional<AddressRange> ParseRange(absl::string_view text) {
  const size_t slash = text.find('/');
  const absl::string_view address = text.substr(0, slash);
  const auto bytes = ParseAddress(address);
  if (!bytes) return std::nullopt;
  AddressRange range{.address = *bytes};
  if (slash == absl::string_view::npos) return range;
  const bool v4 =
      absl::StrContains(address, '.') && !absl::StrContains(address, ':');
  int bits = 0;
  if (!absl::SimpleAtoi(text.substr(slash + 1), &bits) || bits < 0 ||
      bits > (v4 ? 32 : 128)) {
    return std::nullopt;
  }
  range.bits = v4 ? 96 + bits : bits;
  return range;
}

bool Holds(const AddressRange& range, const std::array<uint8_t, 16>& address) {
  for (int bit = 0; bit < range.bits; ++bit) {
    const size_t byte = static_cast<size_t>(bit) / 8;
    const int mask = 0x80 >> (bit % 8);
    if ((range.address[byte] & mask) != (address[byte] & mask)) return false;
  }
  return true;
}

absl::Status CheckText(absl::string_view field, absl::string_view text) {
  if (text.size() <= kTextBytes) return absl::OkStatus();
  return FieldError(field, absl::StrCat("is of ", text.size(),
                                        " bytes; at most ", kTextBytes));
}

absl::Status CheckToken(absl::string_view field, absl::string_view name) {
  const bool good =
      name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
               c == '_';
      });
  if (good) return absl::OkStatus();
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is no name of up to 64 letters, "
                                        "digits, - and _"));
}

absl::Status CheckAnswers(absl::string_view field,
                          const std::vector<int>& statuses) {
  if (statuses.empty() || statuses.size() > 20) {
    return FieldError(field, "1 to 20 HTTP statuses are wanted");
  }
  for (const int status : statuses) {
    if (status >= 200 && status <= 599 && status / 100 != 3) continue;
    return FieldError(field, absl::StrCat(status,
                                          " is no answer that tells "
                                          "anything: 200 to 299 and 400 to "
                                          "599 are"));
  }
  return absl::OkStatus();
}

absl::Status CheckProbe(const Probe& probe) {
  RETURN_IF_ERROR(CheckToken("probe.header", probe.header));
  RETURN_IF_ERROR(CheckToken("probe.cookie", probe.cookie));
  if (probe.header.empty() == probe.cookie.empty()) {
    return FieldError("probe.header", "name a header or a cookie, not both");
  }
  RETURN_IF_ERROR(CheckText("probe.audience", probe.audience));
  if (!IsProbeAudience(probe.audience)) {
    return FieldError(
        "probe.audience",
        absl::StrCat("\"", probe.audience, "\" is not ", kProbeAudience,
                     ", nor that with more after a colon: an audience of its "
                     "own, which the gateway accepts on the probe's URL alone, "
                     "so that a probe's token opens nothing else"));
  }
  RETURN_IF_ERROR(CheckAnswers("probe.accepted", probe.accepted));
  RETURN_IF_ERROR(CheckAnswers("probe.refused", probe.refused));
  for (const int status : probe.accepted) {
    if (std::count(probe.refused.begin(), probe.refused.end(), status) > 0) {
      return FieldError("probe.refused",
                        absl::StrCat(status, " stands in probe.accepted, too"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view ReachName(Reach reach) {
  switch (reach) {
    case Reach::kStream: return "STREAM";
    case Reach::kPoll: return "POLL";
    case Reach::kManual: return "MANUAL";
  }
  return "";
}

absl::StatusOr<Reach> ParseReach(absl::string_view field,
                                 absl::string_view name) {
  for (const Reach reach : {Reach::kStream, Reach::kPoll, Reach::kManual}) {
    if (ReachName(reach) == name) return reach;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is not STREAM, POLL or MANUAL"));
}

absl::Status ValidateGateway(const Gateway& gateway) {
  RETURN_IF_ERROR(CheckText("display_name", gateway.display_name));
  RETURN_IF_ERROR(CheckText("contact", gateway.contact));
  RETURN_IF_ERROR(CheckText("version", gateway.version));
  const Consumer* consumer = FindConsumer(gateway.consumer);
  if (consumer == nullptr) {
    return FieldError("consumer",
                      absl::StrCat("\"", gateway.consumer.substr(0, 40),
                                   "\" is not in the table of verifiers; see: "
                                   "warder gateway kinds. \"other\" stands "
                                   "for what nobody has read yet"));
  }
  if (gateway.issuers.empty() || gateway.issuers.size() > kMostIssuers) {
    return FieldError("issuers",
                      absl::StrCat("1 to ", kMostIssuers,
                                   " issuers are wanted: whose tokens does it "
                                   "verify?"));
  }
  if (gateway.cache) {
    // Of who keeps verified tokens it says how long a token may live at most.
    if (consumer->cache_setting.empty() && !KeepsVerifiedTokens(gateway)) {
      return FieldError("cache",
                        absl::StrCat(consumer->id,
                                     " has no setting for how long it keeps "
                                     "keys; leave it out"));
    }
    if (*gateway.cache < absl::ZeroDuration() ||
        *gateway.cache > kLongestCache) {
      return FieldError("cache", absl::StrCat(DurationText(*gateway.cache),
                                              "; 0s to 31d is taken"));
    }
  }
  if (gateway.fetch_sources.size() > kMostSources) {
    return FieldError("fetch_sources", absl::StrCat("at most ", kMostSources));
  }
  for (size_t i = 0; i < gateway.fetch_sources.size(); ++i) {
    if (ParseRange(gateway.fetch_sources[i])) continue;
    return FieldError(absl::StrCat("fetch_sources[", i, "]"),
                      absl::StrCat("\"", gateway.fetch_sources[i].substr(0, 64),
                                   "\" is no address or range such as "
                                   "192.0.2.0/24 or 2001:db8::/32"));
  }
  if (gateway.probe) RETURN_IF_ERROR(CheckProbe(*gateway.probe));
  for (const auto& [issuer, mode] : gateway.issuance_modes) {
    if (std::count(gateway.issuers.begin(), gateway.issuers.end(), issuer) ==
        0) {
      return FieldError("issuance_modes",
                        absl::StrCat("names ", IssuerName(issuer),
                                     ", whose tokens it does not verify; set "
                                     "it to OBSERVE in the same update"));
    }
    if (mode != IssuanceMode::kObserve && gateway.reach != Reach::kStream) {
      return FieldError(
          "issuance_modes",
          absl::StrCat("nothing there can ask the ledger: reach is ",
                       ReachName(gateway.reach),
                       "; put an agent or libwarder beside it, with reach "
                       "STREAM"));
    }
  }
  return absl::OkStatus();
}

IssuanceMode IssuanceModeOf(const Gateway& gateway, const IssuerId& issuer) {
  const auto it = gateway.issuance_modes.find(issuer);
  return it == gateway.issuance_modes.end() ? IssuanceMode::kObserve
                                            : it->second;
}

absl::string_view IssuanceModeName(IssuanceMode mode) {
  switch (mode) {
    case IssuanceMode::kObserve: return "OBSERVE";
    case IssuanceMode::kStepUp: return "STEP_UP";
    case IssuanceMode::kEnforce: return "ENFORCE";
  }
  return "";
}

absl::StatusOr<IssuanceMode> ParseIssuanceMode(absl::string_view field,
                                               absl::string_view name) {
  for (const IssuanceMode mode : {IssuanceMode::kObserve, IssuanceMode::kStepUp,
                                  IssuanceMode::kEnforce}) {
    if (IssuanceModeName(mode) == name) return mode;
  }
  return FieldError(field,
                    absl::StrCat("\"", name.substr(0, 40),
                                 "\" is not OBSERVE, STEP_UP or ENFORCE"));
}

bool IsProbeAudience(absl::string_view audience) {
  return absl::ConsumePrefix(&audience, kProbeAudience) &&
         (audience.empty() || audience[0] == ':');
}

bool Reads(const Gateway& gateway, Algorithm algorithm) {
  if (algorithm != Algorithm::kEdDsa) return true;
  const Consumer* consumer = FindConsumer(gateway.consumer);
  return consumer != nullptr && consumer->reads_eddsa;
}

bool KeepsVerifiedTokens(const Gateway& gateway) {
  const Consumer* consumer = FindConsumer(gateway.consumer);
  return consumer != nullptr &&
         (consumer->healthy.kind == CacheBound::Kind::kTokenExpiry ||
          consumer->down.kind == CacheBound::Kind::kTokenExpiry);
}

bool FetchesFrom(const Gateway& gateway, absl::string_view address) {
  const auto bytes = ParseAddress(address);
  if (!bytes) return false;
  return std::any_of(gateway.fetch_sources.begin(), gateway.fetch_sources.end(),
                     [&](const std::string& text) {
                       const auto range = ParseRange(text);
                       return range && Holds(*range, *bytes);
                     });
}

}  // namespace warder::domain
