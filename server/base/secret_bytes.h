// Bytes that must not be seen: own pages, locked in memory where the system
// allows, left out of core dumps, overwritten before they are given back.
#ifndef WARDER_SERVER_BASE_SECRET_BYTES_H_
#define WARDER_SERVER_BASE_SECRET_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/strings/string_view.h"

namespace warder {

// Move-only. There is no conversion to text and no operator<<: a log line or a
// test printer that meets one does not compile.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(size_t size);
  ~SecretBytes();
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<const uint8_t> span() const { return {data_, size_}; }

  // Returns false where the system refused mlock (RLIMIT_MEMLOCK).
  bool locked() const { return locked_; }

  // Shortens the visible size; the rest is overwritten. `size` <= size().
  void Shrink(size_t size);

 private:
  void Release();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t mapped_ = 0;
  bool locked_ = false;
};

// Overwrites `size` bytes at `data`; never optimised away.
void Cleanse(void* data, size_t size);

// Turns core dumps and ptrace by other processes of the user off for this
// process. Returns false where the system refuses.
bool DisableCoreDumps();

}  // namespace warder

#endif  // WARDER_SERVER_BASE_SECRET_BYTES_H_
