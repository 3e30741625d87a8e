// Who had to do with a key, as the lifecycle writes it down.
#ifndef WARDER_SERVER_DOMAIN_EXPOSURE_H_
#define WARDER_SERVER_DOMAIN_EXPOSURE_H_

#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/domain/issuer.h"

namespace warder::domain {

// Adds that `person` had to do with the key from `from` on, until `until` where
// that is over already. Nothing is added for an empty name: the service itself.
void Expose(IssuerDraft& draft, const Key& key, absl::string_view person,
            ExposureKind kind, absl::Time from,
            std::optional<absl::Time> until = std::nullopt);

// Adds that everyone with a grant can sign with the key, unless it stands
// there.
void ExposeSigners(IssuerDraft& draft, const Key& key, absl::Time now);

// Adds to the draft, for this decision only, what `custody` means for each of
// its keys: whoever had the store in hand while the key existed, or later (an
// older backup shows a key since destroyed), could restore it; whoever had the
// key-encryption key could read it.
void AddCustody(IssuerDraft& draft, const Custody& custody);

// Ends every open exposure to the key: its private half is gone.
void EndExposures(IssuerDraft& draft, const Key& key, absl::Time now);

// How closely a person had to do with a key, the closest last.
enum class Closeness { kNone, kUsed, kOwned, kCopied };

// Returns how closely `person` had to do with each key of the draft; keys he
// had nothing to do with are left out.
absl::flat_hash_map<KeyId, Closeness> ClosenessOf(const IssuerDraft& draft,
                                                  const OwnerId& person);

// Returns whether anyone was ever exposed to both keys.
bool ShareExposure(const IssuerDraft& draft, const KeyId& a, const KeyId& b);

// Returns the PENDING keys to which anyone was exposed who was exposed to `key`:
// managed ones, and none where `key` is not.
std::vector<KeyId> SuccessorsExposedWith(const IssuerDraft& draft,
                                         const Key& key);

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_EXPOSURE_H_
