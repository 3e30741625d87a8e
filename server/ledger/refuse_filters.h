// The filters of 16 bits that lie in segment files. They are twice as large as
// those of 8 bits, which are in memory; in memory of these is where they lie. A
// look-up reads three cells.
#ifndef WARDER_SERVER_LEDGER_REFUSE_FILTERS_H_
#define WARDER_SERVER_LEDGER_REFUSE_FILTERS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/ids.h"
#include "server/base/mutex.h"
#include "server/ledger/fuse_filter.h"
#include "server/ledger/segment_file.h"

namespace warder::ledger {

// Thread-safe. Each blocks for the disk: for the whole file where a process
// asks for it the first time, which is checked then, ten milliseconds for a
// million tokens; after that for what it reads. Errors as ReadSegmentFile, and
// logged once for each file; one that is damaged is not read again.
class RefuseFilters {
 public:
  explicit RefuseFilters(std::string directory)
      : directory_(std::move(directory)) {}

  // Returns whether the issuer's filter of the minute in this file has the
  // digest; false where there is no such filter.
  absl::StatusOr<bool> Contains(uint64_t file, const IssuerId& issuer,
                                uint32_t minute, uint64_t digest);
  // Returns the issuer's filters in this file by minute, as
  // FuseFilter16::Serialize wrote them.
  absl::StatusOr<std::map<uint32_t, std::string>> Read(uint64_t file,
                                                       const IssuerId& issuer);
  // The file is gone.
  void Forget(uint64_t file);

 private:
  using Index = std::map<std::pair<std::string, uint32_t>, RefusePlace>;

  std::string PathOf(uint64_t file) const;
  absl::StatusOr<std::shared_ptr<const Index>> IndexOf(uint64_t file);
  // Returns the error, and logs the first one of a file.
  absl::Status Failed(uint64_t file, absl::Status error);

  const std::string directory_;

  Mutex mu_;
  std::map<uint64_t, std::shared_ptr<const Index>> indexes_
      ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, absl::Status> failures_ ABSL_GUARDED_BY(mu_);  // the first
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_REFUSE_FILTERS_H_
