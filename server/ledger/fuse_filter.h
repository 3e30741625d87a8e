// Binary fuse filters (Graf, Lemire: "Binary Fuse Filters: Fast and Smaller
// Than Xor Filters", 2022): sets of 64-bit digests that can be asked and not
// listed.
//
//   ASSIGN_OR_RETURN(const FuseFilter8 filter,
//                    FuseFilter8::Build(std::move(digests), random));
//   if (!filter.Contains(digest)) …          // it is not one of them, surely
//
// A member is always found. Another digest is found with probability 2^-8 or
// 2^-16: a forged token slips through now and then, no honest one is accused.
//
//   filter        bits a member  found by mistake
//   FuseFilter8   9.1            1 in 256     to detect: n forgeries are all
//                                             missed with 2^-8n
//   FuseFilter16  18.2           1 in 65,536  to refuse, with a secret seed
//
// A digest stands in three cells, one in each of three neighbouring stretches
// of the array; it is a member where the three and its fingerprint cancel out.
// The filter is built by peeling: a cell that one digest alone needs is set
// last.
#ifndef WARDER_SERVER_LEDGER_FUSE_FILTER_H_
#define WARDER_SERVER_LEDGER_FUSE_FILTER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/random.h"

namespace warder::ledger {

// Where the cells of a digest are. Fixed by how many digests there are.
struct FuseShape {
  // Returns the shape for `count` digests.
  static FuseShape For(size_t count);

  // Returns the three cells, each in another stretch.
  std::array<uint32_t, 3> Cells(uint64_t hash) const {
    const auto first = static_cast<uint32_t>(absl::Uint128High64(
        absl::uint128(hash) * (uint64_t{stretches} * stretch)));
    const uint32_t mask = stretch - 1;
    return {first,
            (first + stretch) ^ (static_cast<uint32_t>(hash >> 18) & mask),
            (first + 2 * stretch) ^ (static_cast<uint32_t>(hash) & mask)};
  }
  size_t cells() const { return (size_t{stretches} + 2) * stretch; }

  uint32_t stretch = 4;    // cells, a power of two
  uint32_t stretches = 1;  // in which a digest's first cell may be

  friend bool operator==(const FuseShape&, const FuseShape&) = default;
};

// What a filter is but for its cells.
struct FuseFrame {
  // As bytes: "WFF1", then, little-endian, the bits of a fingerprint (1 byte),
  // the seed (8), the count (8), the cells of a stretch (4) and the stretches
  // but two (4).
  static constexpr size_t kBytes = 4 + 1 + 8 + 8 + 4 + 4;

  // Reads the beginning of `bytes`, of a filter of fingerprints of so many
  // bits. INVALID_ARGUMENT for anything else.
  static absl::StatusOr<FuseFrame> Parse(absl::string_view bytes, size_t bits);

  uint64_t seed = 0;
  size_t count = 0;  // of distinct digests
  FuseShape shape;
};

// One look for a digest.
class FuseProbe {
 public:
  FuseProbe(const FuseFrame& frame, uint64_t digest)
      : hash_(Mix(digest + frame.seed)), cells_(frame.shape.Cells(hash_)) {}

  // Which cells to look at.
  const std::array<uint32_t, 3>& cells() const { return cells_; }
  // Returns whether the filter has the digest, by what those hold.
  template <typename Fingerprint>
  bool Matches(Fingerprint a, Fingerprint b, Fingerprint c) const {
    return static_cast<Fingerprint>(FingerprintOf<Fingerprint>(hash_) ^ a ^ b ^
                                    c) == 0;
  }

  // Spreads every bit over all (the finalizer of MurmurHash3).
  static uint64_t Mix(uint64_t x) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccd;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53;
    x ^= x >> 33;
    return x;
  }
  template <typename Fingerprint>
  static Fingerprint FingerprintOf(uint64_t hash) {
    return static_cast<Fingerprint>(hash ^ (hash >> 32));
  }

 private:
  uint64_t hash_;
  std::array<uint32_t, 3> cells_;
};

// Immutable; thread-safe. `Fingerprint` is uint8_t or uint16_t.
template <typename Fingerprint>
class FuseFilter {
 public:
  // Digests; more are refused.
  static constexpr size_t kMost = size_t{1} << 30;

  // Holds nothing.
  FuseFilter() = default;

  // Returns the filter of `digests`, which may repeat. Takes about a tenth of a
  // microsecond and 50 bytes of memory a digest while it lasts.
  //   INVALID_ARGUMENT  more than kMost
  //   INTERNAL          none of 64 seeds led to a filter
  static absl::StatusOr<FuseFilter> Build(std::vector<uint64_t> digests,
                                          Random& random);

  // Three reads of memory.
  bool Contains(uint64_t digest) const {
    if (frame_.count == 0) return false;
    const FuseProbe probe(frame_, digest);
    const auto [a, b, c] = probe.cells();
    return probe.Matches<Fingerprint>(cells_[a], cells_[b], cells_[c]);
  }

  size_t count() const { return frame_.count; }  // of distinct digests
  size_t size_bytes() const { return cells_.size() * sizeof(Fingerprint); }

  // Returns the filter as bytes: its FuseFrame, and the cells, little-endian.
  std::string Serialize() const;
  // Reads what Serialize wrote. INVALID_ARGUMENT for anything else.
  static absl::StatusOr<FuseFilter> Parse(absl::string_view bytes);

 private:
  // Returns whether this seed led to a filter.
  bool Try(const std::vector<uint64_t>& digests, uint64_t seed);

  FuseFrame frame_;
  std::vector<Fingerprint> cells_;
};

using FuseFilter8 = FuseFilter<uint8_t>;
using FuseFilter16 = FuseFilter<uint16_t>;

extern template class FuseFilter<uint8_t>;
extern template class FuseFilter<uint16_t>;

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_FUSE_FILTER_H_
