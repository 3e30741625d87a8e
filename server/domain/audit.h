// One line of the audit log. Plain values.
#ifndef WARDER_SERVER_DOMAIN_AUDIT_H_
#define WARDER_SERVER_DOMAIN_AUDIT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder::domain {

// Who acts. `person` is the name in the client certificate: two certificates
// with one name are one person, whatever their roles.
struct Actor {
  std::string principal;  // "security/alice", or "system" for the service
  std::string person;     // "alice", or empty for the service
};

inline Actor SystemActor() { return {"system", ""}; }

struct AuditEvent {
  int64_t sequence = 0;  // 1, 2, 3, ... without a gap
  absl::Time time;
  std::string actor;     // Actor::principal
  std::string action;    // "key.revoked"; standards: <noun>.<past verb>
  std::string resource;  // a resource name
  bool denied = false;
  std::string detail;  // a JSON object
  std::string request_id;
  std::string previous_hash;  // base64url SHA-256 of the event before
  std::string hash;           // of this one, see app/audit_log.h
};

}  // namespace warder::domain

#endif  // WARDER_SERVER_DOMAIN_AUDIT_H_
