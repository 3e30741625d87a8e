// A rehearsal: in an issuer that exists for it, somebody who never lived is
// exposed to the keys that sign, and leaves; then it is measured when each
// gateway refuses them. Plain values.
#ifndef WARDER_SERVER_DOMAIN_DRILL_H_
#define WARDER_SERVER_DOMAIN_DRILL_H_

#include <string>

#include "absl/time/time.h"
#include "server/base/ids.h"

namespace warder::domain {

// What came of it is in the revocations whose leaver is `leaver`.
struct Drill {
  DrillId id;
  IssuerId issuer;
  OwnerId leaver;
  std::string started_by;
  absl::Time start_time;

  friend bool operator==(const Drill&, const Drill&) = default;
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_DRILL_H_
