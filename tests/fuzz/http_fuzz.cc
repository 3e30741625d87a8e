#include <cstdlib>

#include "absl/strings/str_split.h"
#include "server/http/public_routes.h"

namespace {

class NoVault : public warder::app::Vault {
  absl::StatusOr<warder::app::GeneratedKey> Generate(
      const warder::IssuerId&, warder::domain::Algorithm) override {
    return absl::UnavailableError("");
  }
  absl::StatusOr<std::string> GenerateTombstone() override {
    return absl::UnavailableError("");
  }
  absl::StatusOr<std::string> Sign(const warder::IssuerId&,
                                   const warder::app::SigningKey&,
                                   absl::string_view) override {
    return absl::UnavailableError("");
  }
  void Forget(const warder::KeyId&) override {}
};

}  // namespace

// Lines of the input: method, path, If-None-Match.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static NoVault vault;
  static warder::SimulatedClock clock(absl::UnixEpoch());
  static warder::Metrics metrics;
  static warder::app::Publisher publisher;
  static warder::app::HistoricalKeys historical(vault, clock);
  static warder::http::PublicRoutes routes(
      {.public_base_url = "https://k", .default_issuer = "shop"}, publisher,
      historical, clock, metrics);
  static const bool installed = [] {
    auto snapshot = std::make_shared<warder::app::IssuerSnapshot>();
    snapshot->id = warder::IssuerId("shop");
    snapshot->rev = 1;
    snapshot->etag = "\"e\"";
    snapshot->key_set = "{}";
    snapshot->algorithms = {warder::domain::Algorithm::kEs256};
    publisher.Install(snapshot);
    return true;
  }();
  if (!installed) abort();
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
