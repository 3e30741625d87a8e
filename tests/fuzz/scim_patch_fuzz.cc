#include <cstdlib>

#include "server/http/scim/document.h"
#include "server/http/scim/patch.h"

// A PATCH and a body of any bytes. What comes out of a patch is a document that
// can be patched again, and is never active where it cannot be read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace scim = warder::http::scim;
  static const auto& user = *new warder::Json(*scim::DocumentOf(
      R"({"userName":"ann","active":false,"name":{"givenName":"Ann"},
          "emails":[{"type":"work","value":"a@b"},7],"timezone":"UTC"})"));
  const absl::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto document = scim::DocumentOf(body); document.ok()) {
    (void)scim::UserOf(*document, {});
  }
  const auto patched = scim::ApplyPatch(user, body);
  if (!patched.ok()) return 0;
  const auto again = scim::Normalize(*patched);
  if (!again.ok() || *again != *patched) abort();
  const auto active = patched->find("active");
  if (active != patched->end() && !active->is_boolean()) abort();
  return 0;
}
