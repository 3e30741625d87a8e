// Ledger::Tick: what happens to files once their minutes are over.
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/ledger/ledger.h"

namespace warder::ledger {
namespace {

// A journal is sealed this long after its last minute: what is signed meanwhile
// with an `iat` of it is in the same file.
constexpr uint32_t kSealAfterMinutes = 2;
// A file that cannot be read is on record for this long.
constexpr absl::Duration kUnreadableFor = absl::Hours(24 * 40);
constexpr absl::Duration kForgottenFor = absl::Hours(24 * 40);
// What is forgotten is not judged any more by anybody whose clock is this
// wrong.
constexpr absl::Duration kMargin = absl::Minutes(5);
constexpr absl::Duration kCountsKept = absl::Hours(25);

// What a journal holds, by issuer and minute.
struct Sorted {
  std::map<std::pair<std::string, uint32_t>, std::vector<uint64_t>> digests;
  std::map<std::pair<std::string, uint32_t>, uint64_t> counts;  // by key
};

absl::StatusOr<Sorted> SortJournal(const std::string& path) {
  Sorted sorted;
  absl::flat_hash_map<uint32_t, std::string> names;
  RETURN_IF_ERROR(
      ReadJournal(
          path,
          [&](uint32_t number, absl::string_view name) {
            names[number] = std::string(name);
          },
          [&](const LedgerRecord& record) {
            const std::string& name = names[record.key];
            sorted.digests[{IssuerOfKeyName(name), record.minute}].push_back(
                record.digest);
            ++sorted.counts[{name, record.minute}];
          })
          .status());
  return sorted;
}

}  // namespace

absl::Status Ledger::Tick(absl::Time now, const RetentionOf& retention_of) {
  const uint32_t minute = MinuteOf(now);
  const auto is_over = [&](const File& file) {
    return file.listed.minutes.last + kSealAfterMinutes <= minute;
  };
  std::vector<File*> over;
  {
    MutexLock lock(&files_mu_);
    if (current_ != nullptr && is_over(*current_)) current_ = nullptr;
    for (File& file : files_) {
      if (&file != current_ && !file.listed.sealed && !file.unreadable &&
          file.appending == 0 && is_over(file)) {
        over.push_back(&file);
      }
    }
  }
  absl::Status first_error;
  for (File* const file : over) first_error.Update(Seal(*file, retention_of));
  first_error.Update(Forget(now, retention_of));
  return first_error;
}

absl::Status Ledger::Seal(File& file, const RetentionOf& retention_of) {
  // Nobody appends any more, and no other thread calls this.
  Manifest::File listed;
  {
    MutexLock lock(&files_mu_);
    listed = file.listed;
  }
  ASSIGN_OR_RETURN(const Sorted sorted,
                   SortJournal(PathOf(listed.journal_name())));
  SealedPeriod period;
  std::set<std::string> issuers;
  for (const auto& [where, digests] : sorted.digests) {
    SealedPeriod::Segment segment;
    segment.issuer = where.first;
    segment.minute = where.second;
    ASSIGN_OR_RETURN(segment.detect, FuseFilter8::Build(digests, random_));
    ASSIGN_OR_RETURN(segment.refuse, FuseFilter16::Build(digests, random_));
    issuers.insert(segment.issuer);
    period.segments.push_back(std::move(segment));
  }
  for (const auto& [where, issued] : sorted.counts) {
    period.counts.push_back(
        {.key = where.first, .minute = where.second, .issued = issued});
  }
  RETURN_IF_ERROR(WriteSegmentFile(PathOf(listed.segments_name()), period));
  const bool held =
      std::any_of(issuers.begin(), issuers.end(), [&](const auto& issuer) {
        return retention_of(IssuerId(issuer)).legal_hold;
      });
  {
    MutexLock lock(&files_mu_);
    file.listed.sealed = true;
    file.listed.journal_kept = held;
    if (absl::Status status = WriteManifestOf(); !status.ok()) {
      file.listed.sealed = file.listed.journal_kept = false;
      return status;
    }
    file.issuers = issuers;
    file.journal.reset();
  }
  for (SealedPeriod::Segment& segment : period.segments) {
    Of(IssuerId(segment.issuer))
        .segments()
        .Seal(segment.minute,
              {.file = listed.number,
               .filter = std::make_shared<const FuseFilter8>(
                   std::move(segment.detect))},
              sorted.digests.at({segment.issuer, segment.minute}));
  }
  if (!held) {
    std::error_code ignored;  // it is not on record any more
    std::filesystem::remove(PathOf(listed.journal_name()), ignored);
  }
  return absl::OkStatus();
}

bool Ledger::Outlived(const File& file, absl::Time now,
                      const RetentionOf& retention_of) const {
  if (&file == current_ || file.appending > 0) return false;
  const absl::Time last = TimeOfMinute(file.listed.minutes.last + 1);
  if (file.unreadable) return last + kUnreadableFor < now;
  if (!file.listed.sealed) return false;
  return std::all_of(
      file.issuers.begin(), file.issuers.end(), [&](const auto& issuer) {
        const Retention retention = retention_of(IssuerId(issuer));
        return !retention.legal_hold &&
               last + retention.longest_life + kMargin < now;
      });
}

absl::Status Ledger::Forget(absl::Time now, const RetentionOf& retention_of) {
  std::vector<IssuerSegments*> issuers;
  {
    MutexLock lock(&issuers_mu_);
    for (const auto& [id, issuer] : issuers_) issuers.push_back(issuer.get());
  }
  for (IssuerSegments* const issuer : issuers) {
    const Retention retention = retention_of(issuer->issuer());
    if (retention.legal_hold) continue;
    issuer->segments().ForgetBefore(
        MinuteOf(now - retention.longest_life - kMargin));
  }
  counts_.ForgetBefore(MinuteOf(now - kCountsKept));
  std::list<File> gone;
  MutexLock lock(&files_mu_);
  for (auto file = files_.begin(); file != files_.end();) {
    const auto next = std::next(file);
    if (Outlived(*file, now, retention_of)) {
      gone.splice(gone.end(), files_, file);
    }
    file = next;
  }
  if (gone.empty()) return absl::OkStatus();
  const Manifest before = manifest_;
  for (const File& file : gone) {
    const MinuteRange& minutes = file.listed.minutes;
    if (file.unreadable) manifest_.incomplete.push_back(minutes);
    for (const std::string& issuer : file.issuers) {
      uint32_t& bound = manifest_.forgotten[issuer];
      bound = std::max(bound, minutes.last + 1);
    }
  }
  // No token lives as long as that.
  const uint32_t stale = MinuteOf(now - kForgottenFor);
  std::erase_if(manifest_.forgotten,
                [&](const auto& entry) { return entry.second < stale; });
  std::erase_if(manifest_.incomplete,
                [&](const MinuteRange& range) { return range.last < stale; });
  if (absl::Status status = WriteManifestOf(); !status.ok()) {
    manifest_ = before;
    files_.splice(files_.begin(), gone);
    files_.sort([](const File& a, const File& b) {
      return a.listed.number < b.listed.number;
    });
    return status;
  }
  for (const File& file : gone) {
    refuse_filters_.Forget(file.listed.number);
    if (file.unreadable) continue;  // somebody may be able to
    std::error_code ignored;        // it is not on record any more
    std::filesystem::remove(PathOf(file.listed.journal_name()), ignored);
    std::filesystem::remove(PathOf(file.listed.segments_name()), ignored);
  }
  return absl::OkStatus();
}

}  // namespace warder::ledger
