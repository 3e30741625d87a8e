#include "server/app/page_token.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/base64url.h"
#include "server/base/error.h"

namespace warder::app {
namespace {

std::string Prefix(absl::string_view kind, absl::string_view filter) {
  return absl::StrCat(kind, "\n", filter, "\n");
}

}  // namespace

absl::StatusOr<int> PageSize(const PageRequest& request) {
  if (request.size < 0) {
    return FieldError("page_size", absl::StrCat(request.size, " is negative"));
  }
  if (request.size == 0) return kDefaultPageSize;
  return std::min(request.size, kMaxPageSize);
}

std::string MakePageToken(absl::string_view kind, absl::string_view filter,
                          absl::string_view position) {
  return Base64UrlEncode(absl::StrCat(Prefix(kind, filter), position));
}

absl::StatusOr<std::string> ParsePageToken(absl::string_view kind,
                                           absl::string_view filter,
                                           absl::string_view token) {
  if (token.empty()) return std::string();
  auto text = Base64UrlDecode(token);
  absl::string_view position = text.ok() ? absl::string_view(*text) : "";
  if (!absl::ConsumePrefix(&position, Prefix(kind, filter))) {
    return FieldError("page_token",
                      "was not returned by this list with this filter; start "
                      "again without one");
  }
  return std::string(position);
}

std::string TimePosition(absl::Time time, absl::string_view name) {
  return absl::StrCat(absl::ToUnixMicros(time), "/", name);
}

absl::StatusOr<std::pair<absl::Time, std::string>> ParseTimePosition(
    const std::string& position) {
  if (position.empty()) return std::pair(absl::InfiniteFuture(), std::string());
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(position, absl::MaxSplits('/', 1));
  int64_t micros = 0;
  if (!absl::SimpleAtoi(parts.first, &micros)) {
    return FieldError("page_token", "is not one of this list's");
  }
  return std::pair(absl::FromUnixMicros(micros), parts.second);
}

}  // namespace warder::app
