// The formats of this room's files: a magic word, numbers and texts one after
// the other, and SHA-256 of all that.
#ifndef WARDER_SERVER_LEDGER_BYTE_READER_H_
#define WARDER_SERVER_LEDGER_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/little_endian.h"

namespace warder::ledger {

// DATA_LOSS STORE_CORRUPT.
absl::Status Damaged(absl::string_view what);

// Returns all of the file. Blocks for the disk. UNAVAILABLE STORE_UNAVAILABLE,
// naming it.
absl::StatusOr<std::string> ReadBytes(const std::string& path);

// Returns `bytes` with their SHA-256 behind them.
std::string WithCheck(absl::string_view bytes);
// Returns what lies between the magic word and the SHA-256. Damaged where
// either is not as it should be.
absl::StatusOr<absl::string_view> WithoutCheck(absl::string_view magic,
                                               absl::string_view bytes);

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
