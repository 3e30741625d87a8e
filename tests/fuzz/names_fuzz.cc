#include <cstdlib>

#include "server/app/authorizer.h"
#include "server/app/page_token.h"
#include "server/base/ids.h"
#include "server/base/time_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = warder::ParseKeyName("n", text);
      key.ok() && warder::KeyName(key->first, key->second) != text) {
    abort();
  }
  if (const auto id = warder::ParseIssuerName("n", text);
      id.ok() && warder::IssuerName(*id) != text) {
    abort();
  }
  if (const auto caller = warder::app::ParseCallerUri(text);
      caller.ok() && caller->Uri() != text) {
    abort();
  }
  if (const auto position = warder::app::ParsePageToken("k", "f", text);
      position.ok() && !text.empty() &&
      warder::app::MakePageToken("k", "f", *position) != text) {
    abort();
  }
  warder::ParseTime(text).status().IgnoreError();
  if (const auto span = warder::ParseDuration(text); span.ok()) {
    if (!warder::ParseDuration(warder::DurationText(*span)).ok()) abort();
  }
  return 0;
}
