#include "server/domain/activation.h"

#include <algorithm>

namespace warder::domain {
namespace {

// How long after its publication a gateway may still not know a key.
absl::Duration FetchesWithin(const Gateway& gateway, absl::Duration max_age) {
  const absl::Duration expected = HorizonOf(gateway, max_age).expected;
  const Consumer* consumer = FindConsumer(gateway.consumer);
  if (gateway.reach == Reach::kManual || consumer == nullptr ||
      consumer->unknown_kid == UnknownKid::kIgnored) {
    return expected;
  }
  // Some honour max-age before they fetch for an unknown kid.
  return std::min(expected,
                  std::max(consumer->cooldown.value_or(absl::ZeroDuration()),
                           max_age));
}

}  // namespace

std::vector<Waiting> WaitingFor(const Key& key,
                                const std::vector<Gateway>& gateways,
                                const std::vector<GatewayView>& views,
                                absl::Duration max_age, absl::Time now) {
  std::vector<Waiting> waiting;
  for (const Gateway& gateway : gateways) {
    if (!Reads(gateway, key.algorithm)) continue;  // it never will
    const bool holds =
        std::any_of(views.begin(), views.end(), [&](const GatewayView& view) {
          return view.gateway == gateway.id &&
                 view.revision >= key.publish_revision;
        });
    const absl::Time until = key.publish_time + FetchesWithin(gateway, max_age);
    if (!holds && now < until) {
      waiting.push_back({.gateway = gateway.id, .until = until});
    }
  }
  return waiting;
}

}  // namespace warder::domain
