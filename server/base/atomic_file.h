// Files that are whole at every instant: written beside, then renamed.
#ifndef WARDER_SERVER_BASE_ATOMIC_FILE_H_
#define WARDER_SERVER_BASE_ATOMIC_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace warder {

enum class FileMode {
  kOwnerOnly,  // 0600
  kForAll,     // 0644
};

// Writes `contents` to the disk and puts it in the place of `path`. Blocks for
// the disk. UNAVAILABLE STORE_UNAVAILABLE naming the file and what failed;
// `path` is what it was then.
absl::Status WriteAtomically(const std::string& path,
                             absl::string_view contents, FileMode mode);

// Makes the name of a file that was made, renamed or removed reach the disk.
// Returns 0, or the errno of what failed.
int SyncDirectoryOf(const std::string& path);

}  // namespace warder

#endif  // WARDER_SERVER_BASE_ATOMIC_FILE_H_
