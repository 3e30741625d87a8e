#include "server/base/utf8.h"

#include <algorithm>

#include "server/base/strict_json.h"

namespace warder {

bool IsUtf8(absl::string_view text) {
  // The house's one decoder of UTF-8 is the JSON parser's.
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
  return plain ||
         ParseJson(JsonQuoted(text), {.max_bytes = text.size() * 6 + 2})
                 .value_or(Json()) == Json(text);
}

absl::string_view Utf8Prefix(absl::string_view text, size_t most) {
  if (!IsUtf8(text)) return {};
  size_t size = std::min(text.size(), most);
  const auto continues = [&](size_t at) {
    return at < text.size() &&
           (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
  };
  while (size > 0 && continues(size)) --size;
  return text.substr(0, size);
}

}  // namespace warder
