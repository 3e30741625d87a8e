// Where the service is, and who calls it.
#ifndef WARDER_CLIENT_PROFILE_H_
#define WARDER_CLIENT_PROFILE_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace warder::client {

// File names, but for the address and URL.
struct Profile {
  std::string address = "127.0.0.1:7443";
  std::string public_url = "http://127.0.0.1:7480";
  std::string certificate;
  std::string private_key;
  std::string authority;
  // The CA of an https public_url; empty for the system's.
  std::string public_authority;
};

// Returns the value of an environment variable, or "".
using Environment = std::function<std::string(const std::string&)>;

// Reads a profile: the file `path`; if that is empty, the file $WARDER_PROFILE
// names; if that is empty, $XDG_CONFIG_HOME/warder/profile.yaml or
// ~/.config/warder/profile.yaml where it exists. Then WARDER_ADDRESS,
// WARDER_PUBLIC_URL, WARDER_CERTIFICATE, WARDER_PRIVATE_KEY,
// WARDER_AUTHORITY and WARDER_PUBLIC_AUTHORITY override single settings.
//
//   INVALID_ARGUMENT  CONFIGURATION: the file cannot be read, is not YAML, or
//                     holds an unknown setting; the message says which
absl::StatusOr<Profile> LoadProfile(const std::string& path,
                                    const Environment& environment);

}  // namespace warder::client

#endif  // WARDER_CLIENT_PROFILE_H_
