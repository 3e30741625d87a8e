#include "client/verify/token_cache.h"

#include <utility>

#include "absl/hash/hash.h"

namespace warder::client {

std::shared_ptr<const VerifiedToken> TokenCache::Find(
    absl::string_view token) const {
  const size_t hash = absl::Hash<absl::string_view>()(token);
  const Shard& shard = shards_[hash % kShards];
  MutexLock lock(&shard.mu);
  const auto it = shard.tokens.find(token, hash);
  return it == shard.tokens.end() ? nullptr : it->second;
}

void TokenCache::Insert(absl::string_view token,
                        std::shared_ptr<const VerifiedToken> verified) {
  Shard& shard = shards_[absl::Hash<absl::string_view>()(token) % kShards];
  MutexLock lock(&shard.mu);
  // The order of a hash table of secret seed is as good as chance.
  if (shard.tokens.size() >= capacity_of_shard_) {
    shard.tokens.erase(shard.tokens.begin());
  }
  shard.tokens.insert_or_assign(std::string(token), std::move(verified));
}

}  // namespace warder::client
