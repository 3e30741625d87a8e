// Lines of an access log: whoever sends a request writes into them.
#include <cstddef>
#include <cstdint>

#include "client/agent/log_line.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view line(reinterpret_cast<const char*>(data), size);
  const auto logged =
      warder::agent::ReadLogLine(line, warder::agent::LogFields());
  if (logged.ok() && *logged && (*logged)->token.empty()) __builtin_trap();
  return 0;
}
