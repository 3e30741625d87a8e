#include "server/main/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  warder::ParseConfig("f",
                      std::string(reinterpret_cast<const char*>(data), size))
      .status()
      .IgnoreError();
  return 0;
}
