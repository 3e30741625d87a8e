#include "server/ledger/ledger.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/base/atomic_file.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/ledger/byte_reader.h"

namespace warder::ledger {
namespace {

constexpr size_t kSecretBytes = 32;
// A journal takes records this much older than the one it was made for: reports
// come late, and clocks differ.
constexpr uint32_t kMinutesBack = 5;

constexpr absl::string_view kSecretBinding = "warder-ledger-secret-v1";

absl::string_view TextOf(const SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Returns the greatest number of a file's name, or 0.
uint64_t NewestFileIn(const std::string& directory) {
  uint64_t newest = 0;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, error)) {
    uint64_t number = 0;
    if (absl::SimpleAtoi(entry.path().stem().string(), &number)) {
      newest = std::max(newest, number);
    }
  }
  return newest;
}

absl::StatusOr<Manifest> NewManifest(const crypto::Sealer& sealer,
                                     Random& random, absl::Time now) {
  SecretBytes secret(kSecretBytes);
  random.Fill({secret.data(), secret.size()});
  Manifest manifest;
  ASSIGN_OR_RETURN(manifest.sealed_secret,
                   sealer.Seal(secret.span(), kSecretBinding));
  manifest.known_from = MinuteOf(now);
  // Of this minute there may be tokens that were signed before.
  if (manifest.known_from > 0) {
    manifest.incomplete.push_back({manifest.known_from, manifest.known_from});
  }
  return manifest;
}

}  // namespace

absl::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kIssued: return "ISSUED";
    case Verdict::kNeverIssued: return "NEVER_ISSUED";
    case Verdict::kIndeterminate: return "INDETERMINATE";
  }
  return "";
}

Ledger::Ledger(std::string directory, std::string secret, Random& random,
               Manifest manifest)
    : directory_(std::move(directory)),
      secret_(std::move(secret)),
      random_(random),
      known_from_(manifest.known_from),
      refuse_filters_(directory_),
      incomplete_(manifest.incomplete),
      manifest_(std::move(manifest)) {
  for (const Manifest::File& file : manifest_.files) {
    files_.emplace_back().listed = file;
  }
  // Before anybody asks: what was forgotten is not taken for a forgery.
  for (const auto& [issuer, minute] : manifest_.forgotten) {
    Of(IssuerId(issuer)).segments().ForgetBefore(minute);
  }
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(
    const std::string& directory, const crypto::Sealer& sealer, Random& random,
    absl::Time now) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all,
                                 error);
  }
  if (error) {
    return Error(
        absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
        absl::StrCat("cannot make ", directory, ": ", error.message()));
  }
  const std::string path = directory + "/manifest.json";
  Manifest manifest;
  if (std::ifstream in(path, std::ios::binary); in) {
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    auto read = ReadManifest(text);
    if (!read.ok()) {
      return WithContext(
          read.status(),
          absl::StrCat(path, " is damaged; restore it from a backup, or move ",
                       directory,
                       " away: tokens that were issued before are then "
                       "INDETERMINATE"));
    }
    manifest = *std::move(read);
  } else {
    std::filesystem::remove(path + ".new",
                            error);  // of a first start cut short
    if (!std::filesystem::is_empty(directory, error) || error) {
      return Damaged(absl::StrCat(
          path,
          " is gone, or cannot be read, and other files are there; "
          "restore it from a backup, or move ",
          directory, " away"));
    }
    ASSIGN_OR_RETURN(manifest, NewManifest(sealer, random, now));
    RETURN_IF_ERROR(
        WriteAtomically(path, WriteManifest(manifest), FileMode::kOwnerOnly));
  }
  if (const uint64_t newest = NewestFileIn(directory);
      newest >= manifest.next_number) {
    // It is older than what lies beside it: a copy that somebody put back.
    Log(LogLevel::kError, "ledger.manifest_is_old",
        {{"file", path},
         {"next",
          "tokens that were issued until now and are not found are "
          "INDETERMINATE"}});
    manifest.next_number = newest + 1;
    manifest.incomplete.push_back({manifest.known_from, MinuteOf(now)});
  }
  auto secret = sealer.Unseal(manifest.sealed_secret, kSecretBinding);
  if (!secret.ok()) return WithContext(secret.status(), path);
  return std::unique_ptr<Ledger>(new Ledger(
      directory, std::string(TextOf(*secret)), random, std::move(manifest)));
}

std::string Ledger::PathOf(absl::string_view name) const {
  return absl::StrCat(directory_, "/", name);
}

IssuerSegments& Ledger::Of(const IssuerId& issuer) {
  MutexLock lock(&issuers_mu_);
  std::unique_ptr<IssuerSegments>& found = issuers_[issuer.value()];
  if (found == nullptr) {
    found = std::make_unique<IssuerSegments>(issuer, secret_);
  }
  return *found;
}

