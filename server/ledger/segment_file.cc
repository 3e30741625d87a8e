#include "server/ledger/segment_file.h"

#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "server/base/atomic_file.h"
#include "server/base/error.h"
#include "server/base/little_endian.h"
#include "server/base/status_macros.h"
#include "server/ledger/byte_reader.h"

namespace warder::ledger {
namespace {

constexpr absl::string_view kMagic = "WLS1";
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
  return WithCheck(out);
}

namespace {

// A segment as it lies in the file.
struct RawSegment {
  absl::string_view issuer;
  uint32_t minute;
  absl::string_view detect, refuse;
};

// Gives each segment to `take`, in order, and returns the counts.
absl::StatusOr<std::vector<SealedPeriod::Count>> ReadWhole(
    absl::string_view bytes,
    absl::FunctionRef<absl::Status(const RawSegment&)> take) {
  ASSIGN_OR_RETURN(const absl::string_view body, WithoutCheck(kMagic, bytes));
  ByteReader reader(body);
  const uint64_t segments = reader.Number(4);
  for (uint64_t i = 0; i < segments && !reader.failed(); ++i) {
    RawSegment segment;
    segment.issuer = reader.Text(2);
    segment.minute = static_cast<uint32_t>(reader.Number(4));
    segment.detect = reader.Text(4);
    segment.refuse = reader.Text(4);
    if (!take(segment).ok()) return Damaged("a filter in it is none");
  }
  std::vector<SealedPeriod::Count> counts;
  const uint64_t keys = reader.Number(4);
  for (uint64_t i = 0; i < keys && !reader.failed(); ++i) {
    SealedPeriod::Count count;
    count.key = std::string(reader.Text(2));
    count.minute = static_cast<uint32_t>(reader.Number(4));
    count.issued = reader.Number(8);
    counts.push_back(std::move(count));
  }
  if (reader.failed() || !reader.at_end()) {
    return Damaged("its lengths do not add up");
  }
  return counts;
}

}  // namespace

absl::StatusOr<SealedPeriod> ReadSegments(absl::string_view bytes) {
  SealedPeriod period;
  ASSIGN_OR_RETURN(
      period.counts,
      ReadWhole(bytes, [&](const RawSegment& raw) -> absl::Status {
        SealedPeriod::Segment segment;
        segment.issuer = std::string(raw.issuer);
        segment.minute = raw.minute;
        ASSIGN_OR_RETURN(segment.detect, FuseFilter8::Parse(raw.detect));
        ASSIGN_OR_RETURN(segment.refuse, FuseFilter16::Parse(raw.refuse));
        period.segments.push_back(std::move(segment));
        return absl::OkStatus();
      }));
  return period;
}

absl::Status WriteSegmentFile(const std::string& path,
                              const SealedPeriod& period) {
  return WriteAtomically(path, WriteSegments(period), FileMode::kOwnerOnly);
}

absl::StatusOr<SealedPeriod> ReadSegmentFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadBytes(path));
  auto period = ReadSegments(bytes);
  if (!period.ok()) return WithContext(period.status(), path);
  return period;
}

absl::StatusOr<std::map<std::pair<std::string, uint32_t>, RefusePlace>>
ReadRefusePlaces(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadBytes(path));
  std::map<std::pair<std::string, uint32_t>, RefusePlace> places;
  const auto counts =
      ReadWhole(bytes, [&](const RawSegment& raw) -> absl::Status {
        RefusePlace place;
        place.offset = static_cast<uint64_t>(raw.refuse.data() - bytes.data());
        place.size = raw.refuse.size();
        ASSIGN_OR_RETURN(place.frame, FuseFrame::Parse(raw.refuse, 16));
        // Whoever looks at its cells stays within it.
        const size_t cells =
            place.frame.count == 0 ? 0 : place.frame.shape.cells();
        if (place.size != FuseFrame::kBytes + cells * sizeof(uint16_t)) {
          return Damaged("a filter in it is none");
        }
        places[{std::string(raw.issuer), raw.minute}] = place;
        return absl::OkStatus();
      });
  if (!counts.ok()) return WithContext(counts.status(), path);
  return places;
}

}  // namespace warder::ledger
