// Ledger, as gateways are given of it: what lets them answer by themselves.
#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/crypto/digest.h"
#include "server/ledger/ledger.h"

namespace warder::ledger {
namespace {

// Of one call: a second, where a process reads them for the first time.
constexpr size_t kMostFiles = 100;

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

uint64_t Ledger::id() const { return ShortHmac(secret_, "warder ledger id"); }

SubjectSecret Ledger::SubjectSecretOf(const IssuerId& issuer) const {
  return SubjectSecret(crypto::HmacSha256(
      secret_, absl::StrCat("warder ledger subjects ", issuer.value())));
}

Handout Ledger::HandOut(const IssuerId& issuer, MinuteRange wanted,
                        std::span<const uint64_t> held, size_t most_bytes) {
  Handout handout;
  const absl::flat_hash_set<uint64_t> known(held.begin(), held.end());
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
                 !known.contains(file.listed.number)) {
        files.push_back({file.listed.number, file.listed.minutes});
      }
    }
  }
  // After the files were listed: of what was forgotten meanwhile nothing is
  // said.
  wanted.first =
      std::max({wanted.first, known_from_, Of(issuer).segments().first()});
  size_t bytes = 0, taken = 0;
  for (const Wanted& file : files) {
    if (bytes >= most_bytes || taken >= kMostFiles) {
      handout.more = true;
      break;
    }
    auto filters = refuse_filters_.Read(file.number, issuer);
    if (!filters.ok()) {
      holes.push_back(file.minutes);
      continue;
    }
    ++taken;
    for (auto& [minute, filter] : *filters) {
      bytes += filter.size();
      handout.segments.push_back(
          {.file = file.number, .minute = minute, .filter = std::move(filter)});
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
