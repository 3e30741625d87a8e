#include "server/app/subject_manager.h"

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/app/gateway_manager.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {
namespace {

class SubjectManagerTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.MustSetUp();
    app_.MustSetUp("bank");
    domain::Gateway gateway;
    gateway.id = GatewayId("edge");
    gateway.consumer = "libwarder";
    gateway.reach = domain::Reach::kStream;
    gateway.issuers = {shop_};
    ASSERT_OK(gateways_.Create(app_.As("security/sam"), gateway));
  }
  // In messages of one each.
  absl::StatusOr<SubjectSetFacts> Load(const std::vector<std::string>& all,
                                       const Request& request,
                                       bool allow_fewer = false) {
    size_t next = 0;
    return subjects_.Load(
        request, shop_, allow_fewer,
        [&](std::vector<std::string>& more) -> absl::StatusOr<bool> {
          if (next == all.size()) return false;
          more.push_back(all[next++]);
          return true;
        });
  }
  absl::StatusOr<SubjectSetFacts> Load(const std::vector<std::string>& all) {
    return Load(all, app_.As("security/sam"));
  }
  bool IsUnknown(const std::string& subject) {
    return app_.subject_sets->IsUnknown(shop_, subject);
  }

  TestApp app_;
  const IssuerId shop_{"shop"};
  GatewayDirectory directory_;
  GatewayManager gateways_{app_.runner, directory_};
  LedgerChecker checker_{app_.runner, directory_, *app_.ledger};
  SubjectManager subjects_{app_.runner, app_.random, checker_,
                           *app_.subject_sets};
};

TEST_F(SubjectManagerTest, ALoadReplacesTheOneBeforeAndIsOnRecord) {
  ASSERT_OK_AND_ASSIGN(SubjectSetFacts facts, Load({"u1", "u2", "u2"}));
  EXPECT_EQ(facts.count, 2u);
  EXPECT_EQ(facts.loaded_by, "security/sam");
  EXPECT_EQ(facts.load_time, TestStart());
  EXPECT_FALSE(IsUnknown("u1"));
  EXPECT_TRUE(IsUnknown("nobody at all"));
  ASSERT_OK(Load({"u3"}, app_.As("security/sam"), true));
  EXPECT_TRUE(IsUnknown("u1"));
  EXPECT_FALSE(IsUnknown("u3"));
  ASSERT_OK_AND_ASSIGN(facts, subjects_.Get(app_.As("auditor/ann"), shop_));
  EXPECT_EQ(facts.count, 1u);
  const domain::AuditEvent event = app_.Events().back();
  EXPECT_EQ(event.action, "subjects.loaded");
  EXPECT_EQ(event.resource, "issuers/shop/subjectSet");
  EXPECT_TRUE(absl::StrContains(event.detail, R"("count":1)"));
  EXPECT_TRUE(absl::StrContains(event.detail, R"("count_before":2)"));
}

