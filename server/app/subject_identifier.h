// Whom a security event is about (RFC 9493, and the elder form of RISC).
#ifndef WARDER_SERVER_APP_SUBJECT_IDENTIFIER_H_
#define WARDER_SERVER_APP_SUBJECT_IDENTIFIER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"

namespace warder::app {

// Returns the names, at least one, of whom a subject identifier means: its
// `sub`, `id`, e-mail or account. The formats are email, iss_sub (of `issuer`
// alone: a name is the issuer's who gave it), opaque, account, aliases and
// complex (its `user`), by `format` or, in the elder form, `subject_type` with
// hyphens. INVALID_ARGUMENT for `field` for others, and where it names nobody.
absl::StatusOr<std::vector<std::string>> ReadSubject(const std::string& field,
                                                     const Json& identifier,
                                                     absl::string_view issuer);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_SUBJECT_IDENTIFIER_H_
