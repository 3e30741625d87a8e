// The public door's answers over one issuer, without a store or a vault.
#ifndef WARDER_TESTS_FUZZ_FUZZ_ROUTES_H_
#define WARDER_TESTS_FUZZ_FUZZ_ROUTES_H_

#include <memory>

#include "server/crypto/digest.h"
#include "server/http/public_routes.h"

namespace warder {

class NoVault : public app::Vault {
  absl::StatusOr<app::GeneratedKey> Generate(const IssuerId&,
                                             domain::Algorithm) override {
    return absl::UnavailableError("");
  }
  absl::StatusOr<app::ExposedKeyPair> GenerateExposed(
      domain::Algorithm) override {
    return absl::UnavailableError("no vault");
  }
  absl::StatusOr<std::string> GenerateTombstone() override {
    return absl::UnavailableError("");
  }
  absl::StatusOr<std::string> Sign(const IssuerId&, const app::SigningKey&,
                                   absl::string_view) override {
    return absl::UnavailableError("");
  }
  void Forget(const KeyId&) override {}
};

class NobodyListens : public app::ViewSink {
  void Note(const domain::GatewayView&) override {}
};

class FuzzRoutes {
 public:
  FuzzRoutes() {
    auto snapshot = std::make_shared<app::IssuerSnapshot>();
    snapshot->id = IssuerId("shop");
    snapshot->rev = 1;
    snapshot->etag = "\"e\"";
    snapshot->key_set = "{}";
    snapshot->algorithms = {domain::Algorithm::kEs256};
    publisher_.Install(snapshot);
  }

  http::HttpResponse Answer(const http::HttpRequest& request) {
    return routes_.Answer(request);
  }
  Clock& clock() { return clock_; }

 private:
  NoVault vault_;
  SystemClock clock_;
  Metrics metrics_;
  app::Publisher publisher_;
  app::Documents documents_{"https://k", vault_, clock_, crypto::Sha256};
  app::GatewayDirectory gateways_;
  NobodyListens nobody_;
  http::PublicRoutes routes_{"shop",  publisher_, documents_, gateways_,
                             nobody_, clock_,     metrics_};
};

}  // namespace warder

#endif  // WARDER_TESTS_FUZZ_FUZZ_ROUTES_H_
