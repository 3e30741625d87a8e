#include "server/ledger/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/error.h"
#include "server/base/little_endian.h"
#include "server/base/status_macros.h"
#include "server/crypto/digest.h"

namespace warder::ledger {
namespace {

constexpr char kMagic[] = "WLJ1";
constexpr size_t kMagicBytes = 4;
constexpr size_t kCountBytes = 4;
constexpr size_t kCheckBytes = 16;
constexpr size_t kHeadBytes = kCountBytes + kCheckBytes;
constexpr size_t kRecordBytes = 16;
constexpr size_t kMostBatchBytes =
    kHeadBytes + Journal::kMostOfOneWrite * kRecordBytes;

uint32_t CountIn(absl::string_view head) {
  return static_cast<uint32_t>(ReadLittleEndian(head.substr(0, kCountBytes)));
}

// The offset is in it: a batch that was moved is none.
std::string CheckOf(size_t offset, absl::string_view count,
                    absl::string_view records) {
  std::string text;
  text.reserve(8 + count.size() + records.size());
  AppendLittleEndian(offset, 8, text);
  absl::StrAppend(&text, count, records);
  return crypto::Sha256(text).substr(0, kCheckBytes);
}

std::string BytesOf(const std::vector<LedgerRecord>& records, size_t offset) {
  std::string count, body;
  AppendLittleEndian(records.size(), kCountBytes, count);
  body.reserve(records.size() * kRecordBytes);
  for (const LedgerRecord& record : records) {
    AppendLittleEndian(record.minute, 4, body);
    AppendLittleEndian(record.key, 4, body);
    AppendLittleEndian(record.digest, 8, body);
  }
  return absl::StrCat(count, CheckOf(offset, count, body), body);
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

bool IsWhole(size_t offset, absl::string_view head, absl::string_view body) {
  return body.size() == size_t{CountIn(head)} * kRecordBytes &&
         CheckOf(offset, head.substr(0, kCountBytes), body) ==
             head.substr(kCountBytes, kCheckBytes);
}

// Returns where a whole batch begins in `bytes`, which stand at `offset`.
std::optional<size_t> FindBatch(absl::string_view bytes, size_t offset) {
  for (size_t at = 0; at + kHeadBytes < bytes.size(); ++at) {
    const size_t size = size_t{CountIn(bytes.substr(at))} * kRecordBytes;
    if (size > 0 && at + kHeadBytes + size <= bytes.size() &&
        IsWhole(offset + at, bytes.substr(at, kHeadBytes),
                bytes.substr(at + kHeadBytes, size))) {
      return offset + at;
    }
  }
  return std::nullopt;
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

// A name is on the disk once its directory is.
int SyncDirectoryOf(const std::string& path) {
  const std::string directory =
      std::filesystem::absolute(path).parent_path().string();
  const OwnedFile handle(
      open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() < 0) return errno;
  return fsync(handle.get()) == 0 ? 0 : errno;
}

}  // namespace

absl::StatusOr<Journal::Opened> Journal::Open(
    const std::string& path,
    const std::function<void(const LedgerRecord&)>& replay) {
  OwnedFile file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return Unavailable(path, "cannot be opened", errno);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    return Unavailable(path, "another process has it open", errno);
  }
  struct stat about {};
  if (fstat(file.get(), &about) != 0) {
    return Unavailable(path, "cannot be read", errno);
  }
  const auto end = static_cast<size_t>(about.st_size);
  Opened opened;
  size_t offset = kMagicBytes;
  // Of a file that was just made not even the magic may be whole.
  ASSIGN_OR_RETURN(const std::string magic,
                   ReadAt(path, file.get(), 0, kMagicBytes));
  if (absl::string_view(kMagic, magic.size()) != magic) {
    return Damaged(path, 0, "it does not begin as a journal");
  }
  while (offset < end) {
    ASSIGN_OR_RETURN(const std::string head,
                     ReadAt(path, file.get(), offset, kHeadBytes));
    const uint32_t count = head.size() < kCountBytes ? 0 : CountIn(head);
    std::string body;
    if (head.size() == kHeadBytes && count > 0 && count <= kMostOfOneWrite) {
      ASSIGN_OR_RETURN(body, ReadAt(path, file.get(), offset + kHeadBytes,
                                    count * kRecordBytes));
    }
    if (body.empty() || !IsWhole(offset, head, body)) break;
    for (size_t i = 0; i < count; ++i) {
      const absl::string_view record =
          absl::string_view(body).substr(i * kRecordBytes, kRecordBytes);
      replay(
          {.minute =
               static_cast<uint32_t>(ReadLittleEndian(record.substr(0, 4))),
           .key = static_cast<uint32_t>(ReadLittleEndian(record.substr(4, 4))),
           .digest = ReadLittleEndian(record.substr(8, 8))});
    }
    opened.records += count;
    offset += kHeadBytes + body.size();
  }
  if (offset < end) {
    opened.cut_bytes = end - offset;
    if (opened.cut_bytes > kMostBatchBytes) {
      return Damaged(
          path, offset,
          absl::StrCat(opened.cut_bytes, " bytes follow that are no batches"));
    }
    ASSIGN_OR_RETURN(const std::string rest,
                     ReadAt(path, file.get(), offset, opened.cut_bytes));
    // Only the last one can have been cut short.
    if (const auto next = FindBatch(rest, offset)) {
      return Damaged(path, offset,
                     absl::StrCat("a whole batch follows at byte ", *next));
    }
  }
  int error = 0;
  if (opened.cut_bytes > 0 &&
      ftruncate(file.get(), static_cast<off_t>(offset)) != 0) {
    error = errno;
  }
  if (error == 0) error = WriteAll(file.get(), kMagic, 0);
  if (error == 0 && fsync(file.get()) != 0) error = errno;
  if (error == 0) error = SyncDirectoryOf(path);
  if (error != 0) return Unavailable(path, "cannot be written", error);
  opened.journal.reset(new Journal(path, file.Release(), offset));
  return opened;
}

Journal::~Journal() { close(file_); }

absl::Status Journal::Write(const Batch& batch, size_t offset, bool& broken) {
  const std::string bytes = BytesOf(batch.records, offset);
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
    writing_ = true;
    mu_.Unlock();
    absl::Status status = Write(*batch, offset, broken);
    mu_.Lock();
    writing_ = false;
    if (status.ok()) {
      size_ = offset + kHeadBytes + batch->records.size() * kRecordBytes;
    } else if (broken) {
      broken_ = status;
    }
    batch->status = std::move(status);
  }
  batch->over = true;
  done_.notify_all();
}

size_t Journal::size_bytes() const {
  MutexLock lock(&mu_);
  return size_;
}

}  // namespace warder::ledger