void Ledger::Load() {
  std::vector<Manifest::File> files;
  {
    MutexLock lock(&files_mu_);
    for (const File& file : files_) {
      if (file.journal == nullptr) files.push_back(file.listed);
    }
  }
  for (const Manifest::File& file : files) {
    auto issuers = LoadFile(file);
    if (!issuers.ok()) {
      Log(LogLevel::kError, "ledger.file_unreadable",
          {{"error", std::string(issuers.status().message())},
           {"next",
            "tokens of its minutes that are not found are INDETERMINATE; "
            "restore it from a backup and restart"}});
      MutexLock lock(&incomplete_mu_);
      incomplete_.push_back(file.minutes);
    }
    MutexLock lock(&files_mu_);
    for (File& known : files_) {
      if (known.listed.number != file.number) continue;
      known.unreadable = !issuers.ok();
      if (issuers.ok()) known.issuers = *std::move(issuers);
      break;
    }
  }
  MutexLock lock(&incomplete_mu_);
  loaded_ = true;
}

absl::StatusOr<std::set<std::string>> Ledger::LoadFile(
    const Manifest::File& file) {
  if (!file.sealed) return LoadJournal(PathOf(file.journal_name()));
  auto period = ReadSegmentFile(PathOf(file.segments_name()));
  if (!period.ok()) {
    if (file.journal_kept) return LoadJournal(PathOf(file.journal_name()));
    return period.status();
  }
  std::set<std::string> issuers;
  for (SealedPeriod::Segment& segment : period->segments) {
    Of(IssuerId(segment.issuer))
        .segments()
        .Seal(segment.minute,
              {.file = file.number,
               .filter = std::make_shared<const FuseFilter8>(
                   std::move(segment.detect))},
              {});
    issuers.insert(segment.issuer);
  }
  for (const SealedPeriod::Count& count : period->counts) {
    counts_.Count(counts_.NumberOf(count.key), count.minute, count.issued);
  }
  return issuers;
}

absl::StatusOr<std::set<std::string>> Ledger::LoadJournal(
    const std::string& path) {
  struct Key {
    uint32_t number = 0;
    Segments* segments = nullptr;
  };
  std::set<std::string> issuers;
  absl::flat_hash_map<uint32_t, Key> keys;
  absl::Status unnamed;
  const auto summary = ReadJournal(
      path,
      [&](uint32_t number, absl::string_view name) {
        const std::string issuer = IssuerOfKeyName(name);
        issuers.insert(issuer);
        keys[number] = {.number = counts_.NumberOf(std::string(name)),
                        .segments = &Of(IssuerId(issuer)).segments()};
      },
      [&](const LedgerRecord& record) {
        const auto key = keys.find(record.key);
        if (key == keys.end()) {
          unnamed =
              Damaged(absl::StrCat(path, " does not name key ", record.key));
          return;
        }
        key->second.segments->Add(record.minute, record.digest);
        counts_.Count(key->second.number, record.minute, 1);
      });
  RETURN_IF_ERROR(summary.status());
  RETURN_IF_ERROR(unnamed);
  return issuers;
}

absl::Status Ledger::Record(std::span<const Issuance> issued) {
  if (issued.empty()) return absl::OkStatus();
  std::vector<LedgerRecord> records;
  std::vector<IssuerSegments*> issuers;
  records.reserve(issued.size());
  issuers.reserve(issued.size());
  MinuteRange minutes{std::numeric_limits<uint32_t>::max(), 0};
  for (const Issuance& token : issued) {
    IssuerSegments& issuer = Of(token.issuer);
    const uint32_t minute = MinuteOf(token.issue_time);
    minutes = {std::min(minutes.first, minute), std::max(minutes.last, minute)};
    records.push_back(
        {.minute = minute,
         .key = counts_.NumberOf(KeyName(token.issuer, token.key)),
         .digest = issuer.DigestOf(minute, token.signing_input)});
    issuers.push_back(&issuer);
  }
  ASSIGN_OR_RETURN(File* const file, Acquire(minutes));
  absl::Status written = file->journal->Append(records);
  if (written.ok()) {
    // Before the file may be sealed, and before anybody has the tokens.
    for (size_t i = 0; i < records.size(); ++i) {
      issuers[i]->segments().Add(records[i].minute, records[i].digest);
      counts_.Count(records[i].key, records[i].minute, 1);
    }
  }
  GiveBack(file);
  return written;
}

absl::StatusOr<Ledger::File*> Ledger::Acquire(MinuteRange minutes) {
  MutexLock lock(&files_mu_);
  if (current_ == nullptr || current_->journal->broken() ||
      !current_->listed.minutes.Contains(minutes.first) ||
      !current_->listed.minutes.Contains(minutes.last)) {
    RETURN_IF_ERROR(Roll(minutes));
  }
  ++current_->appending;
  return current_;
}

void Ledger::GiveBack(File* file) {
  MutexLock lock(&files_mu_);
  --file->appending;
}

absl::Status Ledger::Roll(MinuteRange minutes) {
  minutes.first -= std::min(minutes.first, kMinutesBack);
  File file;
  file.listed = {.number = manifest_.next_number, .minutes = minutes};
  ++manifest_.next_number;
  files_.push_back(std::move(file));
  // On record before it is there, and before it holds anything.
  absl::Status status = WriteManifestOf();
  if (status.ok()) {
    auto journal = Journal::Create(
        PathOf(files_.back().listed.journal_name()),
        [this](uint32_t number) { return counts_.NameOf(number); });
    if (journal.ok()) {
      files_.back().journal = *std::move(journal);
      current_ = &files_.back();
      return absl::OkStatus();
    }
    status = journal.status();
  }
  files_.pop_back();
  return WithContext(status,
                     "no token is signed until its record can be written");
}

