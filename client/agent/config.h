// The settings of one warder-agent.
#ifndef WARDER_CLIENT_AGENT_CONFIG_H_
#define WARDER_CLIENT_AGENT_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "client/profile.h"
#include "client/verify/verifier.h"
#include "server/base/settings.h"

namespace warder::agent {

struct Config {
  client::Profile server;  // address, certificate, private_key, authority
  std::string instance;    // default: the host's name
  client::VerifierOptions verify;
  // The audience of probe tokens: accepted on /probe and nowhere else; empty:
  // there is no /probe.
  std::string probe_audience;
  std::string http_address = "127.0.0.1:7490";
  std::string ext_authz_address;  // empty: there is none
  // Where the token of /auth stands: a cookie of this name, beside the header
  // Authorization.
  std::string cookie;
  std::string state_directory;    // empty: a start begins with nothing
  std::string key_set_directory;  // empty: no files are kept current
  bool observe = true;            // tell the server which tokens are seen
  std::string log_level = "info";
};

// Returns the host's name in the alphabet of names in certificates; "agent"
// where that leaves none.
std::string HostName();

// Adds what every file of the agent says: where the server is, who this is,
// what is logged. All outlive `settings`.
void AddCommonSettings(Settings& settings, client::Profile& server,
                       std::string& instance, std::string& log_level);

// Reads a YAML file; README and agent.sample.yaml say what it holds.
//
//   INVALID_ARGUMENT  CONFIGURATION: naming the line for an unknown setting, a
//                     bad value, or an address that is neither loopback nor a
//                     Unix socket
absl::StatusOr<Config> ReadConfig(const std::string& path);

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_CONFIG_H_
