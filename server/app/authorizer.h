// Who may do what: one table. Denied by default.
//
// A caller is the URI name of his client certificate, warder://ROLE/NAME. NAME
// is the person or the service: two certificates with one name are one person,
// whatever their roles, and a name that is an owner's ID is that owner.
#ifndef WARDER_SERVER_APP_AUTHORIZER_H_
#define WARDER_SERVER_APP_AUTHORIZER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/domain/audit.h"

namespace warder::app {

enum class Role {
  kSecurity,  // policy, issue, rotate, revoke, certificates
  kHr,        // departures and roster, nothing else
  kSigner,    // sign for the issuers granted to it
  kGateway,   // a verifier, as itself
  kAuditor,   // read everything, change nothing
  kOperator,  // health and backup
  kOwner,     // a person: sees and may revoke his own keys
};

absl::string_view RoleName(Role role);
absl::StatusOr<Role> ParseRole(absl::string_view field, absl::string_view name);

struct Caller {
  Role role = Role::kGateway;
  std::string name;
  // A feed's bearer token: the name is the feed's, and no person's.
  bool is_feed = false;

  std::string Principal() const;  // "security/alice"
  std::string Uri() const;        // "warder://security/alice"
  domain::Actor Actor() const { return {Principal(), name}; }
};

// Returns the caller of a certificate's URI; UNAUTHENTICATED otherwise.
absl::StatusOr<Caller> ParseCallerUri(absl::string_view uri);

// Returns `name` when it may stand in a certificate: 1 to 63 of a-z, 0-9, dot,
// underscore and hyphen, a letter or digit first.
absl::StatusOr<std::string> ParseCallerName(absl::string_view field,
                                            absl::string_view name);

enum class Permission {
  kReadIssuers,
  kWriteIssuers,  // create, update, rotate
  kReadKeys,
  kWriteKeys,  // issue, suspend, resume
  kRevokeKeys,
  kReadOwners,
  kWriteOwners,      // create, update
  kReportDeparture,  // and plan, and call off
  kReadExposures,
  kWriteExposures,  // declare
  // Tokens and keys of feeds; release and reject held departures.
  kManageFeeds,
  kManageSubscriptions,  // who outside is told of events
  kReadGateways,         // and revocations
  kManageGateways,       // and say by word of mouth that one refuses
  kWatchKeySets,
  kSignTokens,
  kCheckIssued,         // ask whether a token was issued
  kReportObservations,  // say which tokens were seen
  kReadAlarms,
  kManageAlarms,  // acknowledge, close
  kReadAudit,
  kIssueCertificates,
  kReadStatus,
};

// What a role may do with a permission.
enum class Access {
  kNo,
  kOwn,  // on what belongs to the caller alone; the use case checks
  kYes,
};

// The table.
Access AccessOf(Role role, Permission permission);

// Returns the permission's name for messages: "keys.revoke".
absl::string_view PermissionName(Permission permission);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_AUTHORIZER_H_
