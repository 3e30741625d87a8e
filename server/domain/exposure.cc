#include "server/domain/exposure.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace warder::domain {

void Expose(IssuerDraft& draft, const Key& key, absl::string_view person,
            ExposureKind kind, absl::Time from,
            std::optional<absl::Time> until) {
  if (person.empty()) return;
  Exposure exposure{.issuer = key.issuer,
                    .key = key.id,
                    .person = std::string(person),
                    .kind = kind,
                    .from = from,
                    .until = until};
  draft.exposures.push_back(exposure);
  draft.changes.opened.push_back(std::move(exposure));
}

void ExposeSigners(IssuerDraft& draft, const Key& key, absl::Time now) {
  std::set<std::string> already;
  for (const Exposure& e : draft.exposures) {
    if (e.key == key.id && e.kind == ExposureKind::kCouldSign && !e.until) {
      already.insert(e.person);
    }
  }
  for (const Grant& grant : draft.issuer.grants) {
    if (already.insert(grant.signer).second) {
      Expose(draft, key, grant.signer, ExposureKind::kCouldSign, now);
    }
  }
}

void AddCustody(IssuerDraft& draft, const Custody& custody) {
  const ExposureKind kind = custody.kind == CustodyKind::kKeyEncryptionKey
                                ? ExposureKind::kCouldRead
                                : ExposureKind::kCouldRestore;
  for (const Key& key : draft.keys) {
    if (key.kind != KeyKind::kManaged) continue;  // it was never in the store
    if (custody.until && *custody.until <= key.create_time) continue;
    draft.exposures.push_back({.issuer = key.issuer,
                               .key = key.id,
                               .person = custody.person,
                               .kind = kind,
                               .from = std::max(custody.from, key.create_time),
                               .until = custody.until,
                               .declared_by = custody.declared_by,
                               .note = custody.note});
  }
}

absl::flat_hash_map<KeyId, Closeness> ClosenessOf(const IssuerDraft& draft,
                                                  const OwnerId& person) {
  absl::flat_hash_map<KeyId, Closeness> closeness;
  const auto raise = [&](const KeyId& key, Closeness to) {
    Closeness& at = closeness[key];
    at = std::max(at, to);
  };
  for (const Exposure& e : draft.exposures) {
    if (e.person != person.value()) continue;
    raise(e.key, CouldCopy(e.kind)                ? Closeness::kCopied
                 : e.kind == ExposureKind::kOwned ? Closeness::kOwned
                                                  : Closeness::kUsed);
  }
  for (const Key& key : draft.keys) {
    if (key.owner == person) raise(key.id, Closeness::kOwned);
  }
  return closeness;
}

void EndExposures(IssuerDraft& draft, const Key& key, absl::Time now) {
  for (Exposure& e : draft.exposures) {
    if (e.key == key.id && !e.until) e.until = now;
  }
  // Rows opened in this same draft carry the end themselves.
  for (Exposure& e : draft.changes.opened) {
    if (e.key == key.id && !e.until) e.until = now;
  }
  draft.changes.ended.emplace_back(key.id, now);
}

bool ShareExposure(const IssuerDraft& draft, const KeyId& a, const KeyId& b) {
  std::set<absl::string_view> people;
  for (const Exposure& e : draft.exposures) {
    if (e.key == a) people.insert(e.person);
  }
  for (const Exposure& e : draft.exposures) {
    if (e.key == b && people.count(e.person) > 0) return true;
  }
  return false;
}

std::vector<KeyId> SuccessorsExposedWith(const IssuerDraft& draft,
                                         const Key& key) {
  std::vector<KeyId> successors;
  if (key.kind != KeyKind::kManaged) return successors;
  for (const Key& other : draft.keys) {
    if (other.kind == KeyKind::kManaged && other.state == KeyState::kPending &&
        other.id != key.id && ShareExposure(draft, key.id, other.id)) {
      successors.push_back(other.id);
    }
  }
  return successors;
}

}  // namespace warder::domain
