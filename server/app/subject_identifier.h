// Whom a security event is about (RFC 9493, and the elder form of RISC).
#ifndef WARDER_SERVER_APP_SUBJECT_IDENTIFIER_H_
#define WARDER_SERVER_APP_SUBJECT_IDENTIFIER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/strict_json.h"

namespace warder::app {

// The names by which an owner may be found.
struct EventSubject {
  std::string id;  // `sub` or `id`; may be empty
  std::vector<std::string> emails;

  // What tells one subject from another: the ID, else the first e-mail.
  const std::string& name() const { return id.empty() ? emails[0] : id; }
};

// Reads a subject identifier of the formats email, iss_sub, opaque, account,
// aliases and complex (its `user`), by `format` or, in the elder form,
// `subject_type` with hyphens. INVALID_ARGUMENT for `field` for others, and
// where it names nobody.
absl::StatusOr<EventSubject> ReadSubject(const std::string& field,
                                         const Json& identifier);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_SUBJECT_IDENTIFIER_H_
