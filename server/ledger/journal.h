// The file into which every token is written before its caller has it.
//
//   ASSIGN_OR_RETURN(Journal::Opened opened, Journal::Open(path, replay));
//   RETURN_IF_ERROR(opened.journal->Append(records));   // on the disk, by now
//
// Whoever appends while a write is under way waits for the next one, which
// takes all of them: one fdatasync for many.
//
// The file is "WLJ1" and then batches, one after the other:
//
//   count    4 bytes, little-endian
//   check    16 bytes: of SHA-256 over the batch's offset, count and records
//   records  count * 16 bytes: minute (4), key (4), digest (8)
//
// One batch at most is not whole, at the end: the process or the machine died
// in its write, and none of its callers had been told. It is cut off. More than
// that is damage, and not passed over: what a journal has lost would be
// mistaken for tokens that were never issued.
#ifndef WARDER_SERVER_LEDGER_JOURNAL_H_
#define WARDER_SERVER_LEDGER_JOURNAL_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/mutex.h"

namespace warder::ledger {

// What is kept of one token.
struct LedgerRecord {
  uint32_t minute = 0;  // of its `iat`: minutes since 1970
  uint32_t key = 0;     // a number of the key that signed it
  uint64_t digest = 0;

  friend bool operator==(const LedgerRecord&, const LedgerRecord&) = default;
};

// Thread-safe.
class Journal {
 public:
  // Records of one write. Append splits nothing: more at once are refused.
  static constexpr size_t kMostOfOneWrite = 65'536;

  struct Opened {
    std::unique_ptr<Journal> journal;
    size_t records = 0;    // that were replayed
    size_t cut_bytes = 0;  // of a batch that was not whole
  };

  // Opens the file, or makes it, and calls `replay` for each record in it, in
  // the order in which they were written. Reads all of it; blocks for that.
  //   UNAVAILABLE STORE_UNAVAILABLE  it cannot be opened, read or repaired; or
  //                                  another process has it open
  //   DATA_LOSS STORE_CORRUPT        it is damaged, or no journal; says where
  static absl::StatusOr<Opened> Open(
      const std::string& path,
      const std::function<void(const LedgerRecord&)>& replay);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Returns OK once all of `records` are on the disk. Blocks for the write
  // under way, if there is one, and one more. Where it fails none of them may
  // be used: they may be on the disk or not.
  //   INVALID_ARGUMENT               more than kMostOfOneWrite
  //   UNAVAILABLE STORE_UNAVAILABLE  the disk is full or gone. A full disk is
  //                                  tried again by the next call; after any
  //                                  other failure of the disk it is not known
  //                                  what is on it, and all calls fail until
  //                                  the journal is opened again.
  absl::Status Append(std::span<const LedgerRecord> records);

  // Returns how many bytes the file has; what is being written not included.
  size_t size_bytes() const;

 private:
  // One write, and who waits for it.
  struct Batch {
    std::vector<LedgerRecord> records;
    bool over = false;
    absl::Status status;
  };

  Journal(std::string path, int file, size_t size)
      : path_(std::move(path)), file_(file), size_(size) {}

  // Writes the batch at `offset`, without the lock; nobody else does. `broken`:
  // it failed, and what is on the disk is not known.
  absl::Status Write(const Batch& batch, size_t offset, bool& broken);
  // Writes the batch that waits, for all who are in it.
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const int file_;

  mutable Mutex mu_;
  std::condition_variable_any done_;
  std::shared_ptr<Batch> next_ ABSL_GUARDED_BY(mu_);  // nullptr: nobody waits
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  size_t size_ ABSL_GUARDED_BY(mu_);
  absl::Status broken_ ABSL_GUARDED_BY(mu_);  // not OK: for good
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_JOURNAL_H_
