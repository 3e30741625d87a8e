#include "client/agent/log_follower.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::agent {
namespace {

constexpr size_t kChunk = 64 * 1024;

absl::Status Unreadable(const std::string& path) {
  return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
               absl::StrCat(path, ": ", strerror(errno)));
}

}  // namespace

void LogFollower::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool LogFollower::OpenAt(const std::string& path) {
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  const bool same = fd_ >= 0 && fstat(fd_, &status) == 0 &&
                    status.st_ino == position_.file &&
                    position_.offset <= status.st_size;
  if (!same) Close();
  return same;
}

absl::Status LogFollower::Open() {
  pending_.clear();
  skipping_ = false;
  // Where it was rotated while nobody looked, what is left of the former first.
  if (position_.file != 0 && (OpenAt(path_) || OpenAt(path_ + ".1"))) {
    begun_ = true;
    return absl::OkStatus();
  }
  fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd_ < 0 || fstat(fd_, &status) != 0) {
    const absl::Status unreadable = Unreadable(path_);
    Close();
    return unreadable;
  }
  // Of the first file only what comes from now on; of one that took its place,
  // all of it.
  const bool first = !begun_ && position_.file == 0;
  position_ = {.file = status.st_ino, .offset = first ? status.st_size : 0};
  begun_ = true;
  return absl::OkStatus();
}

absl::StatusOr<size_t> LogFollower::ReadSome(
    absl::FunctionRef<void(absl::string_view)> visit) {
  std::array<char, kChunk> chunk;
  const off_t at = position_.offset + static_cast<off_t>(pending_.size());
  const ssize_t got = pread(fd_, chunk.data(), chunk.size(), at);
  if (got < 0) return Unreadable(path_);
  absl::string_view rest(chunk.data(), static_cast<size_t>(got));
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    if (end == absl::string_view::npos) {
      pending_.append(rest.data(), rest.size());
      break;
    }
    pending_.append(rest.data(), end);
    position_.offset += static_cast<int64_t>(pending_.size()) + 1;
    if (skipping_ || pending_.size() > kLongestLogLine) {
      ++left_out_;
    } else if (!pending_.empty()) {
      visit(pending_);
    }
    skipping_ = false;
    pending_.clear();
    rest.remove_prefix(end + 1);
  }
  if (pending_.size() > kLongestLogLine) {  // it takes no more memory
    position_.offset += static_cast<int64_t>(pending_.size());
    pending_.clear();
    skipping_ = true;
  }
  return static_cast<size_t>(got);
}

absl::StatusOr<bool> LogFollower::Read(
    absl::FunctionRef<void(absl::string_view)> visit) {
  if (fd_ < 0) RETURN_IF_ERROR(Open());
  for (size_t total = 0; total < kMostBytes;) {
    ASSIGN_OR_RETURN(const size_t got, ReadSome(visit));
    total += got;
    if (got > 0) continue;
    // All of it is read. Is it still the one that is written to?
    struct stat here {
    }, there{};
    if (fstat(fd_, &here) != 0) return Unreadable(path_);
    const bool shorter =
        here.st_size < position_.offset + static_cast<int64_t>(pending_.size());
    if (shorter) position_ = {};
    if (!shorter && (stat(path_.c_str(), &there) != 0 ||
                     there.st_ino == here.st_ino || there.st_size == 0)) {
      return false;  // who has it open may still write into the former
    }
    Close();
    position_ = {};  // done with that one
    RETURN_IF_ERROR(Open());
  }
  return true;
}

}  // namespace warder::agent
