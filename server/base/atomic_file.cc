#include "server/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder {
namespace {

bool WriteAll(int file, absl::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = write(file, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(file) == 0;
}

}  // namespace

int SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int file = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = fsync(file) == 0 ? 0 : errno;
  close(file);
  return error;
}

absl::Status WriteAtomically(const std::string& path,
                             absl::string_view contents, FileMode mode) {
  const std::string beside = path + ".new";
  const auto failed = [&](absl::string_view what) {
    const int error = errno;
    unlink(beside.c_str());
    return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                 absl::StrCat(what, " ", path, ": ", strerror(error),
                              "; does the directory exist, may this user "
                              "write there, is there room?"));
  };
  const int file =
      open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
           mode == FileMode::kOwnerOnly ? 0600 : 0644);
  if (file < 0) return failed("cannot write");
  const bool written = WriteAll(file, contents);
  if (close(file) != 0 || !written) return failed("cannot write");
  if (rename(beside.c_str(), path.c_str()) != 0) return failed("cannot rename");
  // The rename itself must reach the disk, too.
  errno = SyncDirectoryOf(path);
  return errno == 0 ? absl::OkStatus() : failed("cannot sync");
}

}  // namespace warder
