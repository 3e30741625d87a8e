// What a token says and whether its key has signed it: the steps of which
// verifier.h is made.
#ifndef WARDER_CLIENT_VERIFY_TOKEN_FORM_H_
#define WARDER_CLIENT_VERIFY_TOKEN_FORM_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/verify/key_sets.h"
#include "client/verify/verifier.h"
#include "server/base/strict_json.h"

namespace warder::client {

Verdict Refuse(Refusal refusal, absl::string_view detail);

// Returns the parts of a compact JWS that `source` shows, or nothing where it
// is not three parts.
std::optional<TokenParts> Split(absl::string_view token,
                                absl::string_view source);

// Reads a part into `out`, or returns why not.
std::optional<Verdict> ReadObject(absl::string_view what,
                                  absl::string_view part, Json& out);

// Returns why it is no signature of the key; nothing where it is one.
std::optional<Verdict> CheckSignature(const TrustedKey& key,
                                      absl::string_view signing_input,
                                      absl::string_view part);

// Returns seconds since 1970 (RFC 7519 section 2), or nothing where the claim
// is absent or of another form.
std::optional<absl::Time> TimeClaim(const Json& claims, const char* name);

// Returns whether `aud` names nobody but Warder's own probes
// (server/domain/gateway.h): their tokens open nothing else, and are in no
// ledger.
bool IsForProbes(const Json& audience);

// Returns the first of `aud`, a part of `claims`; "" where there is none.
absl::string_view FirstAudience(const Json& claims);

}  // namespace warder::client

#endif  // WARDER_CLIENT_VERIFY_TOKEN_FORM_H_
