#include "client/profile.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::client {
namespace {

absl::Status Bad(const std::string& path, absl::string_view why) {
  return Error(absl::StatusCode::kInvalidArgument, Reason::kConfiguration,
               absl::StrCat("profile ", path, ": ", why));
}

std::map<std::string, std::string*> Settings(Profile& profile) {
  return {{"address", &profile.address},
          {"public_url", &profile.public_url},
          {"certificate", &profile.certificate},
          {"private_key", &profile.private_key},
          {"authority", &profile.authority},
          {"public_authority", &profile.public_authority}};
}

absl::Status ReadFile(const std::string& path, Profile& profile) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return Bad(path, "cannot be read");
  const auto settings = Settings(profile);
  try {
    const YAML::Node root = YAML::Load(text.str());
    if (!root.IsMap()) return Bad(path, "holds no settings");
    for (const auto& entry : root) {
      const std::string name = entry.first.as<std::string>();
      const auto setting = settings.find(name);
      if (setting == settings.end()) {
        return Bad(path, absl::StrCat("line ", entry.first.Mark().line + 1,
                                      ": unknown setting \"", name,
                                      "\"; there are address, public_url, "
                                      "certificate, private_key, authority, "
                                      "public_authority"));
      }
      *setting->second = entry.second.as<std::string>();
    }
  } catch (const YAML::Exception& error) {
    return Bad(path, error.what());
  }
  return absl::OkStatus();
}

std::string DefaultPath(const Environment& environment) {
  std::string base = environment("XDG_CONFIG_HOME");
  if (base.empty()) base = absl::StrCat(environment("HOME"), "/.config");
  const std::string path = absl::StrCat(base, "/warder/profile.yaml");
  std::error_code error;
  return std::filesystem::exists(path, error) ? path : "";
}

}  // namespace

absl::StatusOr<Profile> LoadProfile(const std::string& path,
                                    const Environment& environment) {
  Profile profile;
  std::string file = path;
  if (file.empty()) file = environment("WARDER_PROFILE");
  if (file.empty()) file = DefaultPath(environment);
  if (!file.empty()) RETURN_IF_ERROR(ReadFile(file, profile));
  const std::pair<const char*, std::string*> overrides[] = {
      {"WARDER_ADDRESS", &profile.address},
      {"WARDER_PUBLIC_URL", &profile.public_url},
      {"WARDER_CERTIFICATE", &profile.certificate},
      {"WARDER_PRIVATE_KEY", &profile.private_key},
      {"WARDER_AUTHORITY", &profile.authority},
      {"WARDER_PUBLIC_AUTHORITY", &profile.public_authority}};
  for (const auto& [name, setting] : overrides) {
    const std::string value = environment(name);
    if (!value.empty()) *setting = value;
  }
  return profile;
}

}  // namespace warder::client
