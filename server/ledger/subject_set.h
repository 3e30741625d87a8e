// Whom an issuer's tokens may name: a set of subjects that can be asked, and
// listed by nobody but who has its secret and guesses.
//
// A subject is a keyed digest, in a fuse filter of 8 bits: one that is none of
// them is taken for one now and then, 1 in 256; one of them is always found.
// The filter is of many parts, by the high bits of the digest, so that none
// takes much memory while it is built, and each fits into a message.
#ifndef WARDER_SERVER_LEDGER_SUBJECT_SET_H_
#define WARDER_SERVER_LEDGER_SUBJECT_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/random.h"
#include "server/ledger/fuse_filter.h"

namespace warder::ledger {

// By what the subjects of one issuer become digests.
class SubjectSecret {
 public:
  // 32 bytes.
  explicit SubjectSecret(std::string bytes) : bytes_(std::move(bytes)) {}

  // Returns ShortHmac of `subject`.
  uint64_t DigestOf(absl::string_view subject) const;
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Immutable; thread-safe.
class SubjectSet {
 public:
  // Of one load; they may repeat.
  static constexpr size_t kMost = 100'000'000;

  // Returns the set of `digests`, which may repeat. Takes a third of a
  // microsecond a digest, and little memory beside them. Errors as
  // FuseFilter::Build.
  static absl::StatusOr<SubjectSet> Build(std::vector<uint64_t> digests,
                                          Random& random);
  // Returns the set of parts, as parts() returned them. INVALID_ARGUMENT: none.
  static absl::StatusOr<SubjectSet> FromParts(uint64_t load,
                                              std::vector<FuseFilter8> parts);

  bool Contains(uint64_t digest) const {
    return parts_[PartOf(digest, parts_.size())].Contains(digest);
  }

  // Tells one load from another; never 0.
  uint64_t load() const { return load_; }
  const std::vector<FuseFilter8>& parts() const { return parts_; }
  size_t count() const;  // of different ones
  size_t size_bytes() const;

 private:
  SubjectSet(uint64_t load, std::vector<FuseFilter8> parts)
      : load_(load), parts_(std::move(parts)) {}

  // Returns in which of `parts` the digest is looked for.
  static size_t PartOf(uint64_t digest, size_t parts) {
    return static_cast<size_t>(
        absl::Uint128High64(absl::uint128(digest) * parts));
  }

  uint64_t load_;
  std::vector<FuseFilter8> parts_;
};

// What is kept of a load.
struct LoadedSubjects {
  SubjectSet set;
  absl::Time load_time;  // to the microsecond
  std::string loaded_by;
  uint64_t secret_mark = 0;  // MarkOf the secret of its digests
};

// Returns what tells one secret from another, and nothing of either.
uint64_t MarkOf(const SubjectSecret& secret);

// Returns `subjects` as bytes: "WSS1", then, little-endian, the load (8), the
// time in microseconds since 1970 (8), who loaded them (length in 2), the mark
// of the secret (8), the number of parts (4) and each (length in 4); and
// SHA-256 of all of it (32).
std::string WriteSubjects(const LoadedSubjects& subjects);
// Reads what WriteSubjects wrote. DATA_LOSS STORE_CORRUPT for anything else.
absl::StatusOr<LoadedSubjects> ReadSubjects(absl::string_view bytes);

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_SUBJECT_SET_H_
