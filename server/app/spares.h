// Sealed spares: key pairs made ahead, so that no revocation waits for one.
#ifndef WARDER_SERVER_APP_SPARES_H_
#define WARDER_SERVER_APP_SPARES_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/app/change_runner.h"
#include "server/app/vault.h"
#include "server/domain/issuer.h"

namespace warder::app {

// Makes a spare of each of `algorithms`, outside any transaction. Blocks for
// key generation. What Vault::Generate returns.
absl::StatusOr<std::vector<domain::Spare>> GenerateSpares(
    Vault& vault, const IssuerId& issuer,
    const std::vector<domain::Algorithm>& algorithms, absl::Time now);

// Adds `made` to the draft, as far as it still misses them, with an event each.
void AddMissingSpares(const std::vector<domain::Spare>& made,
                      domain::IssuerDraft& draft, absl::Time now);

// Makes the spares that `issuer` lacks, outside any transaction. NOT_FOUND; as
// GenerateSpares and the store.
absl::StatusOr<std::vector<domain::Spare>> SparesFor(ChangeRunner& runner,
                                                     const IssuerId& issuer);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_SPARES_H_
