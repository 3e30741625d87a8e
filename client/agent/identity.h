// Where a token stands in a request, and what a good one says to a backend.
#ifndef WARDER_CLIENT_AGENT_IDENTITY_H_
#define WARDER_CLIENT_AGENT_IDENTITY_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/verify/verifier.h"

namespace warder::agent {

// Returns the token of an Authorization header "Bearer TOKEN" (RFC 6750 section
// 2.1), or "".
absl::string_view BearerOf(absl::string_view authorization);

// Returns the value of the cookie `name` in a Cookie header (RFC 6265 section
// 4.2), or "". Twice the same name: none, since nobody knows which is meant.
absl::string_view CookieOf(absl::string_view header, absl::string_view name);

// Returns what stands in the request to a backend: Warder-Issuer,
// Warder-Subject (where it is printable ASCII of up to 256 bytes),
// Warder-Key-Id, Warder-Claims (all of them: base64url of their JSON),
// Warder-Issued where the ledger was asked (client::IssuanceName), and
// Warder-Stale where the token was checked by a set of unknown age. No value
// holds a line break.
std::vector<std::pair<std::string, std::string>> IdentityHeaders(
    const client::Verdict& verdict);

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_IDENTITY_H_
