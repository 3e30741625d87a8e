#include "server/domain/exposure.h"

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

}  // namespace warder::domain
