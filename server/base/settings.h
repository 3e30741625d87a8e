// Settings files in YAML: the one door to yaml-cpp for programs that run on.
//
//   Config config;
//   Settings settings("warderd.sample.yaml");
//   settings.Add("grpc.address", Text(&config.grpc_address));
//   settings.AddList("grpc.hosts", &config.grpc_hosts);
//   RETURN_IF_ERROR(settings.Read(path, text));
//
// Names are dotted paths; a group exists where a setting stands in it. All
// errors are INVALID_ARGUMENT CONFIGURATION and name file and line.
#ifndef WARDER_SERVER_BASE_SETTINGS_H_
#define WARDER_SERVER_BASE_SETTINGS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder {

// Takes one value; an error becomes part of the message.
using Setter = std::function<absl::Status(const std::string&)>;

Setter Text(std::string* out);
// Without slashes at its end.
Setter Url(std::string* out);
// A whole number from 1 to `most`.
Setter Positive(int* out, int most);
// "30s", "5m", see ParseDuration.
Setter Span(absl::Duration* out);
// "true" or "false".
Setter Flag(bool* out);

class Settings {
 public:
  // `sample` is the file that lists every setting, for messages.
  explicit Settings(std::string sample) : sample_(std::move(sample)) {}

  void Add(const std::string& name, Setter setter);
  // A list of texts, at least one.
  void AddList(const std::string& name, std::vector<std::string>* out);

  // Reads `text`, the contents of `file`. Unknown, repeated and misplaced
  // settings are refused.
  absl::Status Read(absl::string_view file, const std::string& text);
  // Sets one from elsewhere: "NAME=VALUE" of the flag `flag`.
  absl::Status Override(absl::string_view flag, const std::string& setting);

 private:
  class Reader;

  const std::string sample_;
  std::map<std::string, Setter> scalars_;
  std::map<std::string, std::vector<std::string>*> lists_;
};

// Returns the contents of a settings file.
absl::StatusOr<std::string> ReadSettingsFile(const std::string& path);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_SETTINGS_H_
