#include "client/agent/config.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/settings.h"
#include "server/base/status_macros.h"

namespace warder::agent {
namespace {

constexpr int kMostCached = 10'000'000;

// What is served here says who may pass: nobody else on the network asks.
Setter Local(std::string* out) {
  return [out](const std::string& value) {
    *out = value;
    if (value.empty() || absl::StartsWith(value, "unix:/") ||
        absl::StartsWith(value, "127.") || absl::StartsWith(value, "[::1]:")) {
      return absl::OkStatus();
    }
    return FieldError("value",
                      absl::StrCat("\"", value,
                                   "\" is neither loopback (127.0.0.1:PORT, "
                                   "[::1]:PORT) nor unix:/PATH"));
  };
}

Settings SettingsOf(Config& config, int* cached) {
  Settings settings("agent.sample.yaml");
  AddCommonSettings(settings, config.server, config.instance, config.log_level);
  settings.AddList("verify.audiences", &config.verify.audiences);
  settings.AddList("verify.types", &config.verify.types);
  settings.Add("verify.clock_skew", Span(&config.verify.clock_skew));
  settings.Add("verify.max_staleness", Span(&config.verify.max_staleness));
  settings.Add("verify.serve_stale", Flag(&config.verify.serve_stale));
  settings.Add("verify.cached_tokens", Positive(cached, kMostCached));
  settings.Add("verify.cookie", Text(&config.cookie));
  settings.Add("probe_audience", Text(&config.probe_audience));
  settings.Add("http_address", Local(&config.http_address));
  settings.Add("ext_authz_address", Local(&config.ext_authz_address));
  settings.Add("state_directory", Text(&config.state_directory));
  settings.Add("key_set_directory", Text(&config.key_set_directory));
  settings.Add("observe", Flag(&config.observe));
  return settings;
}

}  // namespace

void AddCommonSettings(Settings& settings, client::Profile& server,
                       std::string& instance, std::string& log_level) {
  settings.Add("server.address", Text(&server.address));
  settings.Add("server.certificate", Text(&server.certificate));
  settings.Add("server.private_key", Text(&server.private_key));
  settings.Add("server.authority", Text(&server.authority));
  settings.Add("instance", Text(&instance));
  settings.Add("log_level", [&log_level](const std::string& value) {
    log_level = value;
    return ParseLogLevel(value).status();
  });
}

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return "agent";
  std::string text = absl::AsciiStrToLower(name);
  for (char& c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' &&
        c != '-' && c != '_') {
      c = '-';
    }
  }
  text = text.substr(0, 63);
  return text.empty() ||
                 !absl::ascii_isalnum(static_cast<unsigned char>(text[0]))
             ? "agent"
             : text;
}

absl::StatusOr<Config> ReadConfig(const std::string& path) {
  Config config;
  config.instance = HostName();
  int cached = 0;
  ASSIGN_OR_RETURN(const std::string text, ReadSettingsFile(path));
  RETURN_IF_ERROR(SettingsOf(config, &cached).Read(path, text));
  config.verify.cached_tokens = static_cast<size_t>(cached);
  if (const absl::Status status = client::ValidateOptions(config.verify);
      !status.ok()) {
    return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
                 absl::StrCat(path, ": verify.", status.message()));
  }
  if (!config.probe_audience.empty() &&
      std::count(config.verify.audiences.begin(), config.verify.audiences.end(),
                 config.probe_audience) > 0) {
    return Error(
        absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
        absl::StrCat(path, ": probe_audience \"", config.probe_audience,
                     "\" stands in verify.audiences, too: a probe's "
                     "token would open everything"));
  }
  return config;
}

}  // namespace warder::agent
