#include "client/watch.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <algorithm>
#include <utility>

#include "client/status_convert.h"
#include "server/base/error.h"
#include "warder/v1/watch.grpc.pb.h"

namespace warder::client {
namespace {

// As WatchService.WatchKeySets says.
constexpr absl::Duration kSilence = absl::Seconds(30);
constexpr absl::Duration kLook = absl::Seconds(1);
// Whatever the server allows, it is acknowledged by then.
constexpr absl::Duration kLatestWord = absl::Seconds(10);

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

}  // namespace

// What streams and their owner share.
struct KeySetWatcher::Shared {
  Shared(std::shared_ptr<grpc::Channel> over, KeySetSink& to, Clock& by,
         Random& chance, WatchOptions how)
      : stub(v1::WatchService::NewStub(std::move(over))),
        sink(to),
        clock(by),
        random(chance),
        options(WithIncarnation(std::move(how), chance)) {}

  static WatchOptions WithIncarnation(WatchOptions options, Random& chance) {
    if (options.incarnation.empty()) options.incarnation = RandomUuid(chance);
    return options;
  }

  // Returns a pause of `longest` or less, and more than half of it.
  absl::Duration WithChance(absl::Duration longest) {
    uint8_t byte = 0;
    random.Fill({&byte, 1});
    return longest / 2 + longest * (byte / 512.0);
  }

  const std::unique_ptr<v1::WatchService::Stub> stub;
  KeySetSink& sink;
  Clock& clock;
  Random& random;
  const WatchOptions options;

  mutable Mutex mu;
  Stream* stream ABSL_GUARDED_BY(mu) = nullptr;  // the one that goes on
  // Streams that are not deleted yet. What they hold of the channel must go
  // before the channel does: gRPC's own threads cannot end it.
  int streams ABSL_GUARDED_BY(mu) = 0;
  bool stopping ABSL_GUARDED_BY(mu) = false;
  bool look ABSL_GUARDED_BY(mu) = false;     // Tick is due before it said
  absl::Duration heard ABSL_GUARDED_BY(mu);  // uptime
  absl::Duration pause ABSL_GUARDED_BY(mu) = absl::ZeroDuration();
  absl::Duration connect_at ABSL_GUARDED_BY(mu) = absl::ZeroDuration();
  WatchStatus status ABSL_GUARDED_BY(mu);
};

// One call. Deletes itself when it is over. Reads follow one another; a write
// waits for the one before.
class KeySetWatcher::Stream final
    : public grpc::ClientBidiReactor<v1::WatchKeySetsRequest,
                                     v1::WatchKeySetsResponse> {
 public:
  explicit Stream(Shared& shared) : shared_(shared) {}

  void Begin() {
    const WatchOptions& options = shared_.options;
    {
      MutexLock lock(&mu_);
      waiting_.set_instance(options.instance);
      waiting_.set_incarnation(options.incarnation);
      waiting_.set_serves_stale(options.serve_stale);
      waiting_.mutable_max_staleness()->set_seconds(absl::ToInt64Seconds(
          absl::Ceil(options.max_staleness, absl::Seconds(1))));
      for (const auto& [issuer, fingerprint] : shared_.sink.Held()) {
        AddHeld(issuer, fingerprint);
      }
      due_ = true;
    }
    shared_.stub->async()->WatchKeySets(&context_, this);
    // Writes begin outside of the reactor's own calls, too.
    AddHold();
    StartRead(&response_);
    Write();
    StartCall();
  }

  // The process ends: says so, and no more.
  void Leave() {
    {
      MutexLock lock(&mu_);
      waiting_.set_leaving(true);
      due_ = true;
    }
    Write();
  }
  void Cancel() { context_.TryCancel(); }

  // Acknowledges what waited until `now`. Returns when there is more to, as
  // uptime.
  absl::Duration WriteWhatIsDue(absl::Duration now) {
    {
      MutexLock lock(&mu_);
      if (due_at_ > now) return due_at_;
      due_at_ = absl::InfiniteDuration();
      due_ = true;
    }
    Write();
    return absl::InfiniteDuration();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Release();
    {
      MutexLock lock(&shared_.mu);
      shared_.heard = shared_.clock.Uptime();
      shared_.status.connected = true;
      shared_.pause = absl::ZeroDuration();
    }
    if (failed_) {
      // What follows a set that was not taken confirms nothing.
    } else if (const absl::Status status = Take(); !status.ok()) {
      failed_ = true;
      {
        MutexLock lock(&shared_.mu);
        shared_.status.last_error = status;
      }
      Cancel();
    }
    StartRead(&response_);
    Write();
    if (IsDueLater()) {
      {
        MutexLock lock(&shared_.mu);
        shared_.look = true;
      }
      shared_.clock.Notify();
    }
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(&mu_);
      writing_ = false;
      if (!ok) closed_ = true;
    }
    Write();
  }

