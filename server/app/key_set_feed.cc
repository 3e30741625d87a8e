#include "server/app/key_set_feed.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/time_text.h"

namespace warder::app {

Watcher::Watcher(const Publisher& publisher, Clock& clock, GatewayPtr gateway,
                 std::map<std::string, std::string> known, bool quick,
                 std::function<void()> wake,
                 std::function<absl::Status()> check)
    : publisher_(publisher),
      clock_(clock),
      gateway_(std::move(gateway)),
      quick_(quick),
      heard_(clock.Uptime()),
      wake_(std::move(wake)),
      check_(std::move(check)) {
  for (const IssuerId& issuer : gateway_->issuers) {
    changed_.insert(issuer.value());
    // What it holds counts if it is what is published; else it is sent that.
    const SnapshotPtr snapshot = publisher_.Find(issuer.value());
    const auto held = known.find(issuer.value());
    if (snapshot == nullptr || held == known.end()) continue;
    std::string fingerprint = FingerprintOfSent(*snapshot);
    if (held->second != fingerprint) continue;
    sent_[issuer.value()] = {.fingerprint = std::move(fingerprint),
                             .revision = snapshot->revision};
  }
}

domain::IssuanceMode Watcher::ModeOf(const IssuerId& issuer) const {
  return domain::IssuanceModeOf(*gateway_, issuer);
}

std::string Watcher::FingerprintOfSent(const IssuerSnapshot& snapshot) const {
  const domain::IssuanceMode mode = ModeOf(snapshot.id);
  return absl::StrCat(FingerprintOf(snapshot, classic()),
                      mode == domain::IssuanceMode::kObserve ? "" : "/",
                      mode == domain::IssuanceMode::kObserve
                          ? ""
                          : domain::IssuanceModeName(mode));
}

bool Watcher::classic() const {
  return !domain::Reads(*gateway_, domain::Algorithm::kEdDsa);
}

std::optional<int64_t> Watcher::RevisionOf(
    const std::string& issuer, absl::string_view fingerprint) const {
  MutexLock lock(&mu_);
  const auto sent = sent_.find(issuer);
  if (sent == sent_.end() || sent->second.fingerprint != fingerprint) {
    return std::nullopt;
  }
  return sent->second.revision;
}

std::optional<Watcher::Message> Watcher::Begin() {
  MutexLock lock(&mu_);
  if (writing_ || closed_) return std::nullopt;
  while (!changed_.empty()) {
    const std::string issuer = *changed_.begin();
    changed_.erase(changed_.begin());
    SnapshotPtr snapshot = publisher_.Find(issuer);
    if (snapshot == nullptr) continue;
    std::string fingerprint = FingerprintOfSent(*snapshot);
    Sent& sent = sent_[issuer];
    if (sent.fingerprint == fingerprint) continue;
    sent = {.fingerprint = fingerprint, .revision = snapshot->revision};
    writing_ = true;
    writing_since_ = clock_.Uptime();
    const bool without_eddsa = classic() && !snapshot->classic_key_set.empty();
    const domain::IssuanceMode mode = ModeOf(snapshot->id);
    return Message{.key_set = std::move(snapshot),
                   .fingerprint = std::move(fingerprint),
                   .classic = without_eddsa,
                   .issuance_mode = mode,
                   .acknowledge_within = acknowledge_within_};
  }
  if (!heartbeat_) return std::nullopt;
  heartbeat_ = false;
  writing_ = true;
  writing_since_ = clock_.Uptime();
  return Message{.key_set = nullptr, .fingerprint = "", .current = true};
}

void Watcher::End() {
  MutexLock lock(&mu_);
  writing_ = false;
}

void Watcher::Heard() {
  MutexLock lock(&mu_);
  heard_ = clock_.Uptime();
}

bool Watcher::Close(const absl::Status& status) {
  MutexLock lock(&mu_);
  if (closed_) return false;
  closed_ = status;
  return !writing_;
}

std::optional<absl::Status> Watcher::closed() const {
  MutexLock lock(&mu_);
  return closed_;
}

absl::Duration Watcher::interval() const {
  return quick_ ? KeySetFeed::kQuickHeartbeat : KeySetFeed::kHeartbeat;
}

bool Watcher::writing() const {
  MutexLock lock(&mu_);
  return writing_;
}

void Watcher::Detach() {
  MutexLock lock(&wake_mu_);
  wake_ = nullptr;
  check_ = nullptr;
}

bool Watcher::MarkChanged(const std::string& issuer,
                          absl::Duration acknowledge_within) {
  MutexLock lock(&mu_);
  changed_.insert(issuer);
  acknowledge_within_ = acknowledge_within;
  return !writing_ && !closed_;
}

bool Watcher::MarkHeartbeat() {
  MutexLock lock(&mu_);
  heartbeat_ = true;
  return !writing_ && !closed_;
}

void Watcher::Wake() {
  MutexLock lock(&wake_mu_);
  if (wake_) wake_();
}

absl::Status Watcher::Health(absl::Duration now) {
  const absl::Duration bound = KeySetFeed::kSilence;
  {
    MutexLock lock(&mu_);
    const bool silent = now - heard_ > bound;
    const bool stuck = writing_ && now - writing_since_ > bound;
    if (silent || stuck) {
      return Error(absl::StatusCode::kDeadlineExceeded, Reason::kUnreachable,
                   absl::StrCat(silent ? "nothing was heard of it for "
                                       : "it has read nothing for ",
                                DurationText(bound), "; watch anew"));
    }
  }
  MutexLock lock(&wake_mu_);
  return check_ ? check_() : absl::OkStatus();
}

void KeySetFeed::Start() {
  thread_ = std::thread([this] { Run(); });
}

void KeySetFeed::Stop() {
  std::vector<WatcherPtr> all;
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    for (const Watchers& slot : slots_) {
      all.insert(all.end(), slot.begin(), slot.end());
    }
    all.insert(all.end(), quick_.begin(), quick_.end());
  }
  clock_.Notify();
  if (thread_.joinable()) thread_.join();
  for (const WatcherPtr& watcher : all) {
    if (watcher->Close(Error(absl::StatusCode::kUnavailable,
                             Reason::kUnreachable,
                             "warderd ends; watch anew"))) {
      watcher->Wake();
    }
  }
}

