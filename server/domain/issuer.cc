#include "server/domain/issuer.h"

#include <algorithm>

namespace warder::domain {

Key* IssuerDraft::Find(const KeyId& id) {
  for (Key& key : keys) {
    if (key.id == id) return &key;
  }
  return nullptr;
}

const Key* IssuerDraft::Find(const KeyId& id) const {
  return const_cast<IssuerDraft*>(this)->Find(id);
}

Key* IssuerDraft::Find(Algorithm algorithm, KeyState state) {
  for (Key& key : keys) {
    if (key.kind == KeyKind::kManaged && key.algorithm == algorithm &&
        key.state == state) {
      return &key;
    }
  }
  return nullptr;
}

const Key* IssuerDraft::Find(Algorithm algorithm, KeyState state) const {
  return const_cast<IssuerDraft*>(this)->Find(algorithm, state);
}

const Spare* IssuerDraft::FindSpare(Algorithm algorithm) const {
  for (const Spare& spare : spares) {
    if (spare.algorithm == algorithm) return &spare;
  }
  return nullptr;
}

int IssuerDraft::PublishedCount() const {
  return static_cast<int>(
      std::count_if(keys.begin(), keys.end(),
                    [](const Key& key) { return IsPublished(key.state); }));
}

void IssuerDraft::Touch(const Key& key) {
  changes.issuer = true;
  for (const auto* list : {&changes.inserted, &changes.updated}) {
    if (std::find(list->begin(), list->end(), key.id) != list->end()) return;
  }
  changes.updated.push_back(key.id);
}

void IssuerDraft::Record(const Actor& actor, absl::string_view action,
                         absl::string_view resource, absl::string_view detail,
                         absl::Time now) {
  AuditEvent event;
  event.time = now;
  event.actor = actor.principal;
  event.action = std::string(action);
  event.resource = std::string(resource);
  event.detail = detail.empty() ? "{}" : std::string(detail);
  changes.events.push_back(std::move(event));
}

}  // namespace warder::domain
