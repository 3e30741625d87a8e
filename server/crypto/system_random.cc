#include "server/crypto/system_random.h"

#include <openssl/rand.h>

#include <cstdlib>
#include <cstring>

#include "server/base/secret_bytes.h"

namespace warder::crypto {
namespace {

struct Block {
  uint8_t bytes[1024];
  size_t used = sizeof(bytes);
};

void FillOrAbort(uint8_t* out, size_t size) {
  if (RAND_bytes(out, static_cast<int>(size)) != 1) abort();  // no entropy
}

}  // namespace

void SystemRandom::Fill(std::span<uint8_t> out) {
  thread_local Block block;
  if (out.size() > sizeof(block.bytes) / 4) {
    FillOrAbort(out.data(), out.size());
    return;
  }
  if (sizeof(block.bytes) - block.used < out.size()) {
    FillOrAbort(block.bytes, sizeof(block.bytes));
    block.used = 0;
  }
  memcpy(out.data(), block.bytes + block.used, out.size());
  Cleanse(block.bytes + block.used, out.size());
  block.used += out.size();
}

}  // namespace warder::crypto
