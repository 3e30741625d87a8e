#include "server/http/scim/filter.h"

// A filter of any bytes, asked of a fixed user.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto& user = *new warder::Json(*warder::ParseJson(
      R"({"userName":"ann","active":true,"name":{"givenName":"Ann"},
          "emails":[{"type":"work","value":"a@b"},7],"meta":{"created":
          "2026-01-02T00:00:00Z"},"age":7})"));
  const auto filter = warder::http::scim::Filter::Parse(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!filter.ok()) return 0;
  filter->Matches(user);
  filter->Demands("userName");
  warder::Json made = warder::Json::object();
  filter->MakeMatch(made);
  return 0;
}
