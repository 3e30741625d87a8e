#include "server/app/change_runner.h"

#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

CreateOwnerCommand Zoe(const std::string& name = "Zoe") {
  CreateOwnerCommand command;
  command.id = OwnerId("zoe");
  command.display_name = name;
  return command;
}

}  // namespace

TEST(ChangeRunnerTest, ARepeatedRequestGetsTheSameAnswerAndChangesNothing) {
  TestApp app;
  ASSERT_OK_AND_ASSIGN(const auto first,
                       app.owners.Create(app.As("hr/hook", "r-1"), Zoe()));
  const size_t events = app.Events().size();
  ASSERT_OK_AND_ASSIGN(const auto second,
                       app.owners.Create(app.As("hr/hook", "r-1"), Zoe()));
  EXPECT_EQ(first, second);
  EXPECT_EQ(app.Events().size(), events);
}

TEST(ChangeRunnerTest, ARequestIdWithOtherContentsIsRefused) {
  TestApp app;
  Request request = app.As("hr/hook", "r-1");
  request.contents = "one";
  ASSERT_OK(app.owners.Create(request, Zoe()));
  request.contents = "two";
  EXPECT_THAT(app.owners.Create(request, Zoe()),
              FailsWith(Reason::kRequestIdReused, "r-1"));
}

TEST(ChangeRunnerTest, AnotherCallersRequestIdIsHisOwn) {
  TestApp app;
  ASSERT_OK(app.owners.Create(app.As("hr/hook", "r-1"), Zoe()));
  EXPECT_THAT(app.owners.Create(app.As("security/sam", "r-1"), Zoe()),
              FailsWith(Reason::kAlreadyExists));
}

TEST(ChangeRunnerTest, AMalformedRequestIdIsNamed) {
  TestApp app;
  for (const std::string bad : {"a b", "a\n", "é"}) {
    EXPECT_THAT(app.owners.Create(app.As("hr/hook", bad), Zoe()),
                FailsWith(Reason::kInvalidField, "request_id"));
  }
  EXPECT_THAT(app.owners.Create(app.As("hr/hook", std::string(65, 'a')), Zoe()),
              FailsWith(Reason::kInvalidField, "request_id"));
}

TEST(ChangeRunnerTest, ValidateOnlyShowsTheResultAndKeepsNothing) {
  TestApp app;
  Request request = app.As("hr/hook", "r-1");
  request.validate_only = true;
  ASSERT_OK_AND_ASSIGN(const auto preview, app.owners.Create(request, Zoe()));
  EXPECT_EQ(preview.id, OwnerId("zoe"));
  EXPECT_TRUE(app.Events().empty());
  EXPECT_THAT(app.owners.Get(app.As("hr/hook"), OwnerId("zoe")),
              FailsWith(Reason::kNotFound));
  EXPECT_OK(app.owners.Create(app.As("hr/hook", "r-1"), Zoe()));
}

TEST(ChangeRunnerTest, NothingIsPublishedBeforeItIsStored) {
  TestApp app;
  app.MustSetUp();
  const auto key = app.MustFindKey("shop", domain::KeyState::kActive);
  app.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "disk"));
  EXPECT_THAT(app.keys.Revoke(app.As("security/sam"),
                              {.issuer = IssuerId("shop"), .key = key.id}),
              FailsWith(Reason::kStoreUnavailable));
  EXPECT_THAT(app.KeySet(), testing::HasSubstr(key.id.value()));
  EXPECT_FALSE(app.fake_vault.forgotten(key.id));
}

TEST(ChangeRunnerTest, EveryDenialIsAudited) {
  TestApp app;
  app.MustSetUp();
  CreateIssuerCommand command;
  command.id = IssuerId("x");
  EXPECT_THAT(app.issuers.Create(app.As("hr/hook"), command),
              FailsWith(Reason::kPermissionDenied, "hr/hook lacks"));
  const auto event = app.Events().back();
  EXPECT_TRUE(event.denied);
  EXPECT_EQ(event.actor, "hr/hook");
  EXPECT_EQ(event.resource, "issuers/x");
}

TEST(ChangeRunnerTest, ADenialHoldsEvenIfItCannotBeAudited) {
  TestApp app;
  app.fake_store.FailWith(
      Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "disk"));
  EXPECT_THAT(app.Depart("signer/x", "a"),
              FailsWith(Reason::kPermissionDenied));
}

TEST(ClockTest, AClockSetBackRefusesChangesButNeverRevocations) {
  TestApp app;
  app.MustSetUp();
  const auto key = app.MustFindKey("shop", domain::KeyState::kActive);
  app.clock.SetTime(TestStart() - absl::Hours(1));
  EXPECT_THAT(app.owners.Create(app.As("hr/hook"), Zoe()),
              FailsWith(Reason::kClockWentBackwards, "2025-12-31T23:00:00Z"));
  ASSERT_OK_AND_ASSIGN(
      const auto revoked,
      app.keys.Revoke(app.As("security/sam"),
                      {.issuer = IssuerId("shop"), .key = key.id}));
  // Not before what is recorded already.
  EXPECT_EQ(revoked.revoke_time, TestStart());
  EXPECT_OK(app.Depart("hr/hook", "alice"));
}

TEST(ClockTest, OrdinaryJitterIsTaken) {
  TestApp app;
  app.MustSetUp();
  app.clock.SetTime(TestStart() - absl::Seconds(5));
  EXPECT_OK(app.owners.Create(app.As("hr/hook"), Zoe()));
}

}  // namespace warder::app
