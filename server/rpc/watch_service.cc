#include "server/rpc/watch_service.h"

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

// Each process may come back before its former stream is known to be dead.
static_assert(app::KeySetFeed::kMostWatchersOfOneGateway >=
              2 * app::StreamInstances::kMostOfOneGateway);

constexpr char kMethod[] = "warder.v1.WatchService/WatchKeySets";

// What the first request says.
struct Hello {
  app::Caller caller;
  app::GatewayPtr gateway;
  std::string instance;
  std::map<std::string, std::string> known;  // fingerprints, by issuer
  absl::Duration max_staleness;
};

// Deletes itself when the stream is over.
//
// Reads and writes run beside each other, each one at a time: gRPC calls
// OnReadDone for one read after the other, and Watcher::Begin gives one writer
// the turn. The feed's thread enters by Pump.
class WatchReactor final
    : public grpc::ServerBidiReactor<v1::WatchKeySetsRequest,
                                     v1::WatchKeySetsResponse> {
 public:
  WatchReactor(const WatchContext& context, grpc::CallbackServerContext* call)
      : context_(context), call_(call) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(absl::OkStatus());
    absl::Status status = watcher_ == nullptr ? Open() : Note(request_);
    if (!status.ok()) return End(status);
    if (request_.leaving()) {
      leaving_ = true;
      return End(absl::OkStatus());
    }
    StartRead(&request_);
    Pump();
  }

  void OnWriteDone(bool ok) override {
    watcher_->End();
    if (const auto closed = watcher_->closed()) return Conclude(*closed);
    if (!ok) return End(absl::OkStatus());
    Pump();
  }

  // The read that waits ends with it.
  void OnCancel() override {}

  void OnDone() override {
    if (watcher_ != nullptr) {
      context_.feed.Unwatch(watcher_);
      context_.instances.Disconnect(stream_, leaving_);
    }
    delete this;
  }

 private:
  absl::Status Open() {
    ASSIGN_OR_RETURN(hello_, ReadHello());
    ASSIGN_OR_RETURN(
        stream_, context_.instances.Connect(*hello_.gateway, hello_.instance,
                                            hello_.max_staleness));
    watcher_ = context_.feed.Make(
        hello_.gateway, hello_.known, hello_.max_staleness, [this] { Pump(); },
        [this] { return MayGoOn(); });
    RETURN_IF_ERROR(context_.feed.Watch(watcher_));
    return Note(request_);
  }

  absl::StatusOr<Hello> ReadHello() {
    Hello hello;
    auto caller = CallerOf(*call_);
    if (!caller.ok()) {
      context_.shared.runner.DeniedStranger(kMethod, caller.status());
      return caller.status();
    }
    hello.caller = *std::move(caller);
    const GatewayId id(hello.caller.name);
    app::Request call;
    call.caller = hello.caller;
    call.method = kMethod;
    RETURN_IF_ERROR(
        context_.shared.runner
            .Authorize(call, app::Permission::kWatchKeySets, GatewayName(id))
            .status());
    hello.gateway = context_.directory.Find(id.value());
    if (hello.gateway == nullptr) {
      return Precondition(
          Reason::kWrongState,
          absl::StrCat(GatewayName(id),
                       " is not registered; somebody in security runs: "
                       "warder gateway create ",
                       id.value(),
                       " --kind KIND --reach stream "
                       "--issuer ISSUER"));
    }
    if (hello.gateway->reach != domain::Reach::kStream) {
      return Precondition(
          Reason::kWrongState,
          absl::StrCat(GatewayName(id),
                       " is not registered as one that watches; somebody in "
                       "security runs: warder gateway update ",
                       id.value(), " --reach stream"));
    }
    ASSIGN_OR_RETURN(const std::string instance,
                     app::ParseCallerName("instance", request_.instance()));
    ASSIGN_OR_RETURN(
        const std::string incarnation,
        app::ParseCallerName("incarnation", request_.incarnation()));
    hello.instance = absl::StrCat(instance, "/", incarnation);
    for (int i = 0; i < request_.held_size(); ++i) {
      ASSIGN_OR_RETURN(const auto issuer,
                       ParseIssuerName(absl::StrCat("held[", i, "].issuer"),
                                       request_.held(i).issuer()));
      hello.known[issuer.value()] = request_.held(i).fingerprint();
    }
    ASSIGN_OR_RETURN(hello.max_staleness,
                     FromProto("max_staleness", request_.max_staleness()));
    if (hello.max_staleness <= absl::ZeroDuration() ||
        hello.max_staleness > app::StreamInstances::kServesStaleFor) {
      return FieldError("max_staleness",
                        absl::StrCat(DurationText(hello.max_staleness),
                                     "; more than 0s and at most 24h is "
                                     "taken: it refuses when cut off for "
                                     "longer"));
    }
    if (request_.serves_stale()) {
      hello.max_staleness = app::StreamInstances::kServesStaleFor;
    }
    return hello;
  }

  absl::Status Note(const v1::WatchKeySetsRequest& request) {
    watcher_->Heard();
    answers_ = request.sequence();
    RETURN_IF_ERROR(context_.instances.Heard(stream_));
    for (int i = 0; i < request.held_size(); ++i) {
      const v1::WatchKeySetsRequest::Held& held = request.held(i);
      ASSIGN_OR_RETURN(
          const auto issuer,
          ParseIssuerName(absl::StrCat("held[", i, "].issuer"), held.issuer()));
      // Of anything but what it was sent last it is not known what it is.
      const auto revision =
          watcher_->RevisionOf(issuer.value(), held.fingerprint());
      if (!revision) continue;
      context_.instances.Acknowledge(stream_, issuer, *revision);
    }
    return absl::OkStatus();
  }

  absl::Status MayGoOn() const {
    RETURN_IF_ERROR(context_.shared.runner.RefuseUntrusted(hello_.caller));
    const app::GatewayPtr now =
        context_.directory.Find(hello_.gateway->id.value());
    if (now != nullptr && now->rev == hello_.gateway->rev &&
        now->create_time == hello_.gateway->create_time) {
      return absl::OkStatus();
    }
    return Error(
        absl::StatusCode::kAborted, Reason::kConflict,
        absl::StrCat("the registration of ", GatewayName(hello_.gateway->id),
                     " changed; watch anew"));
  }

  // Writes what waits, or ends what was closed.
  void Pump() {
    if (watcher_ == nullptr) return;
    if (const auto closed = watcher_->closed()) return Conclude(*closed);
    // Before what is said: it was so then or later.
    const int64_t answers = answers_;
    const auto message = watcher_->Begin();
    if (!message) return;
    response_.Clear();
    if (message->key_set != nullptr) {
      const app::IssuerSnapshot& set = *message->key_set;
      v1::PublishedKeySet& out = *response_.mutable_key_set();
      out.set_issuer(IssuerName(set.id));
      out.set_issuer_uri(set.issuer_uri);
      out.set_revision(set.revision);
      out.set_fingerprint(message->fingerprint);
      out.set_drill(set.drill);
      for (const KeyId& id : set.ledger_asked) {
        out.add_ledger_asked_kids(id.value());
      }
      for (const KeyId& id : set.ledger_required) {
        out.add_ledger_required_kids(id.value());
      }
      out.set_issuance_mode(ToProto(message->issuance_mode));
      out.set_jwks(message->classic ? set.classic_key_set : set.key_set);
      ToProto(set.max_token_lifetime, out.mutable_max_token_lifetime());
      if (message->acknowledge_within > absl::ZeroDuration()) {
        ToProto(message->acknowledge_within, out.mutable_acknowledge_within());
      }
    } else {
      v1::Heartbeat& out = *response_.mutable_heartbeat();
      ToProto(context_.shared.runner.clock().TimeNow(), out.mutable_time());
      ToProto(watcher_->interval(), out.mutable_interval());
      out.set_current(message->current);
      out.set_answers(answers);
      for (const IssuerId& issuer : hello_.gateway->issuers) {
        out.add_issuers(IssuerName(issuer));
      }
    }
    StartWrite(&response_);
  }

  void End(const absl::Status& status) {
    if (watcher_ == nullptr) return Conclude(status);
    if (watcher_->Close(status)) Conclude(status);
  }

  // Finishes the stream, once. A write that hangs is cancelled and leads here
  // again.
  void Conclude(const absl::Status& status) {
    if (watcher_ != nullptr && watcher_->writing()) return call_->TryCancel();
    if (!finished_.exchange(true)) Finish(ToGrpc(status));
  }

  const WatchContext& context_;
  grpc::CallbackServerContext* const call_;
  v1::WatchKeySetsRequest request_;
  v1::WatchKeySetsResponse response_;
  Hello hello_;
  app::StreamInstances::Stream stream_;
  app::WatcherPtr watcher_;
  bool leaving_ = false;
  std::atomic<int64_t> answers_ = 0;  // the newest sequence that was read
  std::atomic<bool> finished_ = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::WatchKeySetsRequest, v1::WatchKeySetsResponse>*
WatchService::WatchKeySets(grpc::CallbackServerContext* context) {
  return new WatchReactor(context_, context);
}

}  // namespace warder::rpc
