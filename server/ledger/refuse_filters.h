// The filters of 16 bits that lie in segment files: read where somebody asks by
// them, for they are twice as large as those of 8 bits, which are in memory.
#ifndef WARDER_SERVER_LEDGER_REFUSE_FILTERS_H_
#define WARDER_SERVER_LEDGER_REFUSE_FILTERS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "server/ledger/fuse_filter.h"

namespace warder::ledger {

// Thread-safe.
class RefuseFilters {
 public:
  // By issuer and minute.
  using OfFile = std::map<std::pair<std::string, uint32_t>, FuseFilter16>;

  // Keeps the files that were asked for last, up to `most_bytes`, and one at
  // least.
  RefuseFilters(std::string directory, size_t most_bytes)
      : directory_(std::move(directory)), most_bytes_(most_bytes) {}

  // Returns the filters of a sealed file, by its number. Blocks for the disk
  // where it is not kept: ten milliseconds for a million tokens. Errors as
  // ReadSegmentFile.
  absl::StatusOr<std::shared_ptr<const OfFile>> Of(uint64_t file);

 private:
  struct Kept {
    std::shared_ptr<const OfFile> filters;
    size_t bytes = 0;
    uint64_t used = 0;  // the greater, the later
  };

  const std::string directory_;
  const size_t most_bytes_;

  Mutex mu_;
  std::map<uint64_t, Kept> kept_ ABSL_GUARDED_BY(mu_);
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t uses_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_REFUSE_FILTERS_H_
