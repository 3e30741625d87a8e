// Ledger, as gateways are given of it: what lets them answer by themselves.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/base/little_endian.h"
#include "server/base/log.h"
#include "server/crypto/digest.h"
#include "server/ledger/ledger.h"

namespace warder::ledger {
namespace {

// Returns `ranges` without the minutes of `hole`.
std::vector<MinuteRange> Without(const std::vector<MinuteRange>& ranges,
                                 const MinuteRange& hole) {
  std::vector<MinuteRange> rest;
  for (const MinuteRange& range : ranges) {
    if (hole.last < range.first || range.last < hole.first) {
      rest.push_back(range);
      continue;
    }
    if (range.first < hole.first) {
      rest.push_back({range.first, hole.first - 1});
    }
    if (hole.last < range.last) rest.push_back({hole.last + 1, range.last});
  }
  return rest;
}

}  // namespace

uint64_t Ledger::id() const {
  return ReadLittleEndian(
      crypto::HmacSha256(secret_, "warder ledger id").substr(0, 8));
}

SubjectSecret Ledger::SubjectSecretOf(const IssuerId& issuer) const {
  return SubjectSecret(crypto::HmacSha256(
      secret_, absl::StrCat("warder ledger subjects ", issuer.value())));
}

Handout Ledger::HandOut(const IssuerId& issuer, MinuteRange wanted,
                        std::span<const uint64_t> held, size_t most_bytes) {
  Handout handout;
  // Before the files are looked at: what is forgotten meanwhile is not said to
  // be known.
  wanted.first =
      std::max({wanted.first, known_from_, Of(issuer).segments().first()});
  struct Wanted {
    uint64_t number;
    MinuteRange minutes;
  };
  std::vector<Wanted> files;
  std::vector<MinuteRange> holes;
  {
    MutexLock lock(&files_mu_);
    for (const File& file : files_) {
      if (!file.listed.sealed || file.unreadable) {
        holes.push_back(file.listed.minutes);
      } else if (file.issuers.contains(issuer.value()) &&
                 wanted.first <= file.listed.minutes.last &&
                 std::find(held.begin(), held.end(), file.listed.number) ==
                     held.end()) {
        files.push_back({file.listed.number, file.listed.minutes});
      }
    }
  }
  size_t bytes = 0;
  for (const Wanted& file : files) {
    if (bytes >= most_bytes) {
      handout.more = true;
      break;
    }
    const auto filters = refuse_filters_.Of(file.number);
    if (!filters.ok()) {
      Log(LogLevel::kError, "ledger.file_unreadable",
          {{"error", std::string(filters.status().message())},
           {"next",
            "gateways ask the server for its minutes; restore it from a "
            "backup and restart"}});
      holes.push_back(file.minutes);
      continue;
    }
    for (const auto& [where, filter] : **filters) {
      if (where.first != issuer.value()) continue;
      handout.segments.push_back({.file = file.number,
                                  .minute = where.second,
                                  .filter = filter.Serialize()});
      bytes += handout.segments.back().filter.size();
    }
  }
  // As long as any is on its way, nobody knows that a token is in none.
  if (handout.more || wanted.last < wanted.first) return handout;
  handout.settled = {wanted};
  for (const MinuteRange& hole : holes) {
    handout.settled = Without(handout.settled, hole);
  }
  MutexLock lock(&incomplete_mu_);
  if (!loaded_) handout.settled.clear();
  for (const MinuteRange& range : incomplete_) {
    handout.settled = Without(handout.settled, range);
  }
  return handout;
}

}  // namespace warder::ledger
