#include "server/ledger/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/atomic_file.h"
#include "server/base/error.h"
#include "server/base/little_endian.h"
#include "server/base/status_macros.h"
#include "server/crypto/digest.h"

namespace warder::ledger {
namespace {

constexpr char kMagic[] = "WLJ1";
constexpr size_t kMagicBytes = 4;
constexpr size_t kCountBytes = 4;
constexpr size_t kLengthBytes = 4;
constexpr size_t kCheckBytes = 16;
constexpr size_t kHeadBytes = kCountBytes + kLengthBytes + kCheckBytes;
constexpr size_t kNameHeadBytes = 6;
constexpr size_t kRecordBytes = 16;
// Of one batch; a name for each record at most, and most are much shorter.
constexpr size_t kMostNameBytes = size_t{16} << 20;
constexpr size_t kMostBatchBytes =
    kHeadBytes + kMostNameBytes + Journal::kMostOfOneWrite * kRecordBytes;

// What the first bytes of a batch say of it.
struct Head {
  explicit Head(absl::string_view bytes)
      : records(ReadLittleEndian(bytes.substr(0, kCountBytes))),
        name_bytes(ReadLittleEndian(bytes.substr(kCountBytes, kLengthBytes))),
        check(bytes.substr(kCountBytes + kLengthBytes, kCheckBytes)) {}

  bool possible() const {
    return records > 0 && records <= Journal::kMostOfOneWrite &&
           name_bytes <= kMostNameBytes;
  }
  size_t body_bytes() const { return name_bytes + records * kRecordBytes; }

  size_t records;
  size_t name_bytes;
  absl::string_view check;
};

// The offset is in it: a batch that was moved is none.
std::string CheckOf(size_t offset, size_t records, size_t name_bytes,
                    absl::string_view body) {
  std::string text;
  text.reserve(16 + body.size());
  AppendLittleEndian(offset, 8, text);
  AppendLittleEndian(records, kCountBytes, text);
  AppendLittleEndian(name_bytes, kLengthBytes, text);
  absl::StrAppend(&text, body);
  return crypto::Sha256(text).substr(0, kCheckBytes);
}

std::string BytesOf(const std::string& names,
                    const std::vector<LedgerRecord>& records, size_t offset) {
  std::string body = names;
  body.reserve(names.size() + records.size() * kRecordBytes);
  for (const LedgerRecord& record : records) {
    AppendLittleEndian(record.minute, 4, body);
    AppendLittleEndian(record.key, 4, body);
    AppendLittleEndian(record.digest, 8, body);
  }
  std::string bytes;
  bytes.reserve(kHeadBytes + body.size());
  AppendLittleEndian(records.size(), kCountBytes, bytes);
  AppendLittleEndian(names.size(), kLengthBytes, bytes);
  absl::StrAppend(&bytes, CheckOf(offset, records.size(), names.size(), body),
                  body);
  return bytes;
}

absl::Status Unavailable(const std::string& path, absl::string_view what,
                         int error) {
  return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
               absl::StrCat(path, ": ", what, ": ",
                            std::system_category().message(error)));
}

absl::Status Damaged(const std::string& path, size_t offset,
                     absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt,
               absl::StrCat(path, " is damaged at byte ", offset, ": ", what,
                            "; restore it from a backup, or move it away: the "
                            "minutes in it are then INCOMPLETE"));
}

bool IsWhole(size_t offset, const Head& head, absl::string_view body) {
  return body.size() == head.body_bytes() &&
         CheckOf(offset, head.records, head.name_bytes, body) == head.check;
}

// Returns where a whole batch begins in `bytes`, which stand at `offset`.
std::optional<size_t> FindBatch(absl::string_view bytes, size_t offset) {
  for (size_t at = 0; at + kHeadBytes < bytes.size(); ++at) {
    const Head head(bytes.substr(at, kHeadBytes));
    if (head.possible() &&
        at + kHeadBytes + head.body_bytes() <= bytes.size() &&
        IsWhole(offset + at, head,
                bytes.substr(at + kHeadBytes, head.body_bytes()))) {
      return offset + at;
    }
  }
  return std::nullopt;
}

