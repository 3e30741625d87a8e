// A key-encryption key for tests.
#ifndef WARDER_TESTS_SUPPORT_TEST_SEALER_H_
#define WARDER_TESTS_SUPPORT_TEST_SEALER_H_

#include <cstdint>
#include <utility>

#include "server/crypto/seal.h"

namespace warder {

// Returns a sealer whose key is `fill`, over and over.
inline crypto::Sealer MakeSealer(uint8_t fill = 1) {
  SecretBytes key(crypto::kKeyEncryptionKeyBytes);
  for (size_t i = 0; i < key.size(); ++i) key.data()[i] = fill;
  return crypto::Sealer(std::move(key));
}

}  // namespace warder

#endif  // WARDER_TESTS_SUPPORT_TEST_SEALER_H_
