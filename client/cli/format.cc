#include "client/cli/format.h"

#include <google/protobuf/util/json_util.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/time_text.h"

namespace warder::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kLeastWidth = 6;

// Characters, not bytes: continuation bytes of UTF-8 take no column.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string Cut(const std::string& text, size_t width) {
  if (Width(text) <= width) return text;
  std::string out;
  size_t shown = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (begins && ++shown >= width) break;
    out.push_back(c);
  }
  return out + "…";
}

std::string Coloured(const std::string& text, const Terminal& terminal) {
  if (!terminal.color) return text;
  const char* code = nullptr;
  if (text == "ACTIVE") code = "32";
  if (text == "PENDING" || text == "RETIRING") code = "33";
  if (text == "SUSPENDED" || text == "REVOKED" || text == "ORPHANED" ||
      text == "DEPARTED" || text == "DENIED" || text == "REVOKE") {
    code = "31";
  }
  if (text == "RETIRED") code = "2";
  return code == nullptr ? text
                         : absl::StrCat("\033[", code, "m", text, "\033[0m");
}

}  // namespace

namespace {

Terminal TerminalAt(int descriptor) {
  Terminal terminal;
  if (isatty(descriptor) != 1) return terminal;
  winsize size{};
  terminal.columns =
      ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 80;
  const char* plain = getenv("NO_COLOR");
  terminal.color = plain == nullptr || *plain == '\0';
  return terminal;
}

}  // namespace

Terminal StandardOutput() { return TerminalAt(STDOUT_FILENO); }
Terminal StandardError() { return TerminalAt(STDERR_FILENO); }

Table::Table(std::vector<std::string> header) {
  rows_.push_back(std::move(header));
}

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = cell.empty() ? "-" : Safe(cell);
  rows_.push_back(std::move(row));
}

std::string Table::Text(const Terminal& terminal) const {
  std::vector<size_t> widths(rows_[0].size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  const auto total = [&] {
    size_t sum = (widths.size() - 1) * kGap;
    for (const size_t width : widths) sum += width;
    return sum;
  };
  while (terminal.columns > 0 &&
         total() > static_cast<size_t>(terminal.columns)) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kLeastWidth) break;
    --*widest;
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string cell = Cut(row[i], widths[i]);
      absl::StrAppend(&line, Coloured(cell, terminal));
      if (i + 1 < widths.size()) {
        line.append(widths[i] - Width(cell) + kGap, ' ');
      }
    }
    absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return text;
}

std::string Fields(
    const std::vector<std::pair<std::string, std::string>>& fields,
    const Terminal& terminal) {
  size_t width = 0;
  for (const auto& field : fields) width = std::max(width, Width(field.first));
  std::string text;
  for (const auto& [name, value] : fields) {
    absl::StrAppend(&text, name, std::string(width - Width(name) + kGap, ' '),
                    Coloured(value.empty() ? "-" : Safe(value), terminal),
                    "\n");
  }
  return text;
}

std::string MessageJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options)
           .ok()) {
    return "{}";
  }
  return text;
}

absl::Status ParseMessage(absl::string_view field, const std::string& text,
                          google::protobuf::Message* message) {
  const auto status =
      google::protobuf::util::JsonStringToMessage(text, message);
  if (status.ok()) return absl::OkStatus();
  return FieldError(field,
                    absl::StrCat("is not the JSON that --plan printed: ",
                                 std::string(status.message()).substr(0, 200)));
}

std::string When(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%SZ",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string HowLong(const google::protobuf::Duration& duration) {
  return DurationText(absl::Seconds(duration.seconds()) +
                      absl::Nanoseconds(duration.nanos()));
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* out) {
  const int64_t seconds =
      absl::IDivDuration(duration, absl::Seconds(1), &duration);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

std::string LastPart(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == absl::string_view::npos ? name
                                                      : name.substr(slash + 1));
}

std::string Short(absl::string_view enum_name, absl::string_view prefix) {
  absl::ConsumePrefix(&enum_name, prefix);
  return std::string(enum_name);
}

std::string Safe(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_iscntrl(c)) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace warder::cli