void KeySetFeed::Published(const IssuerId& issuer) {
  {
    MutexLock lock(&mu_);
    if (!by_issuer_.contains(issuer.value())) return;
    changed_.insert(issuer.value());
  }
  clock_.Notify();
}

WatcherPtr KeySetFeed::Make(GatewayPtr gateway,
                            std::map<std::string, std::string> known,
                            absl::Duration max_staleness,
                            std::function<void()> wake,
                            std::function<absl::Status()> check) const {
  const bool quick = max_staleness < kHeartbeat * 3;
  // Not make_shared: the constructor is private.
  return WatcherPtr(new Watcher(publisher_, clock_, std::move(gateway),
                                std::move(known), quick, std::move(wake),
                                std::move(check)));
}

absl::Status KeySetFeed::Watch(const WatcherPtr& watcher) {
  MutexLock lock(&mu_);
  if (stopping_ || count_ >= kMostWatchers) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 stopping_ ? "warderd ends; watch anew"
                           : absl::StrCat(kMostWatchers,
                                          " watch already; try again later"));
  }
  const std::string& gateway = watcher->gateway()->id.value();
  if (size_t& count = count_of_[gateway]; count < kMostWatchersOfOneGateway) {
    ++count;
  } else {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 absl::StrCat(kMostWatchersOfOneGateway, " streams of ",
                              GatewayName(watcher->gateway()->id),
                              " are there; do its processes begin new ones "
                              "without ending the old?"));
  }
  ++count_;
  PlaceOf(watcher).insert(watcher);
  for (const IssuerId& issuer : watcher->gateway()->issuers) {
    by_issuer_[issuer.value()].insert(watcher);
  }
  return absl::OkStatus();
}

KeySetFeed::Watchers& KeySetFeed::PlaceOf(const WatcherPtr& watcher) {
  if (watcher->quick_) return quick_;
  return slots_[absl::Hash<const void*>()(watcher.get()) % kSlots];
}

void KeySetFeed::Unwatch(const WatcherPtr& watcher) {
  watcher->Detach();
  MutexLock lock(&mu_);
  if (PlaceOf(watcher).erase(watcher) > 0) {
    --count_;
    const auto count = count_of_.find(watcher->gateway()->id.value());
    if (--count->second == 0) count_of_.erase(count);
  }
  for (const IssuerId& issuer : watcher->gateway()->issuers) {
    const auto it = by_issuer_.find(issuer.value());
    if (it == by_issuer_.end()) continue;
    it->second.erase(watcher);
    if (it->second.empty()) by_issuer_.erase(it);
  }
}

size_t KeySetFeed::size() const {
  MutexLock lock(&mu_);
  return count_;
}

void KeySetFeed::Tick() {
  const absl::Duration now = clock_.Uptime();
  std::vector<std::pair<WatcherPtr, std::string>> concerned;
  std::vector<WatcherPtr> beaten;
  {
    MutexLock lock(&mu_);
    for (const std::string& issuer : changed_) {
      const auto it = by_issuer_.find(issuer);
      if (it == by_issuer_.end()) continue;
      for (const WatcherPtr& watcher : it->second) {
        concerned.emplace_back(watcher, issuer);
      }
    }
    changed_.clear();
    if (now >= next_beat_) {
      next_beat_ = now + kHeartbeat / static_cast<int64_t>(kSlots);
      const Watchers& slot = slots_[next_slot_++ % kSlots];
      beaten.assign(slot.begin(), slot.end());
      beaten.insert(beaten.end(), quick_.begin(), quick_.end());
    }
  }
  const absl::Duration acknowledge_within =
      concerned.size() < kMany
          ? absl::ZeroDuration()
          : std::min(kForEach * static_cast<int64_t>(concerned.size()),
                     kLongestWait);
  for (const auto& [watcher, issuer] : concerned) {
    if (watcher->MarkChanged(issuer, acknowledge_within)) watcher->Wake();
  }
  for (const WatcherPtr& watcher : beaten) {
    if (const absl::Status health = watcher->Health(now); !health.ok()) {
      // Also while it writes: the write is what is stuck.
      watcher->Close(health);
      watcher->Wake();
    } else if (watcher->MarkHeartbeat()) {
      watcher->Wake();
    }
  }
}

void KeySetFeed::Run() {
  while (true) {
    Tick();
    MutexLock lock(&mu_);
    clock_.AwaitWithDeadline(
        &mu_,
        // Runs with mu_ held; the analysis does not see through the call.
        [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return stopping_ || !changed_.empty();
        },
        clock_.TimeNow() + kHeartbeat / static_cast<int64_t>(kSlots));
    if (stopping_) return;
  }
}

}  // namespace warder::app
