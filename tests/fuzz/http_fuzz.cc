// What the public door answers, header lines above all.
#include <cstdlib>

#include "absl/strings/str_split.h"
#include "tests/fuzz/fuzz_routes.h"

// Lines of the input: method, path, If-None-Match.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static warder::FuzzRoutes& routes = *new warder::FuzzRoutes();
  const std::vector<absl::string_view> lines = absl::StrSplit(
      absl::string_view(reinterpret_cast<const char*>(data), size), '\n');
  warder::http::HttpRequest request;
  if (!lines.empty()) request.method = lines[0];
  if (lines.size() > 1) request.path = lines[1];
  if (lines.size() > 2) request.if_none_match = lines[2];
  const auto response = routes.Answer(request);
  // Nothing of the request may end a header line.
  for (const absl::string_view line :
       absl::StrSplit(response.headers, "\r\n")) {
    if (line.find_first_of("\r\n") != absl::string_view::npos) abort();
  }
  return 0;
}
