// Case G: everything that looks odd and is honest.
#ifndef WARDER_TOOLS_INCIDENT_BENIGN_H_
#define WARDER_TOOLS_INCIDENT_BENIGN_H_

#include "tools/incident/cases.h"

namespace warder::incident {

// Days of honest traffic with a flash sale, a gateway whose clock is off, a
// gateway that is cut off, rotation, revocation, crawlers that show old tokens,
// reports that come twice, and an issuer nobody has registered. There must be
// no alarm.
Outcome PlayBenign(const Settings& settings);

}  // namespace warder::incident

#endif  // WARDER_TOOLS_INCIDENT_BENIGN_H_
