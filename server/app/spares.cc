#include "server/app/spares.h"

#include <utility>

#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/domain/schedule.h"

namespace warder::app {

absl::StatusOr<std::vector<domain::Spare>> GenerateSpares(
    Vault& vault, const IssuerId& issuer,
    const std::vector<domain::Algorithm>& algorithms, absl::Time now) {
  std::vector<domain::Spare> spares;
  for (const domain::Algorithm algorithm : algorithms) {
    ASSIGN_OR_RETURN(GeneratedKey made, vault.Generate(issuer, algorithm));
    spares.push_back({.issuer = issuer,
                      .id = std::move(made.id),
                      .algorithm = algorithm,
                      .public_jwk = std::move(made.public_jwk),
                      .sealed = std::move(made.sealed),
                      .create_time = now});
  }
  return spares;
}

void AddMissingSpares(const std::vector<domain::Spare>& made,
                      domain::IssuerDraft& draft, absl::Time now) {
  for (const domain::Spare& spare : made) {
    if (draft.FindSpare(spare.algorithm) != nullptr) continue;
    draft.spares.push_back(spare);
    draft.changes.new_spares.push_back(spare);
    const JsonMember members[] = {
        {"algorithm", domain::AlgorithmName(spare.algorithm)}};
    draft.Record(domain::SystemActor(), "spare.made",
                 KeyName(spare.issuer, spare.id), WriteJsonMembers(members),
                 now);
  }
}

absl::StatusOr<std::vector<domain::Spare>> SparesFor(ChangeRunner& runner,
                                                     const IssuerId& issuer) {
  std::vector<domain::Algorithm> missing;
  RETURN_IF_ERROR(runner.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const domain::IssuerDraft draft,
                     txn.LoadDraft(issuer, KeyScope::kLiving));
    missing = domain::MissingSpares(draft);
    return absl::OkStatus();
  }));
  return GenerateSpares(runner.vault(), issuer, missing,
                        runner.clock_guard().Read().trusted);
}

}  // namespace warder::app
