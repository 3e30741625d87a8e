// Reads the formats of this room: numbers and texts, one after the other.
#ifndef WARDER_SERVER_LEDGER_BYTE_READER_H_
#define WARDER_SERVER_LEDGER_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/little_endian.h"

namespace warder::ledger {

// Appends the length of `text` in `length_bytes`, and the text.
inline void AppendText(absl::string_view text, size_t length_bytes,
                       std::string& out) {
  AppendLittleEndian(text.size(), length_bytes, out);
  absl::StrAppend(&out, text);
}

// Takes from the front of `bytes`, which outlive this; once it cannot, all that
// is taken is empty, and it stays so.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : rest_(bytes) {}

  absl::string_view Bytes(size_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  // A number of so many bytes, little-endian.
  uint64_t Number(size_t bytes) { return ReadLittleEndian(Bytes(bytes)); }
  // As AppendText wrote it.
  absl::string_view Text(size_t length_bytes) {
    return Bytes(Number(length_bytes));
  }

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
  bool failed_ = false;
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_BYTE_READER_H_
