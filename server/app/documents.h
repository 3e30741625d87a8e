// The other documents of the public door: discovery and historical keys.
#ifndef WARDER_SERVER_APP_DOCUMENTS_H_
#define WARDER_SERVER_APP_DOCUMENTS_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "server/app/publisher.h"
#include "server/app/vault.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace warder::app {

// Returns the OpenID Connect discovery document of an issuer that only signs:
// issuer, jwks_uri and what the specification requires beside them (Discovery
// 1.0 section 3). `public_base_url` has no slash at its end.
std::string DiscoveryDocument(const IssuerSnapshot& snapshot,
                              const std::string& public_base_url);

// The historical-keys document (OpenID Federation 1.0, section 8.7): a JWS of
// typ jwk-set+jwt by the key that signs now, listing every ended key with
// `exp` and, where revoked, `revoked` {revoked_at, reason}. Reasons are the
// specification's `compromised`, `superseded`, `unspecified`, and two of our
// own: `owner-departed`, `cessation-of-operation`.
//
// Signed at most once per change of the issuer. Thread-safe.
class HistoricalKeys {
 public:
  // Both outlive this.
  HistoricalKeys(Vault& vault, Clock& clock) : vault_(vault), clock_(clock) {}

  // Until the whole history is in memory no document is given: one that lacks
  // a revoked key would be believed. Any thread.
  void SetComplete() { complete_ = true; }

  // Returns the compact JWS.
  //   UNAVAILABLE          STORE_UNAVAILABLE: not complete yet
  //   FAILED_PRECONDITION  NO_SIGNING_KEY: nothing signs for the issuer
  //   what Vault::Sign returns
  absl::StatusOr<std::string> Get(const IssuerSnapshot& snapshot);

 private:
  struct Entry {
    int64_t rev = 0;
    size_t history = 0;
    std::string document;
  };

  Vault& vault_;
  Clock& clock_;
  std::atomic<bool> complete_ = false;
  Mutex mu_;
  absl::flat_hash_map<std::string, Entry> cache_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_DOCUMENTS_H_
