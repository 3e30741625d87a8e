#include "server/app/touched_person.h"

#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {

absl::StatusOr<std::optional<domain::Owner>> MakeOwnerIfTouched(
    Change& change, const std::string& name) {
  const auto id = ParseOwnerId("name", name);
  if (!id.ok()) return std::nullopt;
  ASSIGN_OR_RETURN(const auto known, change.txn().FindOwner(*id));
  if (known) return std::nullopt;
  ASSIGN_OR_RETURN(const bool touched, change.txn().HasTouchedKeys(name));
  if (!touched) return std::nullopt;
  domain::Owner owner;
  owner.id = *id;
  owner.create_time = owner.update_time = owner.confirm_time = change.now();
  owner.rev = 1;
  RETURN_IF_ERROR(change.txn().InsertOwner(owner));
  change.Record("owner.created", OwnerName(*id),
                WriteJson({{"why",
                            "leaves, and was exposed to keys or holds a "
                            "certificate"}}));
  return owner;
}

}  // namespace warder::app
