// The configuration file. warderd.sample.yaml documents every setting; a test
// keeps its defaults and these equal.
#ifndef WARDER_SERVER_MAIN_CONFIG_H_
#define WARDER_SERVER_MAIN_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/app/departure_intake.h"
#include "server/app/event_dispatcher.h"

namespace warder {

struct Config {
  std::string data_directory = "/var/lib/warder";
  std::string key_encryption_key;  // empty: in data_directory
  std::string log_level = "info";
  absl::Duration drain = absl::Seconds(10);
  std::string grpc_address = "127.0.0.1:7443";
  std::vector<std::string> grpc_hosts = {"localhost", "127.0.0.1"};
  std::string public_address = "127.0.0.1:7480";
  std::string public_base_url = "http://127.0.0.1:7480";
  std::string default_issuer;
  int public_threads = 1;
  std::string tls_certificate;
  std::string tls_private_key;
  std::string hr_address = "127.0.0.1:7481";
  std::string hr_base_url = "https://127.0.0.1:7481";
  int hr_threads = 2;
  std::string hr_tls_certificate;
  std::string hr_tls_private_key;
  app::HrPolicy hr;
  app::DeliveryPolicy deliveries;
  std::string outbound_authority;  // empty: the system's CAs
  std::string ops_address = "127.0.0.1:7482";

  std::string KeyEncryptionKeyFile() const;
  friend bool operator==(const Config&, const Config&) = default;
};

// Returns the settings of YAML `text`; what it leaves out keeps its default.
//
//   INVALID_ARGUMENT  CONFIGURATION with "FILE:LINE: setting: what": not YAML,
//                     an unknown setting, a value of the wrong kind
absl::StatusOr<Config> ParseConfig(absl::string_view file,
                                   const std::string& text);

// Changes one setting of a single value, given as "public.address=IP:PORT".
// INVALID_ARGUMENT CONFIGURATION: not NAME=VALUE, no such setting, a bad value.
absl::Status OverrideSetting(const std::string& setting, Config* config);

// Returns OK when the settings go together; `file` stands in the message.
absl::Status CheckConfig(absl::string_view file, const Config& config);

// As ParseConfig, from a file.
absl::StatusOr<Config> ReadConfig(const std::string& path);

}  // namespace warder

#endif  // WARDER_SERVER_MAIN_CONFIG_H_
