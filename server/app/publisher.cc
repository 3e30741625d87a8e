#include "server/app/publisher.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/base64url.h"
#include "server/domain/schedule.h"

namespace warder::app {
namespace {

using domain::Key;
using domain::KeyState;

// Returns `old` with the keys of `fresh` put in or in place of their former
// entries.
History Merge(const History& old, const History& fresh) {
  if (fresh.empty()) return old;
  History merged = old;
  absl::flat_hash_map<KeyId, size_t> at;
  for (size_t i = 0; i < merged.size(); ++i) at[merged[i]->id] = i;
  for (const auto& ended : fresh) {
    const auto it = at.find(ended->id);
    if (it == at.end()) {
      merged.push_back(ended);
    } else if (ended->revoked || !merged[it->second]->revoked) {
      merged[it->second] = ended;  // revoked wins
    }
  }
  return merged;
}

std::string KeySetOf(const std::vector<const Key*>& published,
                     const std::string& tombstone) {
  std::string body = "{\"keys\":[";
  const char* separator = "";
  for (const Key* key : published) {
    absl::StrAppend(&body, separator, key->public_jwk);
    separator = ",";
  }
  if (published.empty()) body += tombstone;
  body += "]}";
  return body;
}

}  // namespace

EndedKey EndedKey::Of(const Key& key) {
  EndedKey ended;
  ended.id = key.id;
  ended.public_jwk = key.public_jwk;
  ended.issued = key.create_time;
  ended.revoked = key.state == KeyState::kRevoked;
  ended.reason = key.reason;
  ended.expired = ended.revoked    ? *key.revoke_time
                  : key.until_time ? *key.until_time
                                   : key.create_time;
  return ended;
}

std::string EtagOfBytes(absl::string_view body, const Sha256& sha256) {
  return absl::StrCat("\"", Base64UrlEncode(sha256(body).substr(0, 18)), "\"");
}

SnapshotPtr MakeSnapshot(const domain::IssuerDraft& draft,
                         const Sha256& sha256) {
  auto snapshot = std::make_shared<IssuerSnapshot>();
  const domain::Issuer& issuer = draft.issuer;
  snapshot->id = issuer.id;
  snapshot->issuer_uri = issuer.issuer_uri;
  snapshot->rev = issuer.rev;
  snapshot->revision = issuer.revision;
  snapshot->max_age = issuer.policy.cache_max_age;
  snapshot->max_token_lifetime = issuer.policy.max_token_lifetime;
  snapshot->drill = issuer.drill;
  snapshot->legal_hold = issuer.legal_hold;
  snapshot->algorithms = issuer.policy.algorithms;
  snapshot->grants = issuer.grants;

  std::vector<const Key*> published;
  for (const Key& key : draft.keys) {
    if (domain::IsPublished(key.state)) {
      published.push_back(&key);
      switch (domain::LedgerNeedOf(key)) {
        case domain::LedgerNeed::kNone: break;
        case domain::LedgerNeed::kAsked:
          snapshot->ledger_asked.push_back(key.id);
          break;
        case domain::LedgerNeed::kRequired:
          snapshot->ledger_required.push_back(key.id);
          break;
      }
      if (key.kind == domain::KeyKind::kExternal &&
          key.state == KeyState::kActive) {
        snapshot->external_signers.push_back({.id = key.id,
                                              .signer = key.signer,
                                              .algorithm = key.algorithm,
                                              .sign_until = *key.lease_time});
      }
    } else if (key.state == KeyState::kRetired ||
               key.state == KeyState::kRevoked) {
      snapshot->history.push_back(
          std::make_shared<const EndedKey>(EndedKey::Of(key)));
    }
  }
  for (auto* keys : {&snapshot->ledger_asked, &snapshot->ledger_required}) {
    std::sort(keys->begin(), keys->end());
  }
  // Sorted by kid, so that equal sets are equal bytes.
  std::sort(published.begin(), published.end(),
            [](const Key* a, const Key* b) { return a->id < b->id; });
  snapshot->key_set = KeySetOf(published, issuer.tombstone_jwk);
  snapshot->etag = EtagOfBytes(snapshot->key_set, sha256);
  if (std::erase_if(published, [](const Key* key) {
        return key->algorithm == domain::Algorithm::kEdDsa;
      }) > 0) {
    snapshot->classic_key_set = KeySetOf(published, issuer.tombstone_jwk);
    snapshot->classic_etag = EtagOfBytes(snapshot->classic_key_set, sha256);
  }

  for (const domain::Algorithm algorithm : issuer.policy.algorithms) {
    const Key* active = draft.Find(algorithm, KeyState::kActive);
    if (active == nullptr || active->sealed.empty()) continue;
    snapshot->signers.push_back(
        {.id = active->id,
         .algorithm = algorithm,
         .sealed = active->sealed,
         .activate_time = *active->activate_time,
         .sign_until = *active->activate_time + issuer.policy.max_key_age});
  }
  snapshot->next_change = absl::InfiniteFuture();
  for (const domain::DueAction& action : domain::Schedule(draft)) {
    if (action.at == absl::InfinitePast()) continue;
    snapshot->next_change = std::min(snapshot->next_change, action.at);
  }
  return snapshot;
}

const Publisher::Shard& Publisher::ShardOf(absl::string_view issuer) const {
  return shards_[absl::Hash<absl::string_view>()(issuer) % kShards];
}

namespace {

// Enough to tell keys of one set apart.
std::string PrefixesOf(absl::string_view label,
                       const std::vector<KeyId>& keys) {
  if (keys.empty()) return "";
  return absl::StrCat(
      label, absl::StrJoin(keys, ",", [](std::string* out, const KeyId& id) {
        out->append(id.value().substr(0, 8));
      }));
}

}  // namespace

std::string FingerprintOf(const IssuerSnapshot& snapshot, bool classic) {
  const bool without = classic && !snapshot.classic_key_set.empty();
  return absl::StrCat(without ? snapshot.classic_etag : snapshot.etag, "/",
                      snapshot.revision, "/",
                      absl::ToInt64Seconds(snapshot.max_token_lifetime),
                      snapshot.drill ? "/drill" : "",
                      PrefixesOf("/asked:", snapshot.ledger_asked),
                      PrefixesOf("/required:", snapshot.ledger_required));
}

void Publisher::Install(SnapshotPtr snapshot) {
  {
    MutexLock lock(&newest_mu_);
    for (const SigningKey& key : snapshot->signers) {
      newest_activation_ = std::max(newest_activation_, key.activate_time);
    }
  }
  const IssuerId issuer = snapshot->id;
  if (Replace(std::move(snapshot)) && listener_) listener_(issuer);
}

bool Publisher::Replace(SnapshotPtr snapshot) {
  auto& shard = const_cast<Shard&>(ShardOf(snapshot->id.value()));
  MutexLock lock(&shard.mu);
  SnapshotPtr& seen = shard.snapshots[snapshot->id.value()];
  if (seen != nullptr && seen->rev >= snapshot->rev) return false;
  const bool changed =
      seen == nullptr || seen->revision != snapshot->revision ||
      seen->max_token_lifetime != snapshot->max_token_lifetime ||
      seen->ledger_asked != snapshot->ledger_asked ||
      seen->ledger_required != snapshot->ledger_required;
  // Under the lock: history added meanwhile must not be lost.
  if (seen != nullptr && !seen->history.empty()) {
    auto copy = std::make_shared<IssuerSnapshot>(*snapshot);
    copy->history = Merge(seen->history, snapshot->history);
    snapshot = std::move(copy);
  }
  seen = std::move(snapshot);
  return changed;
}

void Publisher::AddHistory(const IssuerId& issuer, const History& ended) {
  auto& shard = const_cast<Shard&>(ShardOf(issuer.value()));
  MutexLock lock(&shard.mu);
  const auto it = shard.snapshots.find(issuer.value());
  if (it == shard.snapshots.end()) return;
  auto copy = std::make_shared<IssuerSnapshot>(*it->second);
  // What is there already is newer than what a reader of the store brings.
  copy->history = Merge(ended, copy->history);
  it->second = std::move(copy);
}

SnapshotPtr Publisher::Find(absl::string_view issuer) const {
  const Shard& shard = ShardOf(issuer);
  MutexLock lock(&shard.mu);
  const auto it = shard.snapshots.find(issuer);
  return it == shard.snapshots.end() ? nullptr : it->second;
}

absl::Time Publisher::newest_activation() const {
  MutexLock lock(&newest_mu_);
  return newest_activation_;
}

size_t Publisher::size() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(&shard.mu);
    total += shard.snapshots.size();
  }
  return total;
}

}  // namespace warder::app
