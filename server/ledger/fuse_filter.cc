#include "server/ledger/fuse_filter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/little_endian.h"
#include "server/base/status_macros.h"

namespace warder::ledger {
namespace {

constexpr char kMagic[] = "WFF1";
constexpr int kMostAttempts = 64;
constexpr uint32_t kShortestStretch = 4;
constexpr uint32_t kLongestStretch = 1 << 18;
constexpr size_t kMostCells = size_t{1} << 31;

// Of each cell: how many digests need it, and, where one alone does, that one's
// hash and as which of its three cells.
class Needs {
 public:
  explicit Needs(size_t cells) : tags_(cells), hashes_(cells) {}

  void Add(uint32_t cell, uint8_t place, uint64_t hash) {
    tags_[cell] = static_cast<uint16_t>((tags_[cell] + kOne) ^ place);
    hashes_[cell] ^= hash;
  }
  void Remove(uint32_t cell, uint8_t place, uint64_t hash) {
    tags_[cell] = static_cast<uint16_t>((tags_[cell] - kOne) ^ place);
    hashes_[cell] ^= hash;
  }
  bool Once(uint32_t cell) const { return tags_[cell] / kOne == 1; }
  uint8_t PlaceOf(uint32_t cell) const { return tags_[cell] % kOne; }
  uint64_t HashOf(uint32_t cell) const { return hashes_[cell]; }

 private:
  static constexpr uint16_t kOne = 4;  // below it: the places, XORed

