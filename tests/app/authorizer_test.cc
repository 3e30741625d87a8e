#include "server/app/authorizer.h"

#include "tests/support/status_matchers.h"

namespace warder::app {

TEST(AuthorizerTest, TheTable) {
  using P = Permission;
  struct Row {
    P permission;
    // security hr signer gateway auditor operator owner: y yes, o own, . no
    const char* access;
  };
  const Row rows[] = {
      {P::kReadIssuers, "y...y.."},       {P::kWriteIssuers, "y......"},
      {P::kReadKeys, "y...y.o"},          {P::kWriteKeys, "y......"},
      {P::kRevokeKeys, "y.....o"},        {P::kReadOwners, "yy..y.o"},
      {P::kWriteOwners, "yy....."},       {P::kReportDeparture, "yy....."},
      {P::kReadExposures, "y...y.o"},     {P::kWriteExposures, "y......"},
      {P::kManageFeeds, "y......"},       {P::kReadGateways, "y..oy.."},
      {P::kManageGateways, "y......"},    {P::kWatchKeySets, "...o..."},
      {P::kSignTokens, "..o...."},        {P::kReadAudit, "y...y.."},
      {P::kCheckIssued, "y..oy.."},       {P::kReportObservations, "...o..."},
      {P::kReadAlarms, "y...y.."},        {P::kManageAlarms, "y......"},
      {P::kIssueCertificates, "y......"}, {P::kReadStatus, "yyyyyyy"}};
  const Role roles[] = {Role::kSecurity, Role::kHr,      Role::kSigner,
                        Role::kGateway,  Role::kAuditor, Role::kOperator,
                        Role::kOwner};
  for (const Row& row : rows) {
    for (size_t i = 0; i < 7; ++i) {
      const Access expected = row.access[i] == 'y'   ? Access::kYes
                              : row.access[i] == 'o' ? Access::kOwn
                                                     : Access::kNo;
      EXPECT_EQ(AccessOf(roles[i], row.permission), expected)
          << RoleName(roles[i]) << " " << PermissionName(row.permission);
    }
  }
}

TEST(AuthorizerTest, OnlyWarderUrisAreCallers) {
  ASSERT_OK_AND_ASSIGN(const Caller caller,
                       ParseCallerUri("warder://hr/hook.1"));
  EXPECT_EQ(caller.Principal(), "hr/hook.1");
  EXPECT_EQ(caller.Uri(), "warder://hr/hook.1");
  for (const char* bad :
       {"", "warder://", "warder://hr", "warder://hr/", "warder://root/x",
        "https://hr/x", "warder://hr/x/y", "warder://hr/X", "warder:///x"}) {
    EXPECT_THAT(ParseCallerUri(bad), FailsWith(Reason::kUnauthenticated))
        << bad;
  }
}

}  // namespace warder::app
