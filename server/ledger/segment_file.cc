#include "server/ledger/segment_file.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/atomic_file.h"
#include "server/base/error.h"
#include "server/base/little_endian.h"
#include "server/base/status_macros.h"
#include "server/crypto/digest.h"
#include "server/ledger/byte_reader.h"

namespace warder::ledger {
namespace {

constexpr absl::string_view kMagic = "WLS1";
constexpr size_t kCheckBytes = 32;

absl::Status Damaged(absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, Reason::kStoreCorrupt, what);
}

}  // namespace

std::string WriteSegments(const SealedPeriod& period) {
  std::string out(kMagic);
  AppendLittleEndian(period.segments.size(), 4, out);
  for (const SealedPeriod::Segment& segment : period.segments) {
    AppendText(segment.issuer, 2, out);
    AppendLittleEndian(segment.minute, 4, out);
    AppendText(segment.detect.Serialize(), 4, out);
    AppendText(segment.refuse.Serialize(), 4, out);
  }
  AppendLittleEndian(period.counts.size(), 4, out);
  for (const SealedPeriod::Count& count : period.counts) {
    AppendText(count.key, 2, out);
    AppendLittleEndian(count.minute, 4, out);
    AppendLittleEndian(count.issued, 8, out);
  }
  return out + crypto::Sha256(out);
}

absl::StatusOr<SealedPeriod> ReadSegments(absl::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic ||
      bytes.size() < kMagic.size() + kCheckBytes) {
    return Damaged("it does not begin as segments do");
  }
  const absl::string_view check = bytes.substr(bytes.size() - kCheckBytes);
  bytes.remove_suffix(kCheckBytes);
  if (crypto::Sha256(bytes) != check) return Damaged("it was changed");
  ByteReader reader(bytes.substr(kMagic.size()));
  SealedPeriod period;
  const uint64_t segments = reader.Number(4);
  for (uint64_t i = 0; i < segments && !reader.failed(); ++i) {
    SealedPeriod::Segment segment;
    segment.issuer = std::string(reader.Text(2));
    segment.minute = static_cast<uint32_t>(reader.Number(4));
    auto detect = FuseFilter8::Parse(reader.Text(4));
    auto refuse = FuseFilter16::Parse(reader.Text(4));
    if (!detect.ok() || !refuse.ok()) return Damaged("a filter in it is none");
    segment.detect = *std::move(detect);
    segment.refuse = *std::move(refuse);
    period.segments.push_back(std::move(segment));
  }
  const uint64_t counts = reader.Number(4);
  for (uint64_t i = 0; i < counts && !reader.failed(); ++i) {
    SealedPeriod::Count count;
    count.key = std::string(reader.Text(2));
    count.minute = static_cast<uint32_t>(reader.Number(4));
    count.issued = reader.Number(8);
    period.counts.push_back(std::move(count));
  }
  if (reader.failed() || !reader.at_end()) {
    return Damaged("its lengths do not add up");
  }
  return period;
}

absl::Status WriteSegmentFile(const std::string& path,
                              const SealedPeriod& period) {
  return WriteAtomically(path, WriteSegments(period), FileMode::kOwnerOnly);
}

absl::StatusOr<SealedPeriod> ReadSegmentFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                 absl::StrCat("cannot read ", path));
  }
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  auto period = ReadSegments(bytes);
  if (!period.ok()) return WithContext(period.status(), path);
  return period;
}

}  // namespace warder::ledger
