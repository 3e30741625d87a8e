// People who are no owners, and yet had to do with keys: they depart, too.
#ifndef WARDER_SERVER_APP_TOUCHED_PERSON_H_
#define WARDER_SERVER_APP_TOUCHED_PERSON_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/domain/owner.h"

namespace warder::app {

// Makes an owner of `name` where there is none yet, the name could be an
// owner's ID, and he was ever exposed to a key, had the store or its key in
// hand, or was issued a certificate. Returns him, or nullopt where there was
// nothing to make.
absl::StatusOr<std::optional<domain::Owner>> MakeOwnerIfTouched(
    Change& change, const std::string& name);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_TOUCHED_PERSON_H_
