#include <cstdlib>

#include "server/app/roster_file.h"

// A roster of any bytes: every row is a person with a name, or told as bad.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using warder::domain::MatchRule;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const MatchRule rule : {MatchRule::kExternalId, MatchRule::kEmail}) {
    const auto roster = warder::app::ReadRoster(text, rule, "UTC");
    if (!roster.ok()) continue;
    for (const auto& person : roster->people) {
      if (warder::domain::MatchNames(person, rule).empty()) abort();
    }
    if (static_cast<int64_t>(roster->bad_rows.size()) > roster->bad_count) {
      abort();
    }
  }
  return 0;
}
