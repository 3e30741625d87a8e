// The record of every token that was issued.
//
//     Record ──> journal on the disk ──> segments in memory ──> the caller has
//                                                               his token
//     Check  ──> segments
//     Tick   ──> journals whose minutes are over become segment files; what
//                outlived its tokens is forgotten
//
// Only the service writes here: who holds a copy of a key makes perfect
// signatures, and no record. Doubt is said as doubt. A file that is missing or
// damaged makes its minutes INCOMPLETE: of those, absence proves nothing.
#ifndef WARDER_SERVER_LEDGER_LEDGER_H_
#define WARDER_SERVER_LEDGER_LEDGER_H_

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/ids.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/crypto/seal.h"
#include "server/ledger/issuer_segments.h"
#include "server/ledger/journal.h"
#include "server/ledger/key_counts.h"
#include "server/ledger/manifest.h"
#include "server/ledger/refuse_filters.h"
#include "server/ledger/segment_file.h"
#include "server/ledger/subject_set.h"

namespace warder::ledger {

enum class Verdict {
  kIssued,         // or, by mistake, of a sealed minute: Check, CheckDigest
  kNeverIssued,    // surely
  kIndeterminate,  // it cannot be said; Answer::why
};
// "ISSUED", "NEVER_ISSUED", "INDETERMINATE".
absl::string_view VerdictName(Verdict verdict);

struct Answer {
  Verdict verdict;
  absl::string_view why = {};  // of kIndeterminate, for people
};

// A token as it is about to be handed out.
struct Issuance {
  const IssuerId& issuer;
  const KeyId& key;
  absl::Time issue_time;            // its `iat`
  absl::string_view signing_input;  // `header.payload`
};

// What a gateway is given, to look for tokens by itself.
struct Handout {
  struct Segment {
    uint64_t file = 0;  // which it came from; a minute may be in several
    uint32_t minute = 0;
    std::string filter;  // FuseFilter16::Serialize
  };
  std::vector<Segment> segments;
  bool more = false;  // there are others: ask again with these held
  // Whoever holds all segments of these minutes knows of every token of theirs.
  // Empty while there is more.
  std::vector<MinuteRange> settled;
};

// For how long an issuer's tokens are judged.
struct Retention {
  absl::Duration longest_life;  // from `iat`, the tolerance of clocks included
  bool legal_hold = false;      // no file that knows of them is deleted
};

// Thread-safe.
class Ledger {
 public:
  using RetentionOf = std::function<Retention(const IssuerId& issuer)>;

  // Opens the directory, or makes it with a secret of its own, sealed by
  // `sealer`. Reads the list of files alone: call Load. Tokens issued before
  // `now` are not judged by a ledger that was just made; 1970: there were none.
  //   UNAVAILABLE STORE_UNAVAILABLE           it cannot be read, or made
  //   DATA_LOSS STORE_CORRUPT                 its manifest is damaged or gone
  //   FAILED_PRECONDITION KEY_ENCRYPTION_KEY  another key has sealed its secret
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(
      const std::string& directory, const crypto::Sealer& sealer,
      Random& random, absl::Time now);

  // Reads what former processes recorded; until then what is not found is
  // INDETERMINATE. Blocks for that: a second for a hundred million tokens in
  // segment files. A file that cannot be read is logged, and its minutes are
  // INCOMPLETE. Call once.
  void Load();

  // Returns OK once all of `issued` are on the disk; then Check finds them.
  // Blocks for one or two writes to the disk, and now and then, as once a
  // minute, for the making of a file and for Tick's writing of the manifest.
  // Where it fails no token of them may be handed out.
  //   INVALID_ARGUMENT               more than Journal::kMostOfOneWrite
  //   UNAVAILABLE STORE_UNAVAILABLE  the disk is full or gone
  absl::Status Record(std::span<const Issuance> issued);

  // Returns whether a token of this `iat` and signing input was issued; of a
  // sealed minute, 1 in 65,536 of those that were not is taken for issued.
  // Costs an HMAC of it, and of a sealed minute three reads of a file. Of
  // tokens from before `judged_from` only that they were: their records may be
  // gone, see Retention.
  Answer Check(const IssuerId& issuer, absl::Time issue_time,
               absl::string_view signing_input, absl::Time judged_from);
  // As Check, by what SecretOf makes of it, and with 1 mistake in 256: to
  // detect. Costs two look-ups.
  Answer CheckDigest(const IssuerId& issuer, uint32_t minute, uint64_t digest,
                     absl::Time judged_from);