  void OnDone(const grpc::Status& status) override {
    Shared& shared = shared_;
    Clock& clock = shared.clock;
    {
      MutexLock lock(&shared.mu);
      if (shared.stream == this) shared.stream = nullptr;
      shared.status.connected = false;
      if (!status.ok() && status.error_code() != grpc::CANCELLED) {
        shared.status.last_error = FromGrpc(status);
      }
      const absl::Duration longer =
          std::clamp(shared.pause * 2, shared.options.first_pause,
                     shared.options.longest_pause);
      shared.pause = longer;
      shared.connect_at = clock.Uptime() + shared.WithChance(longer);
    }
    delete this;
    {
      MutexLock lock(&shared.mu);
      --shared.streams;
      clock.Notify();  // Stop returns, and all may go, once this is unlocked
    }
  }

 private:
  void AddHeld(const std::string& issuer, const std::string& fingerprint)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    v1::WatchKeySetsRequest::Held& held = *waiting_.add_held();
    held.set_issuer(issuer);
    held.set_fingerprint(fingerprint);
  }

  bool IsDueLater() {
    MutexLock lock(&mu_);
    return due_at_ < absl::InfiniteDuration();
  }

  // Returns how long ago the request that is answered was sent: what lay in a
  // buffer meanwhile is no news. Infinite for one that was never sent.
  absl::Duration AgeOf(int64_t answers) {
    MutexLock lock(&mu_);
    const auto sent = sent_.find(answers);
    if (sent == sent_.end()) return absl::InfiniteDuration();
    const absl::Duration age = shared_.clock.Uptime() - sent->second;
    sent_.erase(sent_.begin(), sent);
    return age;
  }

  // Enforces what came and gathers what is to be acknowledged.
  absl::Status Take() {
    if (response_.has_key_set()) {
      const v1::PublishedKeySet& set = response_.key_set();
      const absl::Status applied = shared_.sink.Apply(
          {.issuer = set.issuer(),
           .issuer_uri = set.issuer_uri(),
           .revision = set.revision(),
           .jwks = set.jwks(),
           .max_token_lifetime = FromProto(set.max_token_lifetime()),
           .fingerprint = set.fingerprint(),
           .drill = set.drill(),
           .ledger_required = {set.ledger_required_kids().begin(),
                               set.ledger_required_kids().end()},
           .ledger_asked = {set.ledger_asked_kids().begin(),
                            set.ledger_asked_kids().end()},
           .issuance_mode =
               IssuanceModeNamed(v1::IssuanceMode_Name(set.issuance_mode()))});
      if (!applied.ok()) return applied;
      const absl::Duration within = FromProto(set.acknowledge_within());
      MutexLock lock(&mu_);
      AddHeld(set.issuer(), set.fingerprint());
      if (within > absl::ZeroDuration()) {
        // Others are still to be told what this one knows.
        due_at_ = std::min(
            due_at_, shared_.clock.Uptime() +
                         shared_.WithChance(std::min(within, kLatestWord)));
      } else {
        due_ = true;
      }
    } else if (response_.has_heartbeat()) {
      const v1::Heartbeat& beat = response_.heartbeat();
      const absl::Duration age = AgeOf(beat.answers());
      if (beat.current() && age < absl::InfiniteDuration()) {
        shared_.sink.Confirm({beat.issuers().begin(), beat.issuers().end()},
                             age);
      }
      MutexLock lock(&mu_);
      due_ = true;
    }
    return absl::OkStatus();
  }

  void Write() {
    // Held while the write begins: after Release none does.
    MutexLock lock(&mu_);
    if (writing_ || closed_ || !due_) return;
    writing_ = true;
    due_ = false;
    due_at_ = absl::InfiniteDuration();
    request_.Swap(&waiting_);
    waiting_.Clear();
    request_.set_sequence(++sequence_);
    sent_[sequence_] = shared_.clock.Uptime();
    StartWrite(&request_);
  }

  // No write begins from here on.
  void Release() {
    bool first = false;
    {
      MutexLock lock(&mu_);
      first = !released_;
      released_ = closed_ = true;
    }
    if (first) RemoveHold();
  }

  Shared& shared_;
  grpc::ClientContext context_;
  v1::WatchKeySetsResponse response_;
  bool failed_ = false;              // used by reads alone
  v1::WatchKeySetsRequest request_;  // being written

  Mutex mu_;
  v1::WatchKeySetsRequest waiting_ ABSL_GUARDED_BY(mu_);
  int64_t sequence_ ABSL_GUARDED_BY(mu_) = 0;
  // When requests were sent, from the last one that was answered on.
  std::map<int64_t, absl::Duration> sent_ ABSL_GUARDED_BY(mu_);  // uptime
  bool due_ ABSL_GUARDED_BY(mu_) = false;
  // Uptime. What is acknowledged later is due then.
  absl::Duration due_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool released_ ABSL_GUARDED_BY(mu_) = false;
};