TEST_F(SubjectManagerTest, ABadOneChangesNothing) {
  ASSERT_OK(Load({"u1"}));
  EXPECT_THAT(Load({"u2", "", "u3"}),
              FailsWith(Reason::kInvalidField, "subjects[1]: 0 bytes"));
  EXPECT_THAT(Load({"u2", std::string(256, 'x')}),
              FailsWith(Reason::kInvalidField, "subjects[1]: 256 bytes"));
  EXPECT_THAT(Load({"u2", "caf\xe9"}),
              FailsWith(Reason::kInvalidField, "subjects[1]: is not UTF-8"));
  EXPECT_THAT(Load({}), FailsWith(Reason::kInvalidField, "none came"));
  const auto cut_short = subjects_.Load(
      app_.As("security/sam"), shop_, false,
      [&](std::vector<std::string>& more) -> absl::StatusOr<bool> {
        more = {"u2"};
        return absl::CancelledError("the load was cut short");
      });
  EXPECT_THAT(cut_short.status(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_FALSE(IsUnknown("u1"));
  EXPECT_TRUE(IsUnknown("u2"));
  ASSERT_OK(Load({"u4"}));  // none of them is under way any more
}

TEST_F(SubjectManagerTest, WhatIsNotOnRecordIsNotLoaded) {
  ASSERT_OK(Load({"u1"}));
  app_.fake_store.FailWith(Error(absl::StatusCode::kUnavailable,
                                 Reason::kStoreUnavailable,
                                 "the disk is full"));
  EXPECT_THAT(Load({"u2"}), FailsWith(Reason::kStoreUnavailable, "full"));
  EXPECT_THAT(subjects_.Delete(app_.As("security/sam"), shop_),
              FailsWith(Reason::kStoreUnavailable, "full"));
  app_.fake_store.FailWith(absl::OkStatus());
  EXPECT_FALSE(IsUnknown("u1"));
  EXPECT_TRUE(IsUnknown("u2"));
}

TEST_F(SubjectManagerTest, HalfAFileIsNotTakenForAll) {
  std::vector<std::string> all;
  for (int i = 0; i < 100; ++i) all.push_back(absl::StrCat("u", i));
  ASSERT_OK(Load(all));
  all.resize(90);
  ASSERT_OK(Load(all));
  all.resize(80);
  EXPECT_THAT(Load(all), FailsWith(Reason::kWrongState,
                                   "80 subjects came, and 90 are loaded"));
  EXPECT_FALSE(IsUnknown("u89"));
  EXPECT_FALSE(std::filesystem::exists(
      app_.directory.File("subjects/shop.subjects.staged")));
  ASSERT_OK(Load(all, app_.As("security/sam"), /*allow_fewer=*/true));
  EXPECT_TRUE(IsUnknown("u89"));
}

TEST_F(SubjectManagerTest, APlanReadsAllAndKeepsNothing) {
  Request plan = app_.As("security/sam");
  plan.validate_only = true;
  ASSERT_OK_AND_ASSIGN(const SubjectSetFacts facts, Load({"u1", "u2"}, plan));
  EXPECT_EQ(facts.count, 2u);
  EXPECT_THAT(subjects_.Get(app_.As("security/sam"), shop_),
              FailsWith(Reason::kNotFound, "subjectSet"));
}

TEST_F(SubjectManagerTest, OneLoadAtATime) {
  const auto inner = [&] { return Load({"u1"}).status(); };
  absl::Status said;
  ASSERT_OK(
      subjects_
          .Load(app_.As("security/sam"), shop_, false,
                [&](std::vector<std::string>& more) -> absl::StatusOr<bool> {
                  said = inner();
                  more = {"u2"};
                  return false;
                })
          .status());
  EXPECT_THAT(said, FailsWith(Reason::kRateLimited, "under way"));
  EXPECT_FALSE(IsUnknown("u2"));
}

TEST_F(SubjectManagerTest, WhoMayDoWhat) {
  EXPECT_THAT(Load({"u1"}, app_.As("signer/checkout")),
              FailsWith(Reason::kPermissionDenied, ""));
  EXPECT_THAT(Load({"u1"}, app_.As("gateway/edge")),
              FailsWith(Reason::kPermissionDenied, ""));
  EXPECT_THAT(
      subjects_.FetchPart(app_.As("gateway/edge"), IssuerId("bank"), 0, 0),
      FailsWith(Reason::kPermissionDenied, "does not verify"));
  EXPECT_THAT(subjects_.FetchPart(app_.As("security/sam"), shop_, 0, 0),
              FailsWith(Reason::kPermissionDenied, "gateways alone"));
  EXPECT_THAT(subjects_.Get(app_.As("security/sam"), IssuerId("other")),
              FailsWith(Reason::kNotFound, "issuers/other"));
}

TEST_F(SubjectManagerTest, AGatewayFetchesWhatItDoesNotHold) {
  const Request edge = app_.As("gateway/edge");
  ASSERT_OK_AND_ASSIGN(SubjectFilterPart part,
                       subjects_.FetchPart(edge, shop_, 0, 0));
  EXPECT_EQ(part.load, 0u);
  ASSERT_OK(Load({"u1", "u2"}));
  ASSERT_OK_AND_ASSIGN(part, subjects_.FetchPart(edge, shop_, 0, 0));
  EXPECT_EQ(part.parts, 1u);
  ASSERT_OK_AND_ASSIGN(const auto filter,
                       ledger::FuseFilter8::Parse(part.filter));
  EXPECT_TRUE(
      filter.Contains(ledger::SubjectSecret(part.secret).DigestOf("u2")));
  ASSERT_OK_AND_ASSIGN(const SubjectFilterPart again,
                       subjects_.FetchPart(edge, shop_, 0, part.load));
  EXPECT_EQ(again.load, part.load);
  EXPECT_TRUE(again.filter.empty());
  EXPECT_THAT(subjects_.FetchPart(edge, shop_, 1, 0),
              FailsWith(Reason::kInvalidField, "there are 1"));
  EXPECT_THAT(subjects_.FetchPart(edge, shop_, -1, 0),
              FailsWith(Reason::kInvalidField, "part"));
}

TEST_F(SubjectManagerTest, RemovedTheyHoldNobodyToAnything) {
  ASSERT_OK(Load({"u1"}));
  const Request request =
      app_.As("security/sam", "0f0f0f0f-0000-4000-8000-000000000001");
  ASSERT_OK(subjects_.Delete(request, shop_));
  EXPECT_FALSE(IsUnknown("nobody at all"));
  EXPECT_EQ(app_.Events().back().action, "subjects.removed");
  ASSERT_OK(subjects_.Delete(request, shop_));  // sent again
  EXPECT_THAT(subjects_.Delete(app_.As("security/sam"), shop_),
              FailsWith(Reason::kNotFound, "subjectSet"));
}

}  // namespace
}  // namespace warder::app
