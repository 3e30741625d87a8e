// Unpredictable bytes as a constructor argument.
#ifndef WARDER_SERVER_BASE_RANDOM_H_
#define WARDER_SERVER_BASE_RANDOM_H_

#include <cstdint>
#include <span>
#include <string>

namespace warder {

class Random {
 public:
  virtual ~Random() = default;

  // Fills `out` with unpredictable bytes. Never fails: a machine without
  // entropy ends the process. Thread-safe.
  virtual void Fill(std::span<uint8_t> out) = 0;
};

// Returns `bytes` random bytes as base64url text without padding.
std::string RandomToken(Random& random, size_t bytes);

// Returns a random UUID, version 4 (RFC 9562 section 5.4).
std::string RandomUuid(Random& random);

// A repeatable sequence for tests (splitmix64).
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void Fill(std::span<uint8_t> out) override;
  uint64_t Next();

 private:
  uint64_t state_;
};

}  // namespace warder

#endif  // WARDER_SERVER_BASE_RANDOM_H_
