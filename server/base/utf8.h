// Texts from outside.
#ifndef WARDER_SERVER_BASE_UTF8_H_
#define WARDER_SERVER_BASE_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace warder {

// Returns whether `text` is UTF-8 (RFC 3629).
bool IsUtf8(absl::string_view text);

// Returns as many whole characters of `text` from its beginning as `most` bytes
// hold; nothing where it is not UTF-8.
absl::string_view Utf8Prefix(absl::string_view text, size_t most);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_UTF8_H_
