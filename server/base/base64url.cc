#include "server/base/base64url.h"

#include <array>
#include <cstdint>

#include "server/base/error.h"

namespace warder {
namespace {

constexpr char kAlphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<int8_t, 256> MakeReverse() {
  std::array<int8_t, 256> reverse{};
  for (auto& v : reverse) v = -1;
  for (int i = 0; i < 64; ++i) {
    reverse[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  return reverse;
}
constexpr std::array<int8_t, 256> kReverse = MakeReverse();

}  // namespace

void Base64UrlAppend(absl::string_view bytes, std::string* out) {
  const auto* in = reinterpret_cast<const uint8_t*>(bytes.data());
  const size_t n = bytes.size();
  const size_t start = out->size();
  out->resize(start + (n * 4 + 2) / 3);
  char* to = out->data() + start;
  size_t i = 0;
  for (; i + 2 < n; i += 3) {
    const uint32_t v = (uint32_t{in[i]} << 16) | (uint32_t{in[i + 1]} << 8) |
                       uint32_t{in[i + 2]};
    *to++ = kAlphabet[v >> 18];
    *to++ = kAlphabet[(v >> 12) & 63];
    *to++ = kAlphabet[(v >> 6) & 63];
    *to++ = kAlphabet[v & 63];
  }
  if (n - i == 1) {
    *to++ = kAlphabet[in[i] >> 2];
    *to++ = kAlphabet[(in[i] & 3) << 4];
  } else if (n - i == 2) {
    *to++ = kAlphabet[in[i] >> 2];
    *to++ = kAlphabet[((in[i] & 3) << 4) | (in[i + 1] >> 4)];
    *to++ = kAlphabet[(in[i + 1] & 15) << 2];
  }
}

std::string Base64UrlEncode(absl::string_view bytes) {
  std::string out;
  Base64UrlAppend(bytes, &out);
  return out;
}

absl::StatusOr<std::string> Base64UrlDecode(absl::string_view text) {
  if (text.size() % 4 == 1) {
    return FieldError("base64url", "impossible length");
  }
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t acc = 0;
  int bits = 0;
  for (const char c : text) {
    const int8_t v = kReverse[static_cast<unsigned char>(c)];
    if (v < 0) {
      return FieldError("base64url", "a character outside [A-Za-z0-9_-]");
    }
    acc = (acc << 6) | static_cast<uint32_t>(v);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>((acc >> bits) & 0xff));
    }
  }
  if (bits > 0 && (acc & ((1U << bits) - 1)) != 0) {
    return FieldError("base64url", "bits left over after the last byte");
  }
  return out;
}

}  // namespace warder
