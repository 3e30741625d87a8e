// One line of an access log in JSON, as nginx and Envoy write it.
#ifndef WARDER_CLIENT_AGENT_LOG_LINE_H_
#define WARDER_CLIENT_AGENT_LOG_LINE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace warder::agent {

inline constexpr size_t kLongestLogLine = 64 * 1024;

// Which members of the object say what.
struct LogFields {
  std::string token = "token";  // the token, with or without "Bearer "
  std::string status = "status";
  std::string source = "remote_addr";
  std::string time = "time";
};

// A request that carried a token.
struct LoggedToken {
  std::string token;
  int status = 0;                  // of the answer; 0: the log does not say
  std::string source;              // "" where the log does not say
  std::optional<absl::Time> time;  // likewise
};

// Returns what the line says; nothing of a request that carried no token ("",
// "-"). Times are seconds since 1970 with or without a fraction, as number or
// text, or RFC 3339. Never fails on the value of a member that is not needed.
//   INVALID_ARGUMENT  no JSON object, or longer than kLongestLogLine
absl::StatusOr<std::optional<LoggedToken>> ReadLogLine(absl::string_view line,
                                                       const LogFields& fields);

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_LOG_LINE_H_
