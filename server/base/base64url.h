// Base64url without padding (RFC 7515 section 2) and standard base64.
#ifndef WARDER_SERVER_BASE_BASE64URL_H_
#define WARDER_SERVER_BASE_BASE64URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder {

// Returns `bytes` as base64url without padding.
std::string Base64UrlEncode(absl::string_view bytes);

// Appends base64url of `bytes` to `out`.
void Base64UrlAppend(absl::string_view bytes, std::string* out);

// Returns the bytes of `text`. INVALID_ARGUMENT for padding, white space, any
// character outside the alphabet, an impossible length, or bits left over
// (so that one value has one text).
absl::StatusOr<std::string> Base64UrlDecode(absl::string_view text);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_BASE64URL_H_
