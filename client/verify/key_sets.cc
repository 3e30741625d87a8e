#include "client/verify/key_sets.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/jose/algorithm.h"

namespace warder::client {
namespace {

bool Names(const std::vector<std::string>& kids, const std::string& kid) {
  return std::find(kids.begin(), kids.end(), kid) != kids.end();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const KeySets>> KeySets::Make(
    std::map<std::string, PublishedSet> sets, const KeySets* before) {
  static std::atomic<uint64_t> generations = 0;
  auto made = std::unique_ptr<KeySets>(new KeySets());
  made->generation_ = ++generations;
  for (const auto& [issuer, set] : sets) {
    auto keys = jose::ParseDeferredJwkSet(set.jwks);
    if (!keys.ok()) return WithContext(keys.status(), issuer);
    if (keys->empty()) {
      return FieldError("jwks", absl::StrCat(issuer, " holds no usable key"));
    }
    for (jose::DeferredJwk& jwk : *keys) {
      ASSIGN_OR_RETURN(const auto scheme, jose::SchemeOf(jwk.alg));
      const TrustedKey* known =
          before == nullptr ? nullptr : before->Find(jwk.kid);
      if (known != nullptr && known->key->SameAs(*jwk.key)) {
        jwk.key = known->key;
      }
      TrustedKey key{.issuer = issuer,
                     .kid = jwk.kid,
                     .alg = std::move(jwk.alg),
                     .scheme = scheme,
                     .key = std::move(jwk.key),
                     .issuer_uri = set.issuer_uri,
                     .max_token_lifetime = set.max_token_lifetime,
                     .drill = set.drill,
                     .ledger_required = Names(set.ledger_required, jwk.kid),
                     .issuance_mode = Names(set.ledger_asked, jwk.kid)
                                          ? IssuanceMode::kEnforce
                                          : set.issuance_mode};
      if (!made->keys_.emplace(jwk.kid, std::move(key)).second) {
        return FieldError("jwks", absl::StrCat(issuer, ": the kid ", jwk.kid,
                                               " is another issuer's, too"));
      }
    }
  }
  made->sets_ = std::move(sets);
  if (before != nullptr) made->RememberFormer(*before);
  return made;
}

void KeySets::RememberFormer(const KeySets& before) {
  for (const auto& [kid, key] : before.keys_) {
    if (former_.size() < kMostFormer && IsFormer(kid, key)) {
      former_.emplace(kid, key);
    }
  }
  for (const auto& [kid, key] : before.former_) {
    if (former_.size() >= kMostFormer) return;
    if (IsFormer(kid, key)) former_.emplace(kid, key);
  }
}

bool KeySets::IsFormer(const std::string& kid, const TrustedKey& key) const {
  return !keys_.contains(kid) && sets_.contains(key.issuer);
}

const TrustedKey* KeySets::FindFormer(absl::string_view kid) const {
  const auto it = former_.find(kid);
  return it == former_.end() ? nullptr : &it->second;
}

const TrustedKey* KeySets::Find(absl::string_view kid) const {
  const auto it = keys_.find(kid);
  return it == keys_.end() ? nullptr : &it->second;
}

}  // namespace warder::client
