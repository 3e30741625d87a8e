// Which files the ledger has, and which minutes each may hold: written before
// the first record of a file is. A file that is on record and is not there, or
// cannot be read, makes its minutes INCOMPLETE, and no honest token a forgery.
#ifndef WARDER_SERVER_LEDGER_MANIFEST_H_
#define WARDER_SERVER_LEDGER_MANIFEST_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder::ledger {

// Minutes from `first` to `last`, both of them.
struct MinuteRange {
  uint32_t first = 0;
  uint32_t last = 0;

  bool Contains(uint32_t minute) const {
    return first <= minute && minute <= last;
  }
  friend bool operator==(const MinuteRange&, const MinuteRange&) = default;
};

struct Manifest {
  struct File {
    uint64_t number = 0;
    MinuteRange minutes;
    bool sealed = false;        // there are segments; else a journal
    bool journal_kept = false;  // beside the segments, for a legal hold

    std::string journal_name() const;   // "00000012.journal"
    std::string segments_name() const;  // "00000012.segments"
    friend bool operator==(const File&, const File&) = default;
  };

  // Of tokens of earlier minutes nothing is known.
  uint32_t known_from = 0;
  // The ledger's secret, sealed under the key-encryption key.
  std::string sealed_secret;
  uint64_t next_number = 1;
  std::vector<File> files;  // by number
  // May lack some, for good.
  std::vector<MinuteRange> incomplete;
  // Files were dropped that knew of an issuer's earlier minutes: by issuer.
  std::map<std::string, uint32_t> forgotten;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// Returns `manifest` as JSON.
std::string WriteManifest(const Manifest& manifest);
// Reads what WriteManifest wrote. DATA_LOSS STORE_CORRUPT, saying what is wrong
// with it, for anything else.
absl::StatusOr<Manifest> ReadManifest(absl::string_view text);

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_MANIFEST_H_
