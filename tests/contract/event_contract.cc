// The part of the contract about what goes out and who is believed.
#include <gmock/gmock.h>

#include "server/base/status_macros.h"
#include "tests/contract/store_contract.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_app.h"

namespace warder {

using app::ReadTransaction;
using app::Transaction;

namespace {

const absl::Time kNow = TestStart();

}  // namespace

TEST_P(StoreContract, SubscriptionsAndDeliveriesComeBack) {
  domain::Subscription siem;
  siem.id = "siem";
  siem.url = "https://siem";
  siem.actions = {"key.*", "owner.departed"};
  siem.sealed_secret = "s";
  siem.cursor = 7;
  siem.created_by = "security/sam";
  siem.create_time = kNow;
  const auto delivery = [&](int64_t sequence, const std::string& subject) {
    return domain::Delivery{.subscription = "siem",
                            .sequence = sequence,
                            .ordering_key = subject,
                            .attempts = 1,
                            .create_time = kNow,
                            .next_time = kNow + absl::Seconds(100 - sequence),
                            .error = "e",
                            .dead_letter = sequence == 8};
  };
  const auto sequences = [](const std::vector<domain::Delivery>& list) {
    std::vector<int64_t> numbers;
    for (const auto& entry : list) numbers.push_back(entry.sequence);
    return numbers;
  };
  using Sequences = std::vector<int64_t>;
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.InsertSubscription(siem));
    RETURN_IF_ERROR(txn.PutDelivery(delivery(8, "a")));
    RETURN_IF_ERROR(txn.PutDelivery(delivery(9, "a")));
    RETURN_IF_ERROR(txn.PutDelivery(delivery(10, "b")));
    RETURN_IF_ERROR(txn.PutDelivery(delivery(11, "a")));
    RETURN_IF_ERROR(txn.MoveCursor("siem", 7, 11));
    domain::Subscription rotated = siem;
    rotated.former_sealed_secret = "s";
    rotated.sealed_secret = "t";
    rotated.former_until = kNow;
    return txn.UpdateSubscription(rotated);
  }));
  EXPECT_THAT(store_->Mutate([&](Transaction& txn) {
    return txn.InsertSubscription(siem);
  }),
              FailsWith(Reason::kAlreadyExists));
  EXPECT_THAT(store_->Mutate([&](Transaction& txn) {
    return txn.MoveCursor("siem", 7, 12);
  }),
              FailsWith(Reason::kConflict));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    const domain::Subscription found = **txn.FindSubscription("siem");
    EXPECT_EQ(found.cursor, 11);
    EXPECT_EQ(found.sealed_secret, "t");
    EXPECT_EQ(found.former_until, kNow);
    EXPECT_EQ(found.actions, siem.actions);
    EXPECT_EQ(txn.ListSubscriptions()->size(), 1u);
    EXPECT_EQ(sequences(*txn.ListDeliveries("siem", false, 9, 9)),
              (Sequences{10, 11}));
    EXPECT_EQ(sequences(*txn.ListDeliveries("siem", true, 0, 9)), Sequences{8});
    EXPECT_EQ(*txn.CountDeliveries("siem", false), 3);
    EXPECT_EQ(**txn.FindDelivery("siem", 10), delivery(10, "b"));
    EXPECT_EQ(*txn.FindDelivery("siem", 12), std::nullopt);
    return absl::OkStatus();
  }));
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.DeleteDelivery("siem", 10));
    return txn.DeleteDelivery("siem", 99);
  }));
  ASSERT_OK(store_->Mutate(
      [&](Transaction& txn) { return txn.DeleteSubscription("siem"); }));
  EXPECT_OK(store_->Read([&](ReadTransaction& txn) {
    EXPECT_EQ(*txn.FindSubscription("siem"), std::nullopt);
    EXPECT_EQ(*txn.CountDeliveries("siem", false), 0);
    return absl::OkStatus();
  }));
  EXPECT_THAT(store_->Mutate([&](Transaction& txn) {
    return txn.PutDelivery(delivery(9, "a"));
  }),
              FailsWith(Reason::kWrongState));
}

TEST_P(StoreContract, TransmittersComeBack) {
  domain::Transmitter idp{.id = "idp",
                          .issuer = "https://idp",
                          .audience = "warder",
                          .jwks_url = "https://idp/keys",
                          .jwks = "{}",
                          .fetch_time = kNow,
                          .created_by = "security/sam",
                          .create_time = kNow};
  ASSERT_OK(store_->Mutate([&](Transaction& txn) {
    RETURN_IF_ERROR(txn.PutTransmitter(idp));
    idp.jwks = "{\"keys\":[]}";
    return txn.PutTransmitter(idp);
  }));
  EXPECT_OK(store_->Mutate([&](Transaction& txn) {
    EXPECT_EQ(**txn.FindTransmitter("idp"), idp);
    EXPECT_EQ(*txn.FindTransmitter("other"), std::nullopt);
    EXPECT_EQ(txn.ListTransmitters()->size(), 1u);
    RETURN_IF_ERROR(txn.DeleteTransmitter("idp"));
    EXPECT_EQ(txn.ListTransmitters()->size(), 0u);
    return absl::OkStatus();
  }));
}

}  // namespace warder
