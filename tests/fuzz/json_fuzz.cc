#include <cstdlib>

#include "server/base/strict_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value = warder::ParseJson(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!value.ok()) return 0;
  // What was read is written, and read again, the same.
  const std::string text = warder::WriteJson(*value);
  const auto again = warder::ParseJson(text, {.max_bytes = 1 << 20});
  if (!again.ok() || warder::WriteJson(*again) != text) abort();
  return 0;
}
