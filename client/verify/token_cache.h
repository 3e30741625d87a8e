// Tokens that were verified, remembered by every byte of them.
#ifndef WARDER_CLIENT_VERIFY_TOKEN_CACHE_H_
#define WARDER_CLIENT_VERIFY_TOKEN_CACHE_H_

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/verify/issuance.h"
#include "server/base/mutex.h"
#include "server/base/strict_json.h"

namespace warder::client {

struct VerifiedToken {
  Json claims;
  std::string kid;
  std::string typ;
  absl::Time expire_time;
  // What the ledger said; empty where it was not asked.
  std::optional<Issuance> issuance;
};

// Thread-safe. Holds about `capacity` tokens; past it, arbitrary ones go.
class TokenCache {
 public:
  explicit TokenCache(size_t capacity)
      : capacity_of_shard_(capacity / kShards + 1) {}

  // Returns the token, or nullptr. One short lock of one of kShards.
  std::shared_ptr<const VerifiedToken> Find(absl::string_view token) const;
  void Insert(absl::string_view token,
              std::shared_ptr<const VerifiedToken> verified);

 private:
  static constexpr size_t kShards = 32;
  struct alignas(64) Shard {
    mutable Mutex mu;
    absl::flat_hash_map<std::string, std::shared_ptr<const VerifiedToken>>
        tokens ABSL_GUARDED_BY(mu);
  };

  const size_t capacity_of_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace warder::client

#endif  // WARDER_CLIENT_VERIFY_TOKEN_CACHE_H_
