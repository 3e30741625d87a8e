#include "server/app/authorizer.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"

namespace warder::app {
namespace {

constexpr Role kRoles[] = {Role::kSecurity, Role::kHr,      Role::kSigner,
                           Role::kGateway,  Role::kAuditor, Role::kOperator,
                           Role::kOwner};

}  // namespace

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kSecurity: return "security";
    case Role::kHr: return "hr";
    case Role::kSigner: return "signer";
    case Role::kGateway: return "gateway";
    case Role::kAuditor: return "auditor";
    case Role::kOperator: return "operator";
    case Role::kOwner: return "owner";
  }
  return "";
}

absl::StatusOr<Role> ParseRole(absl::string_view field,
                               absl::string_view name) {
  for (const Role role : kRoles) {
    if (RoleName(role) == name) return role;
  }
  return FieldError(field, absl::StrCat("\"", name.substr(0, 40),
                                        "\" is not one of security, hr, "
                                        "signer, gateway, auditor, operator, "
                                        "owner"));
}

std::string Caller::Principal() const {
  return absl::StrCat(RoleName(role), "/", name);
}

std::string Caller::Uri() const {
  return absl::StrCat("warder://", Principal());
}

absl::StatusOr<Caller> ParseCallerUri(absl::string_view uri) {
  const absl::Status refused = Error(
      absl::StatusCode::kUnauthenticated, Reason::kUnauthenticated,
      absl::StrCat("the client certificate names no caller: its URI is \"",
                   uri.substr(0, 120),
                   "\", wanted is warder://ROLE/NAME; make one with warder "
                   "cert issue"));
  absl::string_view rest = uri;
  if (!absl::ConsumePrefix(&rest, "warder://")) return refused;
  const size_t slash = rest.find('/');
  if (slash == absl::string_view::npos) return refused;
  auto role = ParseRole("role", rest.substr(0, slash));
  auto name = ParseCallerName("name", rest.substr(slash + 1));
  if (!role.ok() || !name.ok()) return refused;
  return Caller{*role, *name};
}

absl::StatusOr<std::string> ParseCallerName(absl::string_view field,
                                            absl::string_view name) {
  // The grammar of owner IDs, so that a person's certificates can carry his.
  ASSIGN_OR_RETURN(const OwnerId id, ParseOwnerId(field, name));
  return id.value();
}

Access AccessOf(Role role, Permission permission) {
  using P = Permission;
  switch (role) {
    case Role::kSecurity:
      switch (permission) {
        case P::kSignTokens:    // policy and use stay apart
        case P::kWatchKeySets:  // gateways alone
        case P::kReportObservations: return Access::kNo;
        case P::kCheckIssued:
        case P::kReadAlarms:
        case P::kManageAlarms:
        case P::kReadGateways:
        case P::kManageGateways:
        case P::kReadIssuers:
        case P::kWriteIssuers:
        case P::kReadKeys:
        case P::kWriteKeys:
        case P::kRevokeKeys:
        case P::kReadOwners:
        case P::kWriteOwners:
        case P::kReportDeparture:
        case P::kReadExposures:
        case P::kWriteExposures:
        case P::kManageFeeds:
        case P::kManageSubscriptions:
        case P::kReadAudit:
        case P::kIssueCertificates:
        case P::kReadStatus: return Access::kYes;
      }
      return Access::kNo;
    case Role::kHr:
      return permission == P::kReadOwners || permission == P::kWriteOwners ||
                     permission == P::kReportDeparture ||
                     permission == P::kReadStatus
                 ? Access::kYes
                 : Access::kNo;
    case Role::kSigner:
      if (permission == P::kSignTokens) return Access::kOwn;  // by grant
      return permission == P::kReadStatus ? Access::kYes : Access::kNo;
    case Role::kGateway:
      if (permission == P::kReadGateways || permission == P::kWatchKeySets ||
          permission == P::kCheckIssued ||
          permission == P::kReportObservations) {
        return Access::kOwn;
      }
      return permission == P::kReadStatus ? Access::kYes : Access::kNo;
    case Role::kAuditor:
      return permission == P::kReadIssuers || permission == P::kReadKeys ||
                     permission == P::kReadOwners ||
                     permission == P::kReadExposures ||
                     permission == P::kReadGateways ||
                     permission == P::kCheckIssued ||
                     permission == P::kReadAlarms ||
                     permission == P::kReadAudit || permission == P::kReadStatus
                 ? Access::kYes
                 : Access::kNo;
    case Role::kOperator:
      return permission == P::kReadStatus ? Access::kYes : Access::kNo;
    case Role::kOwner:
      if (permission == P::kReadKeys || permission == P::kRevokeKeys ||
          permission == P::kReadOwners || permission == P::kReadExposures) {
        return Access::kOwn;
      }
      return permission == P::kReadStatus ? Access::kYes : Access::kNo;
  }
  return Access::kNo;
}

absl::string_view PermissionName(Permission permission) {
  switch (permission) {
    case Permission::kReadIssuers: return "issuers.read";
    case Permission::kWriteIssuers: return "issuers.write";
    case Permission::kReadKeys: return "keys.read";
    case Permission::kWriteKeys: return "keys.write";
    case Permission::kRevokeKeys: return "keys.revoke";
    case Permission::kReadOwners: return "owners.read";
    case Permission::kWriteOwners: return "owners.write";
    case Permission::kReportDeparture: return "owners.depart";
    case Permission::kReadExposures: return "exposures.read";
    case Permission::kWriteExposures: return "exposures.write";
    case Permission::kManageFeeds: return "feeds.manage";
    case Permission::kManageSubscriptions: return "subscriptions.manage";
    case Permission::kReadGateways: return "gateways.read";
    case Permission::kManageGateways: return "gateways.manage";
    case Permission::kWatchKeySets: return "keysets.watch";
    case Permission::kSignTokens: return "tokens.sign";
    case Permission::kCheckIssued: return "ledger.check";
    case Permission::kReportObservations: return "ledger.report";
    case Permission::kReadAlarms: return "alarms.read";
    case Permission::kManageAlarms: return "alarms.manage";
    case Permission::kReadAudit: return "audit.read";
    case Permission::kIssueCertificates: return "certificates.issue";
    case Permission::kReadStatus: return "status.read";
  }
  return "";
}

}  // namespace warder::app
