// What every store must do. A new engine joins by instantiating the suite with
// its factory:
//
//   INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, Values(MakePostgres));
#ifndef WARDER_TESTS_CONTRACT_STORE_CONTRACT_H_
#define WARDER_TESTS_CONTRACT_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "server/app/store.h"

namespace warder {

using StoreFactory = std::function<std::unique_ptr<app::Store>()>;

class StoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override;

  // Owners alice and bob, issuer "shop" of alice with deputy bob and one
  // ACTIVE key and one spare.
  void MustMakeShop();
  domain::IssuerDraft MustLoad(app::KeyScope scope = app::KeyScope::kLiving);
  absl::Status Save(domain::IssuerDraft& draft);

  std::unique_ptr<app::Store> store_;
};

}  // namespace warder

#endif  // WARDER_TESTS_CONTRACT_STORE_CONTRACT_H_
