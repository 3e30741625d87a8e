// Numbers as bytes, the least significant first.
#ifndef WARDER_SERVER_BASE_LITTLE_ENDIAN_H_
#define WARDER_SERVER_BASE_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace warder {

// Appends the `bytes` low bytes of `number`, 8 at most.
inline void AppendLittleEndian(uint64_t number, size_t bytes,
                               std::string& out) {
  for (size_t i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(number >> (8 * i)));
  }
}

// Returns the number that `bytes` are, 8 of them at most.
inline uint64_t ReadLittleEndian(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<uint8_t>(bytes[i - 1]);
  }
  return number;
}

}  // namespace warder

#endif  // WARDER_SERVER_BASE_LITTLE_ENDIAN_H_
