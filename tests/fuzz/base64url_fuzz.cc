#include <cstdlib>

#include "server/base/base64url.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto bytes = warder::Base64UrlDecode(text);
  // One value has one text.
  if (bytes.ok() && warder::Base64UrlEncode(*bytes) != text) abort();
  return 0;
}
