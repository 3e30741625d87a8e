#include "server/main/config.h"

#include <tuple>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/log.h"
#include "server/base/settings.h"
#include "server/base/status_macros.h"

namespace warder {
namespace {

Settings SettingsOf(Config& config) {
  Settings settings("warderd.sample.yaml");
  settings.AddList("grpc.hosts", &config.grpc_hosts);
  settings.Add("data_directory", Text(&config.data_directory));
  settings.Add("key_encryption_key", Text(&config.key_encryption_key));
  settings.Add("log_level", [&config](const std::string& value) {
    config.log_level = value;
    return ParseLogLevel(value).status();
  });
  settings.Add("drain", Span(&config.drain));
  settings.Add("grpc.address", Text(&config.grpc_address));
  settings.Add("public.address", Text(&config.public_address));
  settings.Add("public.base_url", Url(&config.public_base_url));
  settings.Add("public.default_issuer", [&config](const std::string& value) {
    config.default_issuer = value;
    return value.empty() ? absl::OkStatus()
                         : ParseIssuerId("issuer", value).status();
  });
  settings.Add("hr.address", Text(&config.hr_address));
  settings.Add("hr.base_url", Url(&config.hr_base_url));
  settings.Add("hr.threads", Positive(&config.hr_threads, 64));
  settings.Add("hr.tls.certificate", Text(&config.hr_tls_certificate));
  settings.Add("hr.tls.private_key", Text(&config.hr_tls_private_key));
  settings.Add("hr.match", [&config](const std::string& value) -> absl::Status {
    ASSIGN_OR_RETURN(config.hr.match, domain::ParseMatchRule("value", value));
    return absl::OkStatus();
  });
  settings.Add("hr.brake.count", Positive(&config.hr.brake_count, 1000000));
  settings.Add("hr.brake.percent", Positive(&config.hr.brake_percent, 100));
  settings.Add("hr.brake.window", Span(&config.hr.brake_window));
  settings.Add("hr.silence", Span(&config.hr.silence));
  settings.Add("hr.absence_grace", Span(&config.hr.absence_grace));
  settings.Add("hr.attestation.lease", Span(&config.hr.attestation_lease));
  settings.Add("hr.attestation.grace", Span(&config.hr.attestation_grace));
  settings.Add("events.first_retry", Span(&config.deliveries.first_retry));
  settings.Add("events.longest_retry", Span(&config.deliveries.longest_retry));
  settings.Add("events.refused_for", Span(&config.deliveries.refused_for));
  settings.Add("events.give_up", Span(&config.deliveries.give_up));
  settings.Add("events.authority", Text(&config.outbound_authority));
  settings.Add("public.threads", Positive(&config.public_threads, 64));
  settings.Add("public.tls.certificate", Text(&config.tls_certificate));
  settings.Add("public.tls.private_key", Text(&config.tls_private_key));
  settings.Add("ops.address", Text(&config.ops_address));
  return settings;
}

}  // namespace

std::string Config::KeyEncryptionKeyFile() const {
  return key_encryption_key.empty()
             ? absl::StrCat(data_directory, "/key-encryption-key")
             : key_encryption_key;
}

absl::StatusOr<Config> ParseConfig(absl::string_view file,
                                   const std::string& text) {
  Config config;
  RETURN_IF_ERROR(SettingsOf(config).Read(file, text));
  RETURN_IF_ERROR(CheckConfig(file, config));
  return config;
}

absl::Status OverrideSetting(const std::string& setting, Config* config) {
  return SettingsOf(*config).Override("--set", setting);
}

absl::Status CheckConfig(absl::string_view file, const Config& config) {
  const std::tuple<const char*, const std::string&, const std::string&>
      pairs[] = {
          {"public.tls", config.tls_certificate, config.tls_private_key},
          {"hr.tls", config.hr_tls_certificate, config.hr_tls_private_key}};
  for (const auto& [name, certificate, key] : pairs) {
    if (certificate.empty() == key.empty()) continue;
    return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
                 absl::StrCat(file, ": ", name,
                              ": certificate and private_key come together"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Config> ReadConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadSettingsFile(path));
  return ParseConfig(path, text);
}

}  // namespace warder