KeySetWatcher::KeySetWatcher(std::shared_ptr<grpc::Channel> channel,
                             KeySetSink& sink, Clock& clock, Random& random,
                             WatchOptions options)
    : shared_(std::make_unique<Shared>(std::move(channel), sink, clock, random,
                                       std::move(options))) {}

KeySetWatcher::~KeySetWatcher() { Stop(); }

void KeySetWatcher::Start() {
  thread_ = std::thread([this] { Run(); });
}

void KeySetWatcher::Stop() {
  Shared& s = *shared_;
  {
    MutexLock lock(&s.mu);
    s.stopping = true;
  }
  s.clock.Notify();
  if (thread_.joinable()) thread_.join();
  MutexLock lock(&s.mu);
  // OnDone, which deletes it, waits for the lock.
  if (s.stream != nullptr) {
    if (s.options.comes_back) {
      s.stream->Cancel();
    } else {
      s.stream->Leave();
    }
  }
  // The server ends the stream when it has read that; it is given a moment.
  const auto over = [&s]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return s.streams == 0;
  };
  s.clock.AwaitWithDeadline(&s.mu, over,
                            s.clock.TimeNow() + absl::Milliseconds(500));
  if (s.stream != nullptr) s.stream->Cancel();
  s.clock.AwaitWithDeadline(&s.mu, over, absl::InfiniteFuture());
}

absl::Duration KeySetWatcher::Tick() {
  Shared& s = *shared_;
  const absl::Duration now = s.clock.Uptime();
  Stream* fresh = nullptr;
  {
    MutexLock lock(&s.mu);
    if (s.stopping) return absl::InfiniteDuration();
    if (s.stream != nullptr) {
      if (now - s.heard > kSilence) s.stream->Cancel();
      // OnDone, which deletes it, waits for the lock.
      return std::min(now + kLook, s.stream->WriteWhatIsDue(now));
    }
    if (now < s.connect_at) return s.connect_at;
    fresh = s.stream = new Stream(s);
    ++s.streams;
    s.heard = now;
    ++s.status.streams;
  }
  // Nobody deletes it before it has begun.
  fresh->Begin();
  return now + kLook;
}

void KeySetWatcher::Run() {
  Shared& s = *shared_;
  while (true) {
    const absl::Duration next = Tick();
    MutexLock lock(&s.mu);
    if (s.stopping) return;
    const absl::Duration wait = next - s.clock.Uptime();
    s.clock.AwaitWithDeadline(
        &s.mu,
        [&s]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return s.stopping || s.look; },
        s.clock.TimeNow() + std::clamp(wait, absl::Milliseconds(1), kLook));
    if (s.stopping) return;
    s.look = false;
  }
}

WatchStatus KeySetWatcher::status() const {
  MutexLock lock(&shared_->mu);
  return shared_->status;
}

}  // namespace warder::client
