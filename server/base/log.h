// The one door to spdlog: one JSON object a line on standard error, so that a
// log collector needs no grammar.
//
//   Log(LogLevel::kInfo, "key.revoked", {{"key", name}, {"reason", "..."}});
//
// Values are text; a SecretBytes has no conversion to it and does not compile.
#ifndef WARDER_SERVER_BASE_LOG_H_
#define WARDER_SERVER_BASE_LOG_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Returns the level named "debug", "info", "warning" or "error".
absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text);

// Lines below `level` are dropped from now on. Thread-safe.
void SetLogLevel(LogLevel level);

using LogField = std::pair<absl::string_view, std::string>;

// Writes one line {"level","time","event",...fields}. Thread-safe; blocks for
// one write to standard error.
void Log(LogLevel level, absl::string_view event,
         std::initializer_list<LogField> fields = {});

}  // namespace warder

#endif  // WARDER_SERVER_BASE_LOG_H_