// Calls back for what a whole batch holds. Returns false where its names are
// none: whoever wrote it was no Journal.
bool Tell(const Head& head, absl::string_view body,
          const std::function<void(uint32_t, absl::string_view)>& on_name,
          const std::function<void(const LedgerRecord&)>& on_record) {
  absl::string_view names = body.substr(0, head.name_bytes);
  while (!names.empty()) {
    if (names.size() < kNameHeadBytes) return false;
    const size_t length = ReadLittleEndian(names.substr(4, 2));
    if (names.size() < kNameHeadBytes + length) return false;
    on_name(static_cast<uint32_t>(ReadLittleEndian(names.substr(0, 4))),
            names.substr(kNameHeadBytes, length));
    names.remove_prefix(kNameHeadBytes + length);
  }
  for (size_t i = 0; i < head.records; ++i) {
    const absl::string_view record =
        body.substr(head.name_bytes + i * kRecordBytes, kRecordBytes);
    on_record(
        {.minute = static_cast<uint32_t>(ReadLittleEndian(record.substr(0, 4))),
         .key = static_cast<uint32_t>(ReadLittleEndian(record.substr(4, 4))),
         .digest = ReadLittleEndian(record.substr(8, 8))});
  }
  return true;
}

// Closes what was opened, unless it is released.
class OwnedFile {
 public:
  explicit OwnedFile(int file) : file_(file) {}
  ~OwnedFile() {
    if (file_ >= 0) close(file_);
  }
  OwnedFile(const OwnedFile&) = delete;
  OwnedFile& operator=(const OwnedFile&) = delete;
  int get() const { return file_; }
  int Release() { return std::exchange(file_, -1); }

 private:
  int file_;
};

bool IsFull(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

// Each returns 0, or the errno of what failed.

int WriteAll(int file, absl::string_view bytes, size_t offset) {
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? ENOSPC : errno;
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<size_t>(written);
  }
  return 0;
}

