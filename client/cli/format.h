// Output: tables for people, JSON for programs.
#ifndef WARDER_CLIENT_CLI_FORMAT_H_
#define WARDER_CLIENT_CLI_FORMAT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace warder::cli {

// What a stream shows: 0 columns for a file or pipe (nothing is cut).
struct Terminal {
  int columns = 0;
  bool color = false;
};

// Looks at standard output and NO_COLOR.
Terminal StandardOutput();
// The same of standard error, where progress is shown.
Terminal StandardError();

// A table whose widest columns give way when the terminal is narrow. An empty
// cell is shown as "-".
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  void Add(std::vector<std::string> row);

  // Returns the lines; states (ACTIVE, REVOKED, …) are coloured on a terminal
  // that shows colour.
  std::string Text(const Terminal& terminal) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "name  value" lines, for one resource; "-" where there is no value.
std::string Fields(
    const std::vector<std::pair<std::string, std::string>>& fields,
    const Terminal& terminal);

// Returns a message as one line of JSON with the proto's field names.
std::string MessageJson(const google::protobuf::Message& message);
// Reads what MessageJson wrote. INVALID_ARGUMENT for `field`.
absl::Status ParseMessage(absl::string_view field, const std::string& text,
                          google::protobuf::Message* message);

// "2026-01-02 03:04:05Z", or "-" for an unset one.
std::string When(const google::protobuf::Timestamp& time);
// "30d", "1h30m".
std::string HowLong(const google::protobuf::Duration& duration);
void SetDuration(absl::Duration duration, google::protobuf::Duration* out);

// The last part of a resource name: "owners/alice" is "alice".
std::string LastPart(absl::string_view name);

// An enum value's name without its prefix: "KEY_STATE_ACTIVE" is "ACTIVE".
std::string Short(absl::string_view enum_name, absl::string_view prefix);

// Returns `text` safe for a terminal: control characters are escaped.
std::string Safe(absl::string_view text);

}  // namespace warder::cli

#endif  // WARDER_CLIENT_CLI_FORMAT_H_
