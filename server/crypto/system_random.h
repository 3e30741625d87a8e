// The operating system's randomness by OpenSSL's generator.
#ifndef WARDER_SERVER_CRYPTO_SYSTEM_RANDOM_H_
#define WARDER_SERVER_CRYPTO_SYSTEM_RANDOM_H_

#include "server/base/random.h"

namespace warder::crypto {

// Draws from RAND_bytes in blocks kept per thread; a byte given out is
// overwritten in the block. Not for key material: OpenSSL draws its own.
class SystemRandom : public Random {
 public:
  void Fill(std::span<uint8_t> out) override;
};

}  // namespace warder::crypto

#endif  // WARDER_SERVER_CRYPTO_SYSTEM_RANDOM_H_
