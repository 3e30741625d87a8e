// What is known of the verifiers of this world: how long each goes on accepting
// a key that has left the key set. consumers.json is the source, with origin
// and date of each row; CONSUMERS.md is rendered from it
// (tools/lint/render_consumers.py) and a lint keeps both equal.
#ifndef WARDER_SERVER_DOMAIN_CONSUMER_H_
#define WARDER_SERVER_DOMAIN_CONSUMER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder::domain {

// How long a key may still be accepted after it left the key set.
struct CacheBound {
  enum class Kind {
    kWithin,       // at most `time`
    kMaxAge,       // the max-age of the key set, or `time` where that is longer
    kTokenExpiry,  // until the last token that was seen expires
    kUnbounded,    // nobody can say; `why` says why
  };
  Kind kind = Kind::kUnbounded;
  absl::Duration time;
  std::string why;

  friend bool operator==(const CacheBound&, const CacheBound&) = default;
};

// What a token with an unknown kid makes a consumer do.
enum class UnknownKid {
  kIgnored,   // it fetches nothing
  kReplaces,  // it fetches the set and drops what is no longer in it
  kAdds,      // it fetches, and keeps what it had
};

// One row of the table.
struct Consumer {
  std::string id;  // "envoy-async"
  std::string name;
  std::string versions;
  absl::Duration default_cache;
  // The name of the setting that says for how long it caches; empty where there
  // is none, and then a gateway cannot declare another time.
  std::string cache_setting;
  CacheBound healthy;  // while it can fetch the key set
  CacheBound down;     // while it cannot
  UnknownKid unknown_kid = UnknownKid::kIgnored;
  std::optional<absl::Duration> cooldown;  // between fetches for unknown kids
  bool reads_eddsa = false;
  // It verifies by our own code: what that acknowledges is what it refuses.
  bool acknowledges = false;
  // One key of an unknown kind makes it refuse the whole set, and keep the old.
  bool unknown_key_refuses_set = false;
  std::optional<int64_t> max_keys;
  std::optional<int64_t> max_bytes;
  std::string notes;
};

// Returns every row of consumers.json, in its order.
const std::vector<Consumer>& Consumers();

// Returns the row, or nullptr.
const Consumer* FindConsumer(absl::string_view id);

// Returns the rows of a table's text. INVALID_ARGUMENT names row and member.
absl::StatusOr<std::vector<Consumer>> ParseConsumers(absl::string_view json);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_CONSUMER_H_
