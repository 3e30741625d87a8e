// The report of a drill and the statement about a revocation for people: which
// gateway refused after how long, as text and as one HTML page with a picture.
#ifndef WARDER_CLIENT_CLI_DRILL_REPORT_H_
#define WARDER_CLIENT_CLI_DRILL_REPORT_H_

#include <string>

#include "client/cli/format.h"
#include "server/base/strict_json.h"

namespace warder::cli {

// `claims` are those of a drill-report+jwt or a revocation-statement+jwt; what
// is missing is left out.
std::string DrillText(const Json& claims, const Terminal& terminal);

// Returns one self-contained page that carries `jws`; see page.h.
std::string DrillHtml(const Json& claims, const std::string& jws);

}  // namespace warder::cli

#endif  // WARDER_CLIENT_CLI_DRILL_REPORT_H_