  std::vector<uint16_t> tags_;
  std::vector<uint64_t> hashes_;
};

// A digest, and which of its cells is set when it is its turn.
struct Peeled {
  uint64_t hash;
  uint8_t place;
};

// Puts hashes of one part of the array beside each other: what follows touches
// memory in order.
std::vector<uint64_t> InOrder(const std::vector<uint64_t>& hashes,
                              const FuseShape& shape) {
  int bits = 1;
  while ((uint64_t{1} << bits) < shape.stretches) ++bits;
  std::vector<size_t> starts((size_t{1} << bits) + 1);
  for (const uint64_t hash : hashes) ++starts[(hash >> (64 - bits)) + 1];
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  std::vector<uint64_t> ordered(hashes.size());
  for (const uint64_t hash : hashes) {
    ordered[starts[hash >> (64 - bits)]++] = hash;
  }
  return ordered;
}

// Returns every digest in the order in which they were peeled; fewer where a
// core remains of which each cell is needed twice.
std::vector<Peeled> Peel(const std::vector<uint64_t>& hashes,
                         const FuseShape& shape) {
  Needs needs(shape.cells());
  for (const uint64_t hash : InOrder(hashes, shape)) {
    const auto cells = shape.Cells(hash);
    for (uint8_t place = 0; place < 3; ++place) {
      needs.Add(cells[place], place, hash);
    }
  }
  std::vector<uint32_t> alone;
  for (uint32_t cell = 0; cell < shape.cells(); ++cell) {
    if (needs.Once(cell)) alone.push_back(cell);
  }
  std::vector<Peeled> peeled;
  peeled.reserve(hashes.size());
  while (!alone.empty()) {
    const uint32_t cell = alone.back();
    alone.pop_back();
    if (!needs.Once(cell)) continue;  // its digest was peeled by another cell
    const Peeled next = {needs.HashOf(cell), needs.PlaceOf(cell)};
    peeled.push_back(next);
    const auto cells = shape.Cells(next.hash);
    for (uint8_t place = 0; place < 3; ++place) {
      needs.Remove(cells[place], place, next.hash);
      if (needs.Once(cells[place])) alone.push_back(cells[place]);
    }
  }
  return peeled;
}

}  // namespace

// The paper's section 4.
FuseShape FuseShape::For(size_t count) {
  FuseShape shape;
  if (count < 2) return shape;
  const double n = static_cast<double>(count);
  const int power =
      static_cast<int>(std::floor(std::log(n) / std::log(3.33) + 2.25));
  shape.stretch = std::min(kLongestStretch, uint32_t{1} << std::min(power, 18));
  const double factor =
      std::max(1.125, 0.875 + 0.25 * std::log(1e6) / std::log(n));
  const auto wanted = static_cast<uint64_t>(std::llround(n * factor));
  const uint64_t all = (wanted + shape.stretch - 1) / shape.stretch;
  shape.stretches = all > 3 ? static_cast<uint32_t>(all - 2) : 1;
  return shape;
}

template <typename Fingerprint>
bool FuseFilter<Fingerprint>::Try(const std::vector<uint64_t>& digests,
                                  uint64_t seed) {
  std::vector<uint64_t> hashes(digests.size());
  for (size_t i = 0; i < digests.size(); ++i) {
    hashes[i] = FuseProbe::Mix(digests[i] + seed);
  }
  const std::vector<Peeled> peeled = Peel(hashes, frame_.shape);
  if (peeled.size() != hashes.size()) return false;
  frame_.seed = seed;
  cells_.assign(frame_.shape.cells(), 0);
  // Who was peeled last goes first: nobody after it needs its cell.
  for (auto it = peeled.rbegin(); it != peeled.rend(); ++it) {
    const auto cells = frame_.shape.Cells(it->hash);
    auto value = FuseProbe::FingerprintOf<Fingerprint>(it->hash);
    for (const uint32_t cell : cells) value ^= cells_[cell];
    cells_[cells[it->place]] = value;  // which was 0
  }
  return true;
}

template <typename Fingerprint>
absl::StatusOr<FuseFilter<Fingerprint>> FuseFilter<Fingerprint>::Build(
    std::vector<uint64_t> digests, Random& random) {
  if (digests.size() > kMost) {
    return FieldError("digests", absl::StrCat(digests.size(), " of them; ",
                                              kMost, " at most are taken"));
  }
  FuseFilter filter;
  for (int attempt = 0; attempt < kMostAttempts && !digests.empty();
       ++attempt) {
    // One that comes twice can never be peeled.
    if (attempt == 1) {
      std::sort(digests.begin(), digests.end());
      digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
    }
    filter.frame_.shape = FuseShape::For(digests.size());
    uint64_t seed = 0;
    random.Fill({reinterpret_cast<uint8_t*>(&seed), sizeof(seed)});
    if (filter.Try(digests, seed)) {
      filter.frame_.count = digests.size();
      return filter;
    }
  }
  if (digests.empty()) return filter;
  return Internal(absl::StrCat("no filter of ", digests.size(),
                               " digests came of ", kMostAttempts, " seeds"));
}

template <typename Fingerprint>
std::string FuseFilter<Fingerprint>::Serialize() const {
  std::string out = kMagic;
  out.reserve(FuseFrame::kBytes + size_bytes());
  AppendLittleEndian(8 * sizeof(Fingerprint), 1, out);
  AppendLittleEndian(frame_.seed, 8, out);
  AppendLittleEndian(frame_.count, 8, out);
  AppendLittleEndian(frame_.shape.stretch, 4, out);
  AppendLittleEndian(frame_.shape.stretches, 4, out);
  for (const Fingerprint cell : cells_)
    AppendLittleEndian(cell, sizeof(cell), out);
  return out;
}

absl::StatusOr<FuseFrame> FuseFrame::Parse(absl::string_view bytes,
                                           size_t bits) {
  const auto bad = [](absl::string_view what) {
    return FieldError("filter", what);
  };
  if (bytes.size() < kBytes || bytes.substr(0, 4) != kMagic) {
    return bad("is none: it does not begin with WFF1");
  }
  if (ReadLittleEndian(bytes.substr(4, 1)) != bits) {
    return bad(absl::StrCat("its fingerprints are not of ", bits, " bits"));
  }
  FuseFrame frame;
  frame.seed = ReadLittleEndian(bytes.substr(5, 8));
  frame.count = ReadLittleEndian(bytes.substr(13, 8));
  frame.shape.stretch =
      static_cast<uint32_t>(ReadLittleEndian(bytes.substr(21, 4)));
  frame.shape.stretches =
      static_cast<uint32_t>(ReadLittleEndian(bytes.substr(25, 4)));
  if (!absl::has_single_bit(frame.shape.stretch) ||
      frame.shape.stretch < kShortestStretch ||
      frame.shape.stretch > kLongestStretch || frame.shape.stretches == 0 ||
      frame.shape.cells() > kMostCells || frame.count > frame.shape.cells()) {
    return bad(absl::StrCat("its ", frame.count, " digests are not in ",
                            frame.shape.stretches, " + 2 stretches of ",
                            frame.shape.stretch, " cells"));
  }
  return frame;
}

template <typename Fingerprint>
absl::StatusOr<FuseFilter<Fingerprint>> FuseFilter<Fingerprint>::Parse(
    absl::string_view bytes) {
  FuseFilter filter;
  ASSIGN_OR_RETURN(filter.frame_,
                   FuseFrame::Parse(bytes, 8 * sizeof(Fingerprint)));
  const absl::string_view cells = bytes.substr(FuseFrame::kBytes);
  const size_t wanted =
      filter.frame_.count == 0 ? 0 : filter.frame_.shape.cells();
  if (cells.size() != wanted * sizeof(Fingerprint)) {
    return FieldError(
        "filter", absl::StrCat("has ", cells.size(), " bytes of cells, not ",
                               wanted * sizeof(Fingerprint)));
  }
  filter.cells_.resize(wanted);
  for (size_t i = 0; i < wanted; ++i) {
    filter.cells_[i] = static_cast<Fingerprint>(ReadLittleEndian(
        cells.substr(i * sizeof(Fingerprint), sizeof(Fingerprint))));
  }
  return filter;
}

template class FuseFilter<uint8_t>;
template class FuseFilter<uint16_t>;

}  // namespace warder::ledger
