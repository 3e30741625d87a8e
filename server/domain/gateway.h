// A registered verifier: what it is, how it learns of changes, how it is asked
// whether it refuses. Plain values.
#ifndef WARDER_SERVER_DOMAIN_GATEWAY_H_
#define WARDER_SERVER_DOMAIN_GATEWAY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/domain/algorithm.h"
#include "server/domain/consumer.h"

namespace warder::domain {

// How a gateway learns that the key set changed.
enum class Reach {
  kStream,  // an agent or libwarder: pushed and acknowledged
  kPoll,    // it fetches its own URL now and then
  kManual,  // a person carries keys there, and says so
};

absl::string_view ReachName(Reach reach);
absl::StatusOr<Reach> ParseReach(absl::string_view field,
                                 absl::string_view name);

// What a gateway with an agent or libwarder asks of the ledger before it accepts
// a token; for keys that LedgerNeedOf names it always asks.
enum class IssuanceMode {
  kObserve,  // nothing: it reports, and an alarm follows
  kStepUp,   // the verdict, for the backend to act on
  kEnforce,  // the verdict, and refuses what was never issued
};

absl::string_view IssuanceModeName(IssuanceMode mode);
absl::StatusOr<IssuanceMode> ParseIssuanceMode(absl::string_view field,
                                               absl::string_view name);

// Where the gateway can be asked, with a token of ours, whether it accepts.
struct Probe {
  std::string url = {};
  // Where the token goes: in this header after "Bearer " (Authorization), or as
  // it is (any other); or in this cookie. One of both.
  std::string header = "Authorization";
  std::string cookie = {};
  // The audience of probe tokens, see IsProbeAudience; the gateway accepts it
  // on this URL alone.
  std::string audience = {};
  // Answers that mean that the token was accepted, and refused. Any other means
  // that nothing was learned.
  std::vector<int> accepted = {200, 204};
  std::vector<int> refused = {401, 403};
  // The probe may reach loopback, private and link-local addresses.
  bool local = false;

  friend bool operator==(const Probe&, const Probe&) = default;
};

struct Gateway {
  GatewayId id;
  std::string display_name;
  std::string contact;
  std::string consumer;  // Consumer::id
  std::string version;   // of the consumer, for people
  Reach reach = Reach::kPoll;
  std::vector<IssuerId> issuers;  // it verifies tokens of, sorted
  // How long it caches, where its configuration says something else than the
  // consumer's default.
  std::optional<absl::Duration> cache;
  // Addresses its fetches come from (CIDR). Where there are none, anybody may
  // have fetched its URL.
  std::vector<std::string> fetch_sources;
  std::optional<Probe> probe;
  // Of `issuers`; kObserve of those that are not in it.
  std::map<IssuerId, IssuanceMode> issuance_modes;
  std::string created_by;
  absl::Time create_time;
  absl::Time update_time;
  int64_t rev = 0;

  friend bool operator==(const Gateway&, const Gateway&) = default;
};

// What one gateway is known to hold of one issuer's key set.
struct GatewayView {
  GatewayId gateway;
  IssuerId issuer;
  // The newest revision that it is known to have, since when, and from where or
  // from which instance; 0: none.
  int64_t revision = 0;
  absl::Time time;
  std::string source;
  // Its own word (an acknowledgement) or, false, that its URL was fetched.
  bool acknowledged = false;
  // When anything was last heard of it.
  absl::Time heard_time;

  friend bool operator==(const GatewayView&, const GatewayView&) = default;
};

// One process of a gateway on the stream.
struct GatewayInstance {
  GatewayId gateway;
  std::string name;
  // Cut off for longer it refuses; see app/stream_instances.h.
  absl::Duration max_staleness;
  absl::Time heard_time;

  friend bool operator==(const GatewayInstance&,
                         const GatewayInstance&) = default;
};

// Returns OK, or INVALID_ARGUMENT naming the field: consumer, reach, issuers,
// cache, fetch_sources[i], probe.url, probe.header, probe.cookie,
// probe.audience, probe.accepted, probe.refused, issuance_modes, contact,
// display_name, version.
absl::Status ValidateGateway(const Gateway& gateway);

// What probe tokens are for. They are signed by living keys, too: were their
// audience a real one, whoever runs or logs a probe's URL would hold tokens
// that open the real thing.
inline constexpr char kProbeAudience[] = "urn:warder:probe";
// Returns whether `audience` is that, or that and more after a colon.
bool IsProbeAudience(absl::string_view audience);

// Returns what it asks of the ledger for tokens of `issuer`.
IssuanceMode IssuanceModeOf(const Gateway& gateway, const IssuerId& issuer);

// Returns whether the gateway's kind of verifier reads keys of `algorithm`.
bool Reads(const Gateway& gateway, Algorithm algorithm);

// Returns whether it goes on accepting tokens that it verified once, for as
// long as they say themselves or it declares: what it refuses when it is asked
// says nothing of those.
bool KeepsVerifiedTokens(const Gateway& gateway);

// Returns whether `address` ("192.0.2.7", "::1") is one of
// gateway.fetch_sources.
bool FetchesFrom(const Gateway& gateway, absl::string_view address);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_GATEWAY_H_
