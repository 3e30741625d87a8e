// The file into which every token is written before its caller has it.
//
//   ASSIGN_OR_RETURN(const auto journal, Journal::Create(path, name_of));
//   RETURN_IF_ERROR(journal->Append(records));   // on the disk, by now
//   …
//   ASSIGN_OR_RETURN(const JournalSummary read, ReadJournal(path, …));
//
// Whoever appends while a write is under way waits for the next one, which
// takes all of them: one fdatasync for many. A process appends to journals of
// its own alone; what another has left is only read.
//
// The file is "WLJ1" and then batches, one after the other:
//
//   count    4 bytes, little-endian: of records
//   length   4 bytes, little-endian: of the names
//   check    16 bytes: of SHA-256 over the batch's offset and all else in it
//   names    of keys that no batch before it has named: number (4 bytes),
//            length (2), the name
//   records  count * 16 bytes: minute (4), key (4), digest (8)
//
// One batch at most is not whole, at the end: the process or the machine died
// in its write, and none of its callers had been told. It is passed over. More
// than that is damage, and is said: what a journal has lost would be mistaken
// for tokens that were never issued.
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

struct JournalSummary {
  size_t records = 0;
  size_t passed_over_bytes = 0;  // of a batch that was not whole
};

// Calls `on_name` for each key that the journal names, before its first record,
// and `on_record` for each record, in the order in which they were written.
// Reads all of the file, and changes nothing.
//   UNAVAILABLE STORE_UNAVAILABLE  it cannot be read
//   DATA_LOSS STORE_CORRUPT        it is damaged, or no journal; says where.
//                                  What was called before stands.
absl::StatusOr<JournalSummary> ReadJournal(
    const std::string& path,
    const std::function<void(uint32_t number, absl::string_view name)>& on_name,
    const std::function<void(const LedgerRecord&)>& on_record);

// Thread-safe.
class Journal {
 public:
  // Records of one write. Append splits nothing: more at once are refused.
  static constexpr size_t kMostOfOneWrite = 65'536;
  static constexpr size_t kLongestName = 240;

  // Returns the name of the key of that number, kLongestName bytes at most, the
  // same at every call; called by whoever appends, one at a time.
  using NameOf = std::function<std::string(uint32_t number)>;

  // Makes the file.
  //   UNAVAILABLE STORE_UNAVAILABLE  it cannot be made, or is there already
  static absl::StatusOr<std::unique_ptr<Journal>> Create(
      const std::string& path, NameOf name_of);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Returns OK once all of `records` are on the disk, and the names of their
  // keys. Blocks for the write under way, if there is one, and one more. Where
  // it fails none of them may be used: they may be on the disk or not.
  //   INVALID_ARGUMENT               more than kMostOfOneWrite
  //   UNAVAILABLE STORE_UNAVAILABLE  the disk is full or gone. A full disk is
  //                                  tried again by the next call; after any
  //                                  other failure of the disk it is not known
  //                                  what is on it, and all calls fail.
  absl::Status Append(std::span<const LedgerRecord> records);

  // Returns whether all calls fail from now on.
  bool broken() const;
  // Returns how many bytes the file has; what is being written not included.
  size_t size_bytes() const;

 private:
  // One write, and who waits for it.
  struct Batch {
    std::vector<LedgerRecord> records;
    bool over = false;
    absl::Status status;
  };

  Journal(std::string path, int file, size_t size, NameOf name_of)
      : path_(std::move(path)),
        file_(file),
        name_of_(std::move(name_of)),
        size_(size) {}

  // Writes the batch at `offset`, without the lock; nobody else does. `broken`:
  // it failed, and what is on the disk is not known.
  absl::Status Write(absl::string_view bytes, size_t offset, bool& broken);
  // Appends to `names` those of keys that the file does not name yet; returns
  // which they are. By whoever writes.
  std::vector<uint32_t> NameKeys(const std::vector<LedgerRecord>& records,
                                 std::string& names);
  // Writes the batch that waits, for all who are in it.
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const int file_;
  const NameOf name_of_;
  // Keys that whole batches in the file name. Of whoever writes, alone.
  std::vector<bool> named_;

  mutable Mutex mu_;
  std::condition_variable_any done_;
  std::shared_ptr<Batch> next_ ABSL_GUARDED_BY(mu_);  // nullptr: nobody waits
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  size_t size_ ABSL_GUARDED_BY(mu_);
  absl::Status broken_ ABSL_GUARDED_BY(mu_);  // not OK: for good
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_JOURNAL_H_
