#include "server/domain/horizon.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace warder::domain {
namespace {

// `declared` beside the default moves a bound by as much.
absl::Duration TimeOf(const CacheBound& bound, const Consumer& consumer,
                      const std::optional<absl::Duration>& declared,
                      absl::Duration max_age) {
  const absl::Duration cache = declared.value_or(consumer.default_cache);
  switch (bound.kind) {
    case CacheBound::Kind::kWithin:
      return std::max(bound.time - consumer.default_cache + cache,
                      absl::ZeroDuration());
    case CacheBound::Kind::kMaxAge:
      return std::max(max_age, bound.time) +
             declared.value_or(absl::ZeroDuration());
    case CacheBound::Kind::kTokenExpiry:
      // Who holds the key chose the `exp` of his tokens himself.
      return declared.value_or(absl::InfiniteDuration());
    case CacheBound::Kind::kUnbounded: break;
  }
  return absl::InfiniteDuration();
}

std::string NextStep(const Gateway& gateway, const Consumer& consumer) {
  if (gateway.reach == Reach::kManual) {
    return absl::StrCat(
        "take the key out there by hand, then: warder gateway confirm ",
        gateway.id.value(), " KID");
  }
  if (KeepsVerifiedTokens(gateway)) {
    return absl::StrCat(
        "restart it, then: warder gateway confirm ", gateway.id.value(),
        " KID; where it bounds how long a token may live, declare that: warder "
        "gateway update ",
        gateway.id.value(), " --cache TIME");
  }
  if (!gateway.probe) {
    return absl::StrCat(
        "give it a probe, so that it can be asked: warder "
        "gateway update ",
        gateway.id.value(),
        " --probe-url URL --probe-audience urn:warder:probe",
        consumer.cache_setting.empty()
            ? ""
            : absl::StrCat("; or bound its cache (", consumer.cache_setting,
                           ") and declare it: --cache TIME"));
  }
  return absl::StrCat(
      "wait for the probe, or restart it, then: warder gateway "
      "confirm ",
      gateway.id.value(), " KID");
}

}  // namespace

Horizon HorizonOf(const Gateway& gateway, absl::Duration max_age) {
  Horizon horizon{.expected = absl::InfiniteDuration(),
                  .latest = absl::InfiniteDuration(),
                  .why = {},
                  .next = {}};
  const Consumer* consumer = FindConsumer(gateway.consumer);
  if (consumer == nullptr) {  // a row of another version's table
    horizon.why = absl::StrCat("\"", gateway.consumer,
                               "\" is not in the table of verifiers");
    horizon.next = "warder gateway kinds";
    return horizon;
  }
  if (gateway.reach == Reach::kManual) {
    horizon.why = "keys are carried there by a person";
    horizon.next = NextStep(gateway, *consumer);
    return horizon;
  }
  const auto& cache = gateway.cache;
  // A time that a gateway declares bounds what has no bound by itself.
  horizon.expected =
      consumer->healthy.kind == CacheBound::Kind::kUnbounded && cache
          ? *cache
          : TimeOf(consumer->healthy, *consumer, cache, max_age);
  horizon.latest = std::max(TimeOf(consumer->down, *consumer, cache, max_age),
                            horizon.expected);
  // The set it fetches from an agent may be this old when the agent is cut off.
  if (gateway.reach == Reach::kStream && !consumer->acknowledges) {
    horizon.latest += kDefaultStaleness;
  }
  if (horizon.bounded()) return horizon;
  horizon.why =
      consumer->down.why.empty() ? consumer->healthy.why : consumer->down.why;
  if (horizon.why.empty()) {
    horizon.why =
        "a token that it verified before the revocation is accepted until its "
        "`exp`, which a thief chose himself";
  }
  horizon.next = NextStep(gateway, *consumer);
  return horizon;
}

}  // namespace warder::domain
