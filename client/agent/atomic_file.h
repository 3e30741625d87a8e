// Files that are whole at every instant: written beside, then renamed.
#ifndef WARDER_CLIENT_AGENT_ATOMIC_FILE_H_
#define WARDER_CLIENT_AGENT_ATOMIC_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace warder::agent {

enum class FileMode {
  kOwnerOnly,  // 0600
  kForAll,     // 0644
};

// Writes `contents` to the disk and puts it in the place of `path`. Blocks for
// the disk. UNAVAILABLE STORE_UNAVAILABLE naming the file and what failed;
// `path` is what it was then.
absl::Status WriteAtomically(const std::string& path,
                             absl::string_view contents, FileMode mode);

}  // namespace warder::agent

#endif  // WARDER_CLIENT_AGENT_ATOMIC_FILE_H_
