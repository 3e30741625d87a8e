// The other documents of the public door: discovery and historical keys.
#ifndef WARDER_SERVER_APP_DOCUMENTS_H_
#define WARDER_SERVER_APP_DOCUMENTS_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "server/app/publisher.h"
#include "server/app/vault.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace warder::app {

struct Document {
  std::string body;
  std::string etag;  // strong, quoted; of the bytes
};

// Thread-safe.
class Documents {
 public:
  // `vault` and `clock` outlive this. `public_base_url` is where the public
  // door is reached from outside, with no slash at its end.
  Documents(std::string public_base_url, Vault& vault, Clock& clock,
            Sha256 sha256)
      : public_base_url_(std::move(public_base_url)),
        vault_(vault),
        clock_(clock),
        sha256_(std::move(sha256)) {}

  // Returns the OpenID Connect discovery document of an issuer that only
  // signs: issuer, jwks_uri and what the specification requires beside them
  // (Discovery 1.0 section 3).
  Document Discovery(const IssuerSnapshot& snapshot) const;
  // The same for one gateway: its jwks_uri is the gateway's own.
  Document DiscoveryFor(absl::string_view gateway,
                        const IssuerSnapshot& snapshot) const;

  // Returns the historical-keys document (OpenID Federation 1.0, section 8.7):
  // a JWS of typ jwk-set+jwt by the key that signs now, listing every ended
  // key with `exp` and, where revoked, `revoked` {revoked_at, reason}. Reasons
  // are the specification's `compromised`, `superseded`, `unspecified`, and two
  // of our own: `owner-departed`, `cessation-of-operation`. Kept until the
  // issuer changes.
  //
  //   UNAVAILABLE          STORE_UNAVAILABLE: the history is not complete yet
  //   FAILED_PRECONDITION  NO_SIGNING_KEY: nothing signs for the issuer
  //   what Vault::Sign returns
  absl::StatusOr<Document> HistoricalKeys(const IssuerSnapshot& snapshot);

  // Until the whole history is in memory no historical keys are given: a list
  // that lacks a revoked key would be believed. Any thread.
  void SetHistoryComplete() { history_complete_ = true; }
  bool history_complete() const { return history_complete_; }

 private:
  struct Entry {
    int64_t rev = 0;
    size_t history = 0;
    Document document;
  };

  Document DiscoveryWith(const std::string& jwks_uri,
                         const IssuerSnapshot& snapshot) const;
  Document Finished(std::string body) const;

  const std::string public_base_url_;
  Vault& vault_;
  Clock& clock_;
  const Sha256 sha256_;
  std::atomic<bool> history_complete_ = false;
  Mutex mu_;
  absl::flat_hash_map<std::string, Entry> cache_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_DOCUMENTS_H_
