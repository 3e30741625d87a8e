// The leaver certificate for people: as text, and as one HTML page.
#ifndef WARDER_CLIENT_CLI_LEAVER_REPORT_H_
#define WARDER_CLIENT_CLI_LEAVER_REPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/format.h"
#include "server/base/strict_json.h"

namespace warder::cli {

// Returns the claims as tables. `claims` are those of a verified certificate;
// what is missing is left out.
std::string LeaverText(const Json& claims, const Terminal& terminal);

// Returns one self-contained page, printable, that needs no network and no
// script. It carries `jws`, so that the page itself can be verified.
std::string LeaverHtml(const Json& claims, const std::string& jws);

}  // namespace warder::cli

#endif  // WARDER_CLIENT_CLI_LEAVER_REPORT_H_
