#include "server/main/config.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"

namespace warder {
namespace {

absl::Status At(absl::string_view file, const YAML::Mark& mark,
                absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
               absl::StrCat(file, ":", mark.line + 1, ": ", message));
}

using Setter = std::function<absl::Status(const std::string&)>;

Setter Text(std::string* out) {
  return [out](const std::string& value) {
    *out = value;
    return absl::OkStatus();
  };
}

// Without slashes at its end.
Setter Url(std::string* out) {
  return [out](const std::string& value) {
    *out = value.substr(0, value.find_last_not_of('/') + 1);
    return absl::OkStatus();
  };
}

Setter Positive(int* out, int most) {
  return [out, most](const std::string& value) {
    if (absl::SimpleAtoi(value, out) && *out > 0 && *out <= most) {
      return absl::OkStatus();
    }
    return FieldError(
        "value",
        absl::StrCat("\"", value, "\" is not a number from 1 to ", most));
  };
}

Setter Span(absl::Duration* out) {
  return [out](const std::string& value) -> absl::Status {
    ASSIGN_OR_RETURN(*out, ParseDuration(value));
    return absl::OkStatus();
  };
}

// One reader of a file: scalars by dotted name, and the one list there is.
class Reader {
 public:
  Reader(absl::string_view file, Config* config)
      : file_(file), hosts_(&config->grpc_hosts) {
    scalars_ = {
        {"data_directory", Text(&config->data_directory)},
        {"key_encryption_key", Text(&config->key_encryption_key)},
        {"log_level",
         [config](const std::string& value) {
           config->log_level = value;
           return ParseLogLevel(value).status();
         }},
        {"drain", Span(&config->drain)},
        {"grpc.address", Text(&config->grpc_address)},
        {"public.address", Text(&config->public_address)},
        {"public.base_url", Url(&config->public_base_url)},
        {"public.default_issuer",
         [config](const std::string& value) {
           config->default_issuer = value;
           return value.empty() ? absl::OkStatus()
                                : ParseIssuerId("issuer", value).status();
         }},
        {"hr.address", Text(&config->hr_address)},
        {"hr.base_url", Url(&config->hr_base_url)},
        {"hr.threads", Positive(&config->hr_threads, 64)},
        {"hr.tls.certificate", Text(&config->hr_tls_certificate)},
        {"hr.tls.private_key", Text(&config->hr_tls_private_key)},
        {"hr.match",
         [config](const std::string& value) -> absl::Status {
           ASSIGN_OR_RETURN(config->hr.match,
                            domain::ParseMatchRule("value", value));
           return absl::OkStatus();
         }},
        {"hr.brake.count", Positive(&config->hr.brake_count, 1000000)},
        {"hr.brake.percent", Positive(&config->hr.brake_percent, 100)},
        {"hr.brake.window", Span(&config->hr.brake_window)},
        {"hr.silence", Span(&config->hr.silence)},
        {"hr.absence_grace", Span(&config->hr.absence_grace)},
        {"hr.attestation.lease", Span(&config->hr.attestation_lease)},
        {"hr.attestation.grace", Span(&config->hr.attestation_grace)},
        {"events.first_retry", Span(&config->deliveries.first_retry)},
        {"events.longest_retry", Span(&config->deliveries.longest_retry)},
        {"events.refused_for", Span(&config->deliveries.refused_for)},
        {"events.give_up", Span(&config->deliveries.give_up)},
        {"events.authority", Text(&config->outbound_authority)},
        {"public.threads", Positive(&config->public_threads, 64)},
        {"public.tls.certificate", Text(&config->tls_certificate)},
        {"public.tls.private_key", Text(&config->tls_private_key)},
        {"ops.address", Text(&config->ops_address)}};
  }

  absl::Status Read(const YAML::Node& node, const std::string& prefix) {
    if (!node.IsMap()) {
      return At(file_, node.Mark(),
                absl::StrCat(prefix.empty() ? "the file" : prefix,
                             ": settings are wanted here"));
    }
    std::map<std::string, int> seen;
    for (const auto& entry : node) {
      const std::string name =
          absl::StrCat(prefix, prefix.empty() ? "" : ".",
                       entry.first.IsScalar() ? entry.first.Scalar() : "?");
      if (++seen[name] > 1) {
        return At(file_, entry.first.Mark(), name + ": is set twice");
      }
      RETURN_IF_ERROR(ReadOne(name, entry.first.Mark(), entry.second));
    }
    return absl::OkStatus();
  }

  // A setting from elsewhere than the file.
  absl::Status Set(const std::string& name, const std::string& value) {
    const auto setter = scalars_.find(name);
    absl::Status status =
        setter == scalars_.end()
            ? FieldError("name", "there is no such setting of one value")
            : setter->second(value);
    if (status.ok()) return status;
    return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
                 absl::StrCat("--set ", name, ": ", status.message(),
                              "; warderd.sample.yaml lists all there are"));
  }

 private:
  absl::Status ReadOne(const std::string& name, const YAML::Mark& mark,
                       const YAML::Node& value) {
    if (name == "grpc" || name == "public" || name == "ops" ||
        name == "public.tls" || name == "hr" || name == "hr.tls" ||
        name == "hr.brake" || name == "hr.attestation" || name == "events") {
      return Read(value, name);
    }
    if (name == "grpc.hosts") return ReadHosts(value);
    const auto setter = scalars_.find(name);
    if (setter == scalars_.end()) {
      return At(file_, mark,
                absl::StrCat(name,
                             ": unknown setting; warderd.sample.yaml "
                             "lists all there are"));
    }
    if (!value.IsScalar()) {
      return At(file_, value.Mark(), name + ": one value is wanted");
    }
    absl::Status status = setter->second(value.Scalar());
    if (status.ok()) return status;
    return At(file_, value.Mark(), absl::StrCat(name, ": ", status.message()));
  }

  absl::Status ReadHosts(const YAML::Node& value) {
    if (!value.IsSequence() || value.size() == 0) {
      return At(file_, value.Mark(), "grpc.hosts: a list of names is wanted");
    }
    hosts_->clear();
    for (const auto& host : value) {
      if (!host.IsScalar()) {
        return At(file_, host.Mark(), "grpc.hosts: a name is wanted");
      }
      hosts_->push_back(host.Scalar());
    }
    return absl::OkStatus();
  }

  const absl::string_view file_;
  std::vector<std::string>* const hosts_;
  std::map<std::string, Setter> scalars_;
};

}  // namespace

std::string Config::KeyEncryptionKeyFile() const {
  return key_encryption_key.empty()
             ? absl::StrCat(data_directory, "/key-encryption-key")
             : key_encryption_key;
}

absl::StatusOr<Config> ParseConfig(absl::string_view file,
                                   const std::string& text) {
  Config config;
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsNull()) {
      RETURN_IF_ERROR(Reader(file, &config).Read(root, ""));
    }
  } catch (const YAML::Exception& error) {
    return At(file, error.mark, absl::StrCat("not YAML: ", error.msg));
  }
  RETURN_IF_ERROR(CheckConfig(file, config));
  return config;
}

absl::Status OverrideSetting(const std::string& setting, Config* config) {
  const size_t equals = setting.find('=');
  if (equals == std::string::npos) {
    return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
                 absl::StrCat("--set \"", setting, "\" is not NAME=VALUE"));
  }
  return Reader("--set", config)
      .Set(setting.substr(0, equals), setting.substr(equals + 1));
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
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) {
    return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
                 absl::StrCat(path,
                              ": cannot be read; check the path given "
                              "with --config"));
  }
  return ParseConfig(path, text.str());
}

}  // namespace warder