// Reads up to `wanted` bytes; fewer at the end of the file.
absl::StatusOr<std::string> ReadAt(const std::string& path, int file,
                                   size_t offset, size_t wanted) {
  std::string bytes(wanted, '\0');
  size_t have = 0;
  while (have < wanted) {
    const ssize_t got = pread(file, bytes.data() + have, wanted - have,
                              static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unavailable(path, "cannot be read", errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

absl::StatusOr<JournalSummary> ReadJournal(
    const std::string& path,
    const std::function<void(uint32_t, absl::string_view)>& on_name,
    const std::function<void(const LedgerRecord&)>& on_record) {
  const OwnedFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Unavailable(path, "cannot be opened", errno);
  struct stat about {};
  if (fstat(file.get(), &about) != 0) {
    return Unavailable(path, "cannot be read", errno);
  }
  const auto end = static_cast<size_t>(about.st_size);
  JournalSummary summary;
  size_t offset = kMagicBytes;
  // Of a file that was just made not even the magic may be whole.
  ASSIGN_OR_RETURN(const std::string magic,
                   ReadAt(path, file.get(), 0, kMagicBytes));
  if (absl::string_view(kMagic, magic.size()) != magic) {
    return Damaged(path, 0, "it does not begin as a journal");
  }
  while (offset < end) {
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadAt(path, file.get(), offset, kHeadBytes));
    if (bytes.size() < kHeadBytes) break;
    const Head head(bytes);
    if (!head.possible() || head.body_bytes() > end - offset) break;
    ASSIGN_OR_RETURN(
        const std::string body,
        ReadAt(path, file.get(), offset + kHeadBytes, head.body_bytes()));
    if (!IsWhole(offset, head, body)) break;
    if (!Tell(head, body, on_name, on_record)) {
      return Damaged(path, offset, "its names of keys are none");
    }
    summary.records += head.records;
    offset += kHeadBytes + body.size();
  }
  if (offset < end) {
    summary.passed_over_bytes = end - offset;
    if (summary.passed_over_bytes > kMostBatchBytes) {
      return Damaged(path, offset,
                     absl::StrCat(summary.passed_over_bytes,
                                  " bytes follow that are no batches"));
    }
    ASSIGN_OR_RETURN(const std::string rest, ReadAt(path, file.get(), offset,
                                                    summary.passed_over_bytes));
    // Only the last one can have been cut short.
    if (const auto next = FindBatch(rest, offset)) {
      return Damaged(path, offset,
                     absl::StrCat("a whole batch follows at byte ", *next));
    }
  }
  return summary;
}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Create(
    const std::string& path, NameOf name_of) {
  OwnedFile file(
      open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return Unavailable(path, "cannot be made", errno);
  int error = WriteAll(file.get(), kMagic, 0);
  if (error == 0 && fsync(file.get()) != 0) error = errno;
  if (error == 0) error = SyncDirectoryOf(path);
  if (error != 0) {
    unlink(path.c_str());
    return Unavailable(path, "cannot be written", error);
  }
  return std::unique_ptr<Journal>(
      new Journal(path, file.Release(), kMagicBytes, std::move(name_of)));
}

Journal::~Journal() { close(file_); }

absl::Status Journal::Write(absl::string_view bytes, size_t offset,
                            bool& broken) {
  if (const int error = WriteAll(file_, bytes, offset); error != 0) {
    // Part of it may be there: with that cut off, nothing has happened.
    broken =
        !IsFull(error) || ftruncate(file_, static_cast<off_t>(offset)) != 0;
    return Unavailable(path_,
                       broken
                           ? "cannot be written"
                           : "no token is signed until there is room for its "
                             "record; free some",
                       error);
  }
  if (fdatasync(file_) == 0) return absl::OkStatus();
  // What a failed one has left on the disk is known to nobody.
  broken = true;
  return Unavailable(path_, "cannot be synchronised", errno);
}

absl::Status Journal::Append(std::span<const LedgerRecord> records) {
  if (records.empty()) return absl::OkStatus();
  if (records.size() > kMostOfOneWrite) {
    return FieldError(
        "records", absl::StrCat(records.size(), " at once; ", kMostOfOneWrite,
                                " at most are taken"));
  }
  MutexLock lock(&mu_);
  // A batch that is full is left to those who are in it.
  while (next_ != nullptr &&
         next_->records.size() + records.size() > kMostOfOneWrite) {
    done_.wait(mu_);
  }
  if (next_ == nullptr) next_ = std::make_shared<Batch>();
  const std::shared_ptr<Batch> mine = next_;
  mine->records.insert(mine->records.end(), records.begin(), records.end());
  while (!mine->over) {
    if (writing_) {
      done_.wait(mu_);
    } else {
      WriteNext();  // which is `mine`
    }
  }
  return mine->status;
}

void Journal::WriteNext() {
  const std::shared_ptr<Batch> batch = std::exchange(next_, nullptr);
  const size_t offset = size_;
  batch->status = broken_;
  if (batch->status.ok()) {
    bool broken = false;
    size_t size = 0;
    writing_ = true;
    mu_.Unlock();
    std::string names;
    const std::vector<uint32_t> new_keys = NameKeys(batch->records, names);
    const std::string bytes = BytesOf(names, batch->records, offset);
    size = bytes.size();
    absl::Status status = Write(bytes, offset, broken);
    if (status.ok()) {
      for (const uint32_t key : new_keys) named_[key] = true;
    }
    mu_.Lock();
    writing_ = false;
    if (status.ok()) {
      size_ = offset + size;
    } else if (broken) {
      broken_ = status;
    }
    batch->status = std::move(status);
  }
  batch->over = true;
  done_.notify_all();
}

std::vector<uint32_t> Journal::NameKeys(
    const std::vector<LedgerRecord>& records, std::string& names) {
  std::vector<uint32_t> new_keys;
  for (const LedgerRecord& record : records) {
    if (record.key < named_.size() && named_[record.key]) continue;
    if (record.key >= named_.size()) named_.resize(record.key + 1);
    named_[record.key] = true;
    new_keys.push_back(record.key);
    const std::string name = name_of_(record.key).substr(0, kLongestName);
    AppendLittleEndian(record.key, 4, names);
    AppendLittleEndian(name.size(), 2, names);
    names.append(name);
  }
  // They are not on the disk yet.
  for (const uint32_t key : new_keys) named_[key] = false;
  return new_keys;
}

bool Journal::broken() const {
  MutexLock lock(&mu_);
  return !broken_.ok();
}

size_t Journal::size_bytes() const {
  MutexLock lock(&mu_);
  return size_;
}

}  // namespace warder::ledger
