// How values of ours stand in columns.
#ifndef WARDER_SERVER_STORAGE_COLUMNS_H_
#define WARDER_SERVER_STORAGE_COLUMNS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/strict_json.h"

namespace warder::storage {

// Microseconds since 1970, and back. Infinite futures become the largest
// number.
long long ToMicros(absl::Time time);
absl::Time FromMicros(long long micros);

// As above; 0 is "not yet".
long long OptionalMicros(const std::optional<absl::Time>& time);
std::optional<absl::Time> OptionalTime(long long micros);

// What our own columns hold is ours; anything else is damage: DATA_LOSS.
absl::Status Damaged(absl::string_view what);

// Bounds of the JSON we wrote ourselves.
inline constexpr JsonLimits kOwnLimits = {.max_bytes = 256 << 20,
                                          .max_depth = 16};

// Members of an object of ours; "", false, 0 or nothing where absent.
std::string TextMember(const Json& object, const char* name);
bool FlagMember(const Json& object, const char* name);
int64_t NumberMember(const Json& object, const char* name);
std::vector<std::string> StringsMember(const Json& object, const char* name);

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_COLUMNS_H_
