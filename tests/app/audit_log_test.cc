#include "server/app/audit_log.h"

#include "server/crypto/digest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder::app {

TEST(AuditLogTest, TheChainOfRealChangesHolds) {
  TestApp app;
  app.MustSetUp();
  ASSERT_OK(app.Depart("hr/hook", "alice"));
  ChainChecker checker(crypto::Sha256);
  const auto events = app.Events();
  ASSERT_GT(events.size(), 8u);
  for (const auto& event : events) EXPECT_OK(checker.Check(event));
  EXPECT_EQ(checker.hash(), events.back().hash);
}

TEST(AuditLogTest, EveryChangedFieldAndEveryGapIsNoticed) {
  TestApp app;
  app.MustSetUp();
  const auto good = app.Events();
  using Events = std::vector<domain::AuditEvent>;
  const std::pair<const char*, std::function<void(Events&)>> tampers[] = {
      {"actor", [](Events& e) { e[2].actor = "x"; }},
      {"action", [](Events& e) { e[2].action = "x"; }},
      {"resource", [](Events& e) { e[2].resource = "x"; }},
      {"detail", [](Events& e) { e[2].detail = "{\"a\":1}"; }},
      {"denied", [](Events& e) { e[2].denied = true; }},
      {"request", [](Events& e) { e[2].request_id = "x"; }},
      {"time", [](Events& e) { e[2].time += absl::Microseconds(1); }},
      {"hash", [](Events& e) { e[2].hash[0] ^= 1; }},
      {"dropped", [](Events& e) { e.erase(e.begin() + 2); }},
      {"swapped", [](Events& e) { std::swap(e[2], e[3]); }},
      {"shifted bytes", [](Events& e) {
         e[2].actor += e[2].action.substr(0, 1);
         e[2].action.erase(0, 1);
       }}};
  for (const auto& [name, tamper] : tampers) {
    Events events = good;
    tamper(events);
    ChainChecker checker(crypto::Sha256);
    absl::Status status;
    for (const auto& event : events) {
      status = checker.Check(event);
      if (!status.ok()) break;
    }
    EXPECT_THAT(status, FailsWith(Reason::kStoreCorrupt)) << name;
  }
}

}  // namespace warder::app
