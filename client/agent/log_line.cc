#include "client/agent/log_line.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/agent/identity.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::agent {
namespace {

// The last second that absl::Time shows as a date of four digits.
constexpr double kLastSecond = 253402300799.0;

std::string TextOf(const Json& object, const std::string& name) {
  const auto it = object.find(name);
  if (it == object.end()) return "";
  if (it->is_string()) return it->get<std::string>();
  return it->is_number() ? it->dump() : "";
}

std::optional<absl::Time> TimeOf(const std::string& text) {
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds)) {
    if (!(seconds > 0 && seconds <= kLastSecond)) return std::nullopt;
    return absl::UnixEpoch() + absl::Seconds(seconds);
  }
  absl::Time time;
  std::string why;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &why)) return time;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::optional<LoggedToken>> ReadLogLine(
    absl::string_view line, const LogFields& fields) {
  if (line.size() > kLongestLogLine) {
    return FieldError(
        "line", absl::StrCat(line.size(), " bytes; at most ", kLongestLogLine));
  }
  auto object = ParseJsonObject(line, {.max_bytes = kLongestLogLine});
  if (!object.ok()) {
    return FieldError(
        "line", absl::StrCat("no JSON object: ", object.status().message()));
  }
  LoggedToken logged;
  logged.token = TextOf(*object, fields.token);
  if (const absl::string_view bearer = BearerOf(logged.token);
      !bearer.empty()) {
    logged.token = std::string(bearer);
  }
  if (!absl::StrContains(logged.token, '.')) {
    return std::optional<LoggedToken>();
  }
  if (!absl::SimpleAtoi(TextOf(*object, fields.status), &logged.status)) {
    logged.status = 0;
  }
  logged.source = TextOf(*object, fields.source);
  logged.time = TimeOf(TextOf(*object, fields.time));
  return std::optional<LoggedToken>(std::move(logged));
}

}  // namespace warder::agent
