// What a journal becomes once its minutes are over: filters, and how many
// tokens each key had signed.
//
//   WriteSegmentFile(path, period)      written beside, then renamed
//   ReadSegmentFile(path)               all or nothing
//   ReadRefusePlaces(path)              where in it the larger filters are
#ifndef WARDER_SERVER_LEDGER_SEGMENT_FILE_H_
#define WARDER_SERVER_LEDGER_SEGMENT_FILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/ledger/fuse_filter.h"

namespace warder::ledger {

struct SealedPeriod {
  // What one issuer issued in one minute.
  struct Segment {
    std::string issuer;
    uint32_t minute = 0;
    FuseFilter8 detect;   // what is in memory
    FuseFilter16 refuse;  // what a refusal is by, here and at gateways
  };
  // How many tokens one key signed in one minute.
  struct Count {
    std::string key;
    uint32_t minute = 0;
    uint64_t issued = 0;
  };
  std::vector<Segment> segments;
  std::vector<Count> counts;
};

// Returns `period` as bytes: "WLS1", the number of segments (4 bytes,
// little-endian) and each: length of the issuer (2), issuer, minute (4), length
// of `detect` (4), `detect`, length of `refuse` (4), `refuse`; then the number
// of counts (4) and each: length of the key (2), key, minute (4), issued (8);
// and SHA-256 of all of it (32).
std::string WriteSegments(const SealedPeriod& period);
// Reads what WriteSegments wrote. DATA_LOSS STORE_CORRUPT for anything else.
absl::StatusOr<SealedPeriod> ReadSegments(absl::string_view bytes);

// Where one `refuse` lies in its file, and what it is but for its cells.
struct RefusePlace {
  uint64_t offset = 0;
  size_t size = 0;
  FuseFrame frame;
};

// Each blocks for the disk.
//   UNAVAILABLE STORE_UNAVAILABLE  naming the file, and what failed
//   DATA_LOSS STORE_CORRUPT        naming the file
absl::Status WriteSegmentFile(const std::string& path,
                              const SealedPeriod& period);
absl::StatusOr<SealedPeriod> ReadSegmentFile(const std::string& path);
// Returns where each `refuse` is, by issuer and minute, of a file that is
// whole.
absl::StatusOr<std::map<std::pair<std::string, uint32_t>, RefusePlace>>
ReadRefusePlaces(const std::string& path);

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_SEGMENT_FILE_H_
