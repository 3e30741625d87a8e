#include "server/ledger/subject_set.h"

#include <algorithm>

#include "server/base/error.h"
#include "server/base/little_endian.h"
#include "server/base/status_macros.h"
#include "server/ledger/byte_reader.h"
#include "server/ledger/token_digest.h"

namespace warder::ledger {
namespace {

constexpr absl::string_view kMagic = "WSS1";
// A megabyte: less than a message takes.
constexpr size_t kMostOfOnePart = 800'000;

}  // namespace

uint64_t SubjectSecret::DigestOf(absl::string_view subject) const {
  return ShortHmac(bytes_, subject);
}

uint64_t MarkOf(const SubjectSecret& secret) {
  return ShortHmac(secret.bytes(), "warder subjects mark");
}

absl::StatusOr<SubjectSet> SubjectSet::Build(std::vector<uint64_t> digests,
                                             Random& random) {
  std::sort(digests.begin(), digests.end());
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
  const size_t count = digests.size() / kMostOfOnePart + 1;
  std::vector<FuseFilter8> parts;
  auto begin = digests.begin();
  for (size_t part = 0; part < count; ++part) {
    const auto end = std::find_if(begin, digests.end(), [&](uint64_t digest) {
      return PartOf(digest, count) > part;
    });
    ASSIGN_OR_RETURN(FuseFilter8 filter,
                     FuseFilter8::Build({begin, end}, random));
    parts.push_back(std::move(filter));
    begin = end;
  }
  uint64_t load = 0;
  while (load == 0) {
    std::string bytes(8, '\0');
    random.Fill({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
    load = ReadLittleEndian(bytes);
  }
  return SubjectSet(load, std::move(parts));
}

absl::StatusOr<SubjectSet> SubjectSet::FromParts(
    uint64_t load, std::vector<FuseFilter8> parts) {
  if (load == 0 || parts.empty()) {
    return FieldError("parts", "a set of subjects has one at least");
  }
  return SubjectSet(load, std::move(parts));
}

size_t SubjectSet::count() const {
  size_t count = 0;
  for (const FuseFilter8& part : parts_) count += part.count();
  return count;
}

size_t SubjectSet::size_bytes() const {
  size_t bytes = 0;
  for (const FuseFilter8& part : parts_) bytes += part.size_bytes();
  return bytes;
}

std::string WriteSubjects(const LoadedSubjects& subjects) {
  std::string out(kMagic);
  AppendLittleEndian(subjects.set.load(), 8, out);
  AppendLittleEndian(
      static_cast<uint64_t>(absl::ToUnixMicros(subjects.load_time)), 8, out);
  AppendText(subjects.loaded_by, 2, out);
  AppendLittleEndian(subjects.secret_mark, 8, out);
  AppendLittleEndian(subjects.set.parts().size(), 4, out);
  for (const FuseFilter8& part : subjects.set.parts()) {
    AppendText(part.Serialize(), 4, out);
  }
  return WithCheck(out);
}

absl::StatusOr<LoadedSubjects> ReadSubjects(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const absl::string_view body, WithoutCheck(kMagic, bytes));
  ByteReader reader(body);
  const uint64_t load = reader.Number(8);
  const auto micros = static_cast<int64_t>(reader.Number(8));
  const std::string loaded_by(reader.Text(2));
  const uint64_t mark = reader.Number(8);
  const uint64_t count = reader.Number(4);
  std::vector<FuseFilter8> parts;
  for (uint64_t i = 0; i < count && !reader.failed(); ++i) {
    auto part = FuseFilter8::Parse(reader.Text(4));
    if (!part.ok()) return Damaged("a filter in it is none");
    parts.push_back(*std::move(part));
  }
  if (reader.failed() || !reader.at_end()) {
    return Damaged("its lengths do not add up");
  }
  auto set = SubjectSet::FromParts(load, std::move(parts));
  if (!set.ok()) return Damaged("it holds no filter");
  return LoadedSubjects{.set = *std::move(set),
                        .load_time = absl::FromUnixMicros(micros),
                        .loaded_by = loaded_by,
                        .secret_mark = mark};
}

}  // namespace warder::ledger
