#include "server/base/log.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/strict_json.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace warder {
namespace {

spdlog::level::level_enum SpdLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger>& logger = *[] {
    auto* made =
        new std::shared_ptr<spdlog::logger>(std::make_shared<spdlog::logger>(
            "warder", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
    // %v is the JSON of the fields without its opening brace.
    (*made)->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v)",
                         spdlog::pattern_time_type::utc);
    return made;
  }();
  return *logger;
}

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return FieldError("log_level", absl::StrCat("\"", text,
                                              "\" is not one of debug, info, "
                                              "warning, error"));
}

void SetLogLevel(LogLevel level) { Logger().set_level(SpdLevel(level)); }

void Log(LogLevel level, absl::string_view event,
         std::initializer_list<LogField> fields) {
  if (!Logger().should_log(SpdLevel(level))) return;
  std::string line = absl::StrCat("\"event\":", WriteJson(std::string(event)));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, ",", WriteJson(std::string(field.first)), ":",
                    WriteJson(field.second));
  }
  line.push_back('}');
  Logger().log(SpdLevel(level), "{}", line);
}

}  // namespace warder
