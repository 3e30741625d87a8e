#include "tests/contract/store_contract.h"
#include "tests/support/fake_store.h"

namespace warder {

INSTANTIATE_TEST_SUITE_P(Fake, StoreContract, testing::Values(StoreFactory([] {
                           return std::make_unique<FakeStore>();
                         })));

}  // namespace warder
