#include "server/domain/consumer.h"

#include <gtest/gtest.h>

#include <set>

#include "server/base/error.h"
#include "tests/support/status_matchers.h"

namespace warder::domain {
namespace {

TEST(ConsumerTest, TheTableNamesEachKindOnceAndBoundsWhatItCan) {
  std::set<std::string> seen;
  for (const Consumer& consumer : Consumers()) {
    EXPECT_TRUE(seen.insert(consumer.id).second) << consumer.id;
    for (const CacheBound& bound : {consumer.healthy, consumer.down}) {
      EXPECT_EQ(bound.kind == CacheBound::Kind::kUnbounded, !bound.why.empty())
          << consumer.id;
    }
    // Nobody refuses sooner because he is cut off.
    if (consumer.healthy.kind == CacheBound::Kind::kWithin &&
        consumer.down.kind == CacheBound::Kind::kWithin) {
      EXPECT_GE(consumer.down.time, consumer.healthy.time) << consumer.id;
    }
  }
  EXPECT_GE(seen.size(), 30u);
  ASSERT_NE(FindConsumer("go-oidc"), nullptr);
  EXPECT_EQ(FindConsumer("go-oidc")->unknown_kid, UnknownKid::kReplaces);
  EXPECT_EQ(FindConsumer("mod-auth-openidc")->cooldown, absl::Seconds(60));
  EXPECT_EQ(FindConsumer("nobody"), nullptr);
}

TEST(ConsumerTest, ABadRowIsNamedWithItsMember) {
  EXPECT_THAT(ParseConsumers("{}"),
              FailsWith(Reason::kInvalidField, "consumers"));
  EXPECT_THAT(
      ParseConsumers(R"({"consumers":[{"id":"a","name":"A","versions":"1",
          "default_cache":"soon"}]})"),
      FailsWith(Reason::kInvalidField, "consumers[0]"));
  EXPECT_THAT(
      ParseConsumers(R"({"consumers":[{"id":"a","name":"A","versions":"1",
          "default_cache":"1s","healthy":{"perhaps":"1s"}}]})"),
      FailsWith(Reason::kInvalidField, "perhaps"));
}

}  // namespace
}  // namespace warder::domain
