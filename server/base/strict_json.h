// JSON from strangers: one door to nlohmann-json that refuses what different
// parsers read differently.
#ifndef WARDER_SERVER_BASE_STRICT_JSON_H_
#define WARDER_SERVER_BASE_STRICT_JSON_H_

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace warder {

// Objects keep their members sorted by name, so WriteJson is byte-stable.
using Json = nlohmann::json;

struct JsonLimits {
  size_t max_bytes = 64 * 1024;
  int max_depth = 16;
};

// Returns the value of `text` (RFC 8259). INVALID_ARGUMENT, naming the place,
// for a syntax error, a duplicate member name, text after the value, invalid
// UTF-8, a number beyond double or 64-bit range, or past `limits`.
absl::StatusOr<Json> ParseJson(absl::string_view text,
                               const JsonLimits& limits = {});

// As ParseJson, and the value is an object.
absl::StatusOr<Json> ParseJsonObject(absl::string_view text,
                                     const JsonLimits& limits = {});

// Returns `value` without white space, members sorted, non-ASCII as UTF-8.
// Invalid UTF-8 within is replaced.
std::string WriteJson(const Json& value);

// Returns `text` as a JSON string, as WriteJson does; nearly always there is
// nothing to escape, and then it is a copy.
std::string JsonQuoted(absl::string_view text);

struct JsonMember {
  absl::string_view name;
  absl::string_view value;
};
// Returns an object of strings, with its members in the order given.
std::string WriteJsonMembers(std::span<const JsonMember> members);

// Returns the string member `name` of `object`; INVALID_ARGUMENT when it is
// absent or of another type.
absl::StatusOr<std::string> JsonString(const Json& object,
                                       absl::string_view name);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_STRICT_JSON_H_
