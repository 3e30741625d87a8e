#include "server/storage/columns.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::storage {

long long ToMicros(absl::Time time) {
  if (time == absl::InfiniteFuture()) {
    return std::numeric_limits<long long>::max();
  }
  if (time == absl::InfinitePast()) return 1;
  return absl::ToUnixMicros(time);
}

absl::Time FromMicros(long long micros) {
  if (micros == std::numeric_limits<long long>::max()) {
    return absl::InfiniteFuture();
  }
  return absl::FromUnixMicros(micros);
}

long long OptionalMicros(const std::optional<absl::Time>& time) {
  return time ? ToMicros(*time) : 0;
}

std::optional<absl::Time> OptionalTime(long long micros) {
  if (micros == 0) return std::nullopt;
  return FromMicros(micros);
}

absl::Status Damaged(absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt,
               absl::StrCat("the database holds ", what,
                            ", which no warderd writes; restore a backup"));
}

std::string TextMember(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

bool FlagMember(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

int64_t NumberMember(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_number_integer() ? it->get<int64_t>() : 0;
}

std::vector<std::string> StringsMember(const Json& object, const char* name) {
  std::vector<std::string> out;
  const auto it = object.find(name);
  if (it == object.end() || !it->is_array()) return out;
  for (const Json& item : *it) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace warder::storage
