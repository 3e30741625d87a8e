#include <cstdlib>

#include "server/app/outbound.h"
#include "server/app/subject_identifier.h"
#include "server/signals/security_event_verifier.h"

// Bytes as a Security Event Token, as a key set, as a subject and as a URL.
// Nothing that nobody signed is ever good.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto& verifier = *new warder::signals::JoseSecurityEventVerifier;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::string_view jwks = text.substr(text.find('\n') + 1);
  const auto verdict =
      verifier.Verify(text.substr(0, text.find('\n')), jwks, "i", "a",
                      absl::FromUnixSeconds(1800000000));
  if (verdict.error == warder::app::SecurityEventError::kNone) abort();
  if (verdict.description.empty()) abort();
  (void)verifier.CheckKeySet("jwks", jwks);
  if (const auto json = warder::ParseJson(text); json.ok()) {
    const auto names = warder::app::ReadSubject("sub_id", *json, "i");
    if (names.ok() && (names->empty() || names->front().empty())) abort();
  }
  (void)warder::app::CheckUrl("url", text);
  return 0;
}
