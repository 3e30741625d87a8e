#include "server/ledger/refuse_filters.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/little_endian.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/ledger/manifest.h"

namespace warder::ledger {
namespace {

// Returns so many bytes of the file from `offset` on.
absl::StatusOr<std::string> ReadAt(int file, uint64_t offset, size_t size,
                                   const std::string& path) {
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, bytes.data() + done, size - done,
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                   absl::StrCat("cannot read ", path));
    }
    done += static_cast<size_t>(got);
  }
  return bytes;
}

absl::StatusOr<int> OpenToRead(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0) return file;
  return Error(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
               absl::StrCat("cannot read ", path));
}

}  // namespace

std::string RefuseFilters::PathOf(uint64_t file) const {
  const Manifest::File named{.number = file, .minutes = {}};
  return absl::StrCat(directory_, "/", named.segments_name());
}

absl::Status RefuseFilters::Failed(uint64_t file, absl::Status error) {
  MutexLock lock(&mu_);
  if (failures_.try_emplace(file, error).second) {
    Log(LogLevel::kError, "ledger.file_unreadable",
        {{"error", std::string(error.message())},
         {"next",
          "tokens of its minutes are judged by filters of 8 bits, and asked "
          "for by gateways; restore it from a backup and restart"}});
  }
  return error;
}

absl::StatusOr<std::shared_ptr<const RefuseFilters::Index>>
RefuseFilters::IndexOf(uint64_t file) {
  {
    MutexLock lock(&mu_);
    const auto it = indexes_.find(file);
    if (it != indexes_.end()) return it->second;
    const auto failed = failures_.find(file);
    if (failed != failures_.end() && absl::IsDataLoss(failed->second)) {
      return failed->second;
    }
  }
  auto places = ReadRefusePlaces(PathOf(file));
  if (!places.ok()) return Failed(file, places.status());
  auto index = std::make_shared<const Index>(*std::move(places));
  MutexLock lock(&mu_);
  return indexes_.try_emplace(file, std::move(index)).first->second;
}

absl::StatusOr<bool> RefuseFilters::Contains(uint64_t file,
                                             const IssuerId& issuer,
                                             uint32_t minute, uint64_t digest) {
  ASSIGN_OR_RETURN(const auto index, IndexOf(file));
  const auto it = index->find({issuer.value(), minute});
  if (it == index->end() || it->second.frame.count == 0) return false;
  const std::string path = PathOf(file);
  const auto opened = OpenToRead(path);
  if (!opened.ok()) return Failed(file, opened.status());
  const absl::Cleanup closed = [&] { close(*opened); };
  const RefusePlace& place = it->second;
  const FuseProbe probe(place.frame, digest);
  std::array<uint16_t, 3> cells{};
  for (size_t i = 0; i < cells.size(); ++i) {
    const auto bytes = ReadAt(*opened,
                              place.offset + FuseFrame::kBytes +
                                  uint64_t{probe.cells()[i]} * sizeof(uint16_t),
                              sizeof(uint16_t), path);
    if (!bytes.ok()) return Failed(file, bytes.status());
    cells[i] = static_cast<uint16_t>(ReadLittleEndian(*bytes));
  }
  return probe.Matches<uint16_t>(cells[0], cells[1], cells[2]);
}

absl::StatusOr<std::map<uint32_t, std::string>> RefuseFilters::Read(
    uint64_t file, const IssuerId& issuer) {
  ASSIGN_OR_RETURN(const auto index, IndexOf(file));
  const std::string path = PathOf(file);
  const auto opened = OpenToRead(path);
  if (!opened.ok()) return Failed(file, opened.status());
  const absl::Cleanup closed = [&] { close(*opened); };
  std::map<uint32_t, std::string> filters;
  for (auto it = index->lower_bound({issuer.value(), 0});
       it != index->end() && it->first.first == issuer.value(); ++it) {
    auto bytes = ReadAt(*opened, it->second.offset, it->second.size, path);
    if (!bytes.ok()) return Failed(file, bytes.status());
    filters[it->first.second] = *std::move(bytes);
  }
  return filters;
}

void RefuseFilters::Forget(uint64_t file) {
  MutexLock lock(&mu_);
  failures_.erase(file);
  indexes_.erase(file);
}

}  // namespace warder::ledger