  // Returns what is sealed of the issuer's tokens of `wanted` and is not in the
  // files that are `held`, until it is `most_bytes` or more. Blocks for the
  // reading of files.
  Handout HandOut(const IssuerId& issuer, MinuteRange wanted,
                  std::span<const uint64_t> held, size_t most_bytes);
  // Tells this ledger from another that was made in its place: files of the
  // same number are others then.
  uint64_t id() const;

  // Returns the secret of an issuer's digests in an hour since 1970.
  HourSecret SecretOf(const IssuerId& issuer, uint32_t hour) const;
  // Returns the secret of the digests of an issuer's subjects.
  SubjectSecret SubjectSecretOf(const IssuerId& issuer) const;

  // Returns how many tokens the key has signed with an `iat` in these minutes,
  // of the last day, and after a restart of those whose files are kept.
  uint64_t CountIssued(const IssuerId& issuer, const KeyId& key,
                       MinuteRange minutes) const;

  // Seals journals that are over, and forgets what has outlived its tokens.
  // Call every few seconds, by one thread. Blocks for the building of filters
  // and for the disk; Record waits for the manifest alone. Returns the first
  // error: what failed is as it was, and tried again by the next call.
  absl::Status Tick(absl::Time now, const RetentionOf& retention_of);

  // Returns whether Load has returned.
  bool loaded() const;
  // Returns whether every token of the issuer of these minutes is known: none
  // may be lacking, and none is forgotten.
  bool IsComplete(const IssuerId& issuer, MinuteRange minutes) const;

  struct Size {
    size_t tokens = 0;  // in memory
    size_t files = 0;
    size_t incomplete_minutes = 0;
  };
  Size size() const;

 private:
  // One file, and who appends to it.
  struct File {
    Manifest::File listed;
    std::unique_ptr<Journal> journal;  // of this process, unless it is sealed
    int appending = 0;
    bool unreadable = false;
    std::set<std::string> issuers;  // that it knows of, once it is closed
  };

  Ledger(std::string directory, std::string secret, Random& random,
         Manifest manifest);

  // Returns the segments of the issuer, made where there are none yet.
  IssuerSegments& Of(const IssuerId& issuer);

  // Returns the file that takes records of `minutes`, another one where the
  // current does not; give it back.
  absl::StatusOr<File*> Acquire(MinuteRange minutes);
  void GiveBack(File* file);
  absl::Status Roll(MinuteRange minutes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(files_mu_);
  absl::Status WriteManifestOf() ABSL_EXCLUSIVE_LOCKS_REQUIRED(files_mu_);
  std::string PathOf(absl::string_view name) const;

  // Each returns which issuers the file knows of.
  absl::StatusOr<std::set<std::string>> LoadFile(const Manifest::File& file);
  absl::StatusOr<std::set<std::string>> LoadJournal(const std::string& path);

  absl::Status Seal(File& file, const RetentionOf& retention_of);
  absl::Status Forget(absl::Time now, const RetentionOf& retention_of);
  // Returns whether nobody asks for anything that the file knows.
  bool Outlived(const File& file, absl::Time now,
                const RetentionOf& retention_of) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(files_mu_);
  bool MayLack(uint32_t minute) const;
  // Returns what it means that a token of the minute was not found.
  Answer Absent(const Segments& segments, uint32_t minute,
                absl::Time judged_from) const;
  // Returns whether filters of 8 bits alone have the digest: their mistake.
  bool IsMistaken(const IssuerId& issuer, uint32_t minute, uint64_t digest);

  const std::string directory_;
  const std::string secret_;
  Random& random_;
  const uint32_t known_from_;

  mutable Mutex issuers_mu_;
  absl::flat_hash_map<std::string, std::unique_ptr<IssuerSegments>> issuers_
      ABSL_GUARDED_BY(issuers_mu_);
  KeyCounts counts_;
  RefuseFilters refuse_filters_;

  mutable Mutex incomplete_mu_;
  bool loaded_ ABSL_GUARDED_BY(incomplete_mu_) = false;
  std::vector<MinuteRange> incomplete_ ABSL_GUARDED_BY(incomplete_mu_);

  mutable Mutex files_mu_;
  Manifest manifest_ ABSL_GUARDED_BY(files_mu_);  // `files` are in files_
  std::list<File> files_ ABSL_GUARDED_BY(files_mu_);
  File* current_ ABSL_GUARDED_BY(files_mu_) = nullptr;
};

}  // namespace warder::ledger

#endif  // WARDER_SERVER_LEDGER_LEDGER_H_
