#include "server/domain/policy.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder::domain {
namespace {

constexpr absl::Duration kYear = absl::Hours(24 * 366);
constexpr int kMostPerSecond = 1'000'000;

absl::Status InRange(absl::string_view name, absl::Duration value,
                     absl::Duration least, absl::Duration most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return FieldError(
      absl::StrCat("policy.", name),
      absl::StrCat(DurationText(value), " is not between ", DurationText(least),
                   " and ", DurationText(most)));
}

absl::Status AtLeast(absl::string_view what, absl::Duration value,
                     absl::string_view bound_name, absl::Duration bound,
                     absl::string_view consequence) {
  if (value >= bound) return absl::OkStatus();
  return Precondition(
      Reason::kPolicyBreaksTiming,
      absl::StrCat(what, " (", DurationText(value), ") must be at least ",
                   bound_name, " (", DurationText(bound), "): ", consequence));
}

absl::Status ValidateText(absl::string_view field, absl::string_view text) {
  if (text.empty() || text.size() > 256) {
    return FieldError(
        field, absl::StrCat(text.size(), " bytes; 1 to 256 are allowed"));
  }
  for (const char c : text) {
    if (absl::ascii_iscntrl(c)) {
      return FieldError(field, "contains a control character");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view DepartureActionName(DepartureAction action) {
  return action == DepartureAction::kRevoke ? "REVOKE" : "ROTATE";
}

absl::Status ValidatePolicy(const Policy& p) {
  if (p.algorithms.empty() || p.algorithms.size() > 2) {
    return FieldError("policy.algorithms",
                      absl::StrCat(p.algorithms.size(),
                                   " named; one or two are allowed, so that a "
                                   "key set stays within five keys"));
  }
  if (std::set<Algorithm>(p.algorithms.begin(), p.algorithms.end()).size() !=
      p.algorithms.size()) {
    return FieldError("policy.algorithms", "names an algorithm twice");
  }
  RETURN_IF_ERROR(InRange("max_token_lifetime", p.max_token_lifetime,
                          absl::Seconds(1), absl::Hours(24 * 30)));
  RETURN_IF_ERROR(InRange("clock_skew", p.clock_skew, absl::ZeroDuration(),
                          absl::Minutes(10)));
  RETURN_IF_ERROR(InRange("cache_max_age", p.cache_max_age,
                          absl::ZeroDuration(), absl::Hours(24)));
  RETURN_IF_ERROR(InRange("verifier_cache", p.verifier_cache,
                          absl::ZeroDuration(), absl::Hours(24 * 30)));
  RETURN_IF_ERROR(
      InRange("publish_ahead", p.publish_ahead, absl::ZeroDuration(), kYear));
  RETURN_IF_ERROR(
      InRange("verify_grace", p.verify_grace, absl::Seconds(1), kYear));
  RETURN_IF_ERROR(
      InRange("rotation_period", p.rotation_period, absl::Seconds(1), kYear));
  RETURN_IF_ERROR(
      InRange("max_key_age", p.max_key_age, absl::Seconds(1), 2 * kYear));
  RETURN_IF_ERROR(InRange("max_revocation_exposure", p.max_revocation_exposure,
                          absl::ZeroDuration(), absl::Hours(24 * 60)));

  const absl::Duration staleness = p.verifier_cache + p.cache_max_age;
  RETURN_IF_ERROR(AtLeast("publish_ahead", p.publish_ahead,
                          "verifier_cache + cache_max_age", staleness,
                          "else tokens of a fresh key meet verifiers that have "
                          "not fetched it"));
  RETURN_IF_ERROR(AtLeast("verify_grace", p.verify_grace,
                          "max_token_lifetime + clock_skew",
                          p.max_token_lifetime + p.clock_skew,
                          "else good tokens die before they expire"));
  RETURN_IF_ERROR(AtLeast("max_revocation_exposure", p.max_revocation_exposure,
                          "verifier_cache + cache_max_age", staleness,
                          "a revoked key may be accepted that long; shorten "
                          "the caches or accept the longer exposure"));
  // Pending and retiring keys of one algorithm then never overlap, which keeps
  // two algorithms within five published keys.
  RETURN_IF_ERROR(AtLeast(
      "rotation_period", p.rotation_period, "publish_ahead + verify_grace",
      p.publish_ahead + p.verify_grace, "else keys pile up in the key set"));
  return AtLeast("max_key_age", p.max_key_age, "rotation_period",
                 p.rotation_period,
                 "else a key ends before its successor may sign");
}

void SetDefaultLifetimes(std::vector<Grant>& grants, const Policy& policy) {
  for (Grant& grant : grants) {
    if (grant.max_lifetime != absl::ZeroDuration()) continue;
    grant.max_lifetime = std::min(absl::Minutes(15), policy.max_token_lifetime);
  }
}

absl::Status ValidateGrants(const std::vector<Grant>& grants,
                            const Policy& policy) {
  if (grants.size() > 100) {
    return FieldError("grants",
                      absl::StrCat(grants.size(), " entries; at most 100"));
  }
  for (size_t i = 0; i < grants.size(); ++i) {
    const Grant& g = grants[i];
    const std::string at = absl::StrCat("grants[", i, "].");
    RETURN_IF_ERROR(ValidateText(at + "signer", g.signer));
    if (g.audiences.empty() || g.audiences.size() > 50) {
      return FieldError(
          at + "audiences",
          absl::StrCat(g.audiences.size(), " entries; name 1 to 50, or \"*\""));
    }
    for (const auto& audience : g.audiences) {
      RETURN_IF_ERROR(ValidateText(at + "audiences", audience));
    }
    if (g.token_types.empty() || g.token_types.size() > 10) {
      return FieldError(at + "token_types", "name 1 to 10, such as \"JWT\"");
    }
    for (const auto& type : g.token_types) {
      RETURN_IF_ERROR(ValidateText(at + "token_types", type));
      if (type == "*") {
        return FieldError(at + "token_types",
                          "\"*\" is not taken; name the types");
      }
      if (IsReservedTokenType(type)) {
        return FieldError(at + "token_types",
                          absl::StrCat("\"", type, "\" is reserved"));
      }
    }
    RETURN_IF_ERROR(ValidateText(at + "subject_pattern", g.subject_pattern));
    if (g.max_per_second < 0 || g.max_per_second > kMostPerSecond) {
      return FieldError(at + "max_per_second",
                        absl::StrCat(g.max_per_second, " is not between 1 and ",
                                     kMostPerSecond, ", or 0 for any number"));
    }
    if (g.max_lifetime < absl::Seconds(1) ||
        g.max_lifetime > policy.max_token_lifetime) {
      return FieldError(at + "max_lifetime",
                        absl::StrCat(DurationText(g.max_lifetime),
                                     " is not between 1s and the policy's "
                                     "max_token_lifetime, ",
                                     DurationText(policy.max_token_lifetime)));
    }
  }
  return absl::OkStatus();
}

bool IsReservedTokenType(absl::string_view type) {
  std::string plain = absl::AsciiStrToLower(type);
  if (plain.rfind("application/", 0) == 0) plain.erase(0, 12);
  return plain == "jwk-set+jwt" || plain == "secevent+jwt" ||
         plain == "leaver-certificate+jwt";
}

bool MatchesPattern(absl::string_view pattern, absl::string_view text) {
  size_t p = 0, t = 0, star = absl::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace warder::domain