absl::Status Ledger::WriteManifestOf() {
  manifest_.files.clear();
  for (const File& file : files_) manifest_.files.push_back(file.listed);
  return WriteAtomically(PathOf("manifest.json"), WriteManifest(manifest_),
                         FileMode::kOwnerOnly);
}

bool Ledger::MayLack(uint32_t minute) const {
  MutexLock lock(&incomplete_mu_);
  return !loaded_ || std::any_of(incomplete_.begin(), incomplete_.end(),
                                 [&](const MinuteRange& range) {
                                   return range.Contains(minute);
                                 });
}

Answer Ledger::Check(const IssuerId& issuer, absl::Time issue_time,
                     absl::string_view signing_input, absl::Time judged_from) {
  const uint32_t minute = MinuteOf(issue_time);
  IssuerSegments& tokens = Of(issuer);
  const uint64_t digest = tokens.DigestOf(minute, signing_input);
  const Answer answer = CheckDigest(issuer, minute, digest, judged_from);
  if (answer.verdict != Verdict::kIssued ||
      !IsMistaken(issuer, minute, digest)) {
    return answer;
  }
  const Answer absent = Absent(tokens.segments(), minute, judged_from);
  // What was read of the files between the two looks counts.
  const bool came = absent.verdict == Verdict::kNeverIssued &&
                    tokens.segments().Contains(minute, digest) &&
                    !IsMistaken(issuer, minute, digest);
  return came ? answer : absent;
}

bool Ledger::IsMistaken(const IssuerId& issuer, uint32_t minute,
                        uint64_t digest) {
  const std::vector<uint64_t> files =
      Of(issuer).segments().FilesWith(minute, digest);
  return !files.empty() &&
         std::none_of(files.begin(), files.end(), [&](uint64_t file) {
           // Who cannot look does not accuse.
           return refuse_filters_.Contains(file, issuer, minute, digest)
               .value_or(true);
         });
}

Answer Ledger::CheckDigest(const IssuerId& issuer, uint32_t minute,
                           uint64_t digest, absl::Time judged_from) {
  const Segments& segments = Of(issuer).segments();
  if (segments.Contains(minute, digest)) return {.verdict = Verdict::kIssued};
  const Answer absent = Absent(segments, minute, judged_from);
  // What was read of the files between the two looks counts.
  if (absent.verdict == Verdict::kNeverIssued &&
      segments.Contains(minute, digest)) {
    return {.verdict = Verdict::kIssued};
  }
  return absent;
}

Answer Ledger::Absent(const Segments& segments, uint32_t minute,
                      absl::Time judged_from) const {
  // After the look: what is forgotten meanwhile is not taken for a forgery.
  if (minute < std::max(known_from_, MinuteOf(judged_from)) ||
      minute < segments.first()) {
    return {.verdict = Verdict::kIndeterminate,
            .why = "its iat is earlier than what the ledger knows"};
  }
  if (MayLack(minute)) {
    return {.verdict = Verdict::kIndeterminate,
            .why = "the ledger may lack some of the minute of its iat"};
  }
  return {.verdict = Verdict::kNeverIssued};
}

HourSecret Ledger::SecretOf(const IssuerId& issuer, uint32_t hour) const {
  return HourSecret(secret_, issuer, hour);
}

uint64_t Ledger::CountIssued(const IssuerId& issuer, const KeyId& key,
                             MinuteRange minutes) const {
  return counts_.Issued(KeyName(issuer, key), minutes);
}

bool Ledger::loaded() const {
  MutexLock lock(&incomplete_mu_);
  return loaded_;
}

bool Ledger::IsComplete(const IssuerId& issuer, MinuteRange minutes) const {
  if (minutes.first < known_from_) return false;
  {
    MutexLock lock(&issuers_mu_);
    const auto it = issuers_.find(issuer.value());
    if (it != issuers_.end() &&
        minutes.first < it->second->segments().first()) {
      return false;
    }
  }
  MutexLock lock(&incomplete_mu_);
  return loaded_ && std::none_of(incomplete_.begin(), incomplete_.end(),
                                 [&](const MinuteRange& range) {
                                   return range.first <= minutes.last &&
                                          minutes.first <= range.last;
                                 });
}

Ledger::Size Ledger::size() const {
  Size size;
  {
    MutexLock lock(&issuers_mu_);
    for (const auto& [id, issuer] : issuers_) {
      size.tokens += issuer->segments().size();
    }
  }
  {
    MutexLock lock(&incomplete_mu_);
    for (const MinuteRange& range : incomplete_) {
      size.incomplete_minutes += range.last - range.first + 1;
    }
  }
  MutexLock lock(&files_mu_);
  size.files = files_.size();
  return size;
}

}  // namespace warder::ledger
