#include "server/app/event_intake.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/app/subject_identifier.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

constexpr char kRisc[] = "https://schemas.openid.net/secevent/risc/event-type/";
constexpr char kVerification[] =
    "https://schemas.openid.net/secevent/ssf/event-type/verification";
// A key set is fetched again after this long, so that a key its owner dropped
// is believed no longer; and at once for an unknown key, but not more often.
constexpr absl::Duration kFreshFor = absl::Hours(1);
constexpr absl::Duration kFetchPause = absl::Minutes(1);
constexpr absl::Duration kFetchWait = absl::Seconds(1);

std::string TransmitterName(const std::string& feed) {
  return absl::StrCat("transmitters/", feed.substr(0, 64));
}

absl::Status CheckText(absl::string_view field, absl::string_view text) {
  if (!text.empty() && text.size() <= 512) return absl::OkStatus();
  return FieldError(field, "1 to 512 bytes are wanted");
}

// Seconds since 1970 in a claim; nullopt where it is absent or no such number.
std::optional<absl::Time> TimeClaim(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!(seconds > 0) || seconds > 1e11) return std::nullopt;
  return absl::FromUnixSeconds(static_cast<int64_t>(seconds));
}

}  // namespace

absl::StatusOr<std::string> EventIntake::Fetch(const std::string& jwks_url) {
  ASSIGN_OR_RETURN(HttpReply reply, http_.Get(jwks_url));
  if (reply.status != 200) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 absl::StrCat(jwks_url, " answered ", reply.status));
  }
  RETURN_IF_ERROR(verifier_.CheckKeySet("jwks_url", reply.body));
  return std::move(reply.body);
}

absl::StatusOr<domain::Transmitter> EventIntake::Create(
    const Request& request, const CreateTransmitterCommand& command) {
  const std::string name = TransmitterName(command.id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, name).status());
  RETURN_IF_ERROR(ParseCallerName("transmitter_id", command.id).status());
  RETURN_IF_ERROR(CheckText("issuer", command.issuer));
  RETURN_IF_ERROR(CheckText("audience", command.audience));
  if (command.jwks_url.empty() == command.jwks.empty()) {
    return FieldError("jwks_url", "either it or jwks is wanted");
  }
  domain::Transmitter made{.id = command.id,
                           .issuer = command.issuer,
                           .audience = command.audience,
                           .jwks_url = command.jwks_url,
                           .jwks = command.jwks,
                           .fetch_time = runner_.clock().TimeNow(),
                           .created_by = request.caller.Principal(),
                           .create_time = absl::Time()};
  if (made.jwks_url.empty()) {
    RETURN_IF_ERROR(verifier_.CheckKeySet("jwks", made.jwks));
  } else {
    RETURN_IF_ERROR(CheckUrl("jwks_url", made.jwks_url));
    ASSIGN_OR_RETURN(made.jwks, Fetch(made.jwks_url));
  }
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(const auto known,
                         change.txn().FindTransmitter(made.id));
        if (known) {
          return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                       absl::StrCat(name, " already exists; delete it first"));
        }
        made.create_time = change.now();
        RETURN_IF_ERROR(change.txn().PutTransmitter(made));
        change.Record("transmitter.created", name,
                      WriteJson({{"issuer", made.issuer},
                                 {"audience", made.audience},
                                 {"jwks_url", made.jwks_url}}));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [&](ReadTransaction& txn, const std::string&) {
        ASSIGN_OR_RETURN(auto found, txn.FindTransmitter(command.id));
        if (!found) return NotFound(name);
        made = *std::move(found);
        return absl::OkStatus();
      }));
  return made;
}

absl::StatusOr<std::vector<domain::Transmitter>> EventIntake::List(
    const Request& request) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadOwners, "transmitters")
          .status());
  std::vector<domain::Transmitter> list;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(list, txn.ListTransmitters());
    return absl::OkStatus();
  }));
  return list;
}

absl::Status EventIntake::Delete(const Request& request,
                                 const std::string& feed) {
  const std::string name = TransmitterName(feed);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, name).status());
  return runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        ASSIGN_OR_RETURN(const auto found, change.txn().FindTransmitter(feed));
        if (!found) return NotFound(name);
        RETURN_IF_ERROR(change.txn().DeleteTransmitter(feed));
        change.Record("transmitter.deleted", name, "");
        change.SetResult(name);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); });
}

absl::StatusOr<domain::Transmitter> EventIntake::Get(const std::string& feed) {
  std::optional<domain::Transmitter> found;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(found, txn.FindTransmitter(feed));
    return absl::OkStatus();
  }));
  if (!found) return NotFound(TransmitterName(feed));
  return *std::move(found);
}

absl::Status EventIntake::Renew(const std::string& feed) {
  ASSIGN_OR_RETURN(domain::Transmitter transmitter, Get(feed));
  auto jwks = Fetch(transmitter.jwks_url);
  if (!jwks.ok()) {
    Log(LogLevel::kWarning, "transmitter.keys_not_fetched",
        {{"feed", feed},
         {"error", std::string(jwks.status().message())},
         {"next", "the former key set is used until it can be fetched"}});
    return jwks.status();
  }
  transmitter.jwks = *std::move(jwks);
  transmitter.fetch_time = runner_.clock().TimeNow();
  absl::Status stored = runner_.store().Mutate([&](Transaction& txn) {
    ASSIGN_OR_RETURN(const auto found, txn.FindTransmitter(feed));
    // Deleted or replaced meanwhile: then it is not what was fetched for.
    if (!found || found->create_time != transmitter.create_time) {
      return absl::OkStatus();
    }
    return txn.PutTransmitter(transmitter);
  });
  runner_.NoteStore(stored);
  return stored;
}

bool EventIntake::AwaitRenewal(const std::string& feed) {
  MutexLock lock(&mu_);
  const absl::Duration uptime = runner_.clock().Uptime();
  const auto tried = tried_.find(feed);
  if (stopping_ ||
      (tried != tried_.end() && uptime - tried->second < kFetchPause)) {
    return false;
  }
  tried_[feed] = uptime;
  const int64_t before = renewals_[feed];
  wanted_.insert(feed);
  runner_.clock().Notify();
  return runner_.clock().AwaitWithDeadline(
      &mu_,
      // Runs with mu_ held; the analysis does not see through the call.
      [&]()
          ABSL_NO_THREAD_SAFETY_ANALYSIS { return renewals_[feed] != before; },
      runner_.clock().TimeNow() + kFetchWait);
}

void EventIntake::FetchKeySets() {
  while (true) {
    std::string feed;
    {
      MutexLock lock(&mu_);
      runner_.clock().AwaitWithDeadline(
          &mu_,
          // As above.
          [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
            return stopping_ || !wanted_.empty();
          },
          absl::InfiniteFuture());
      if (stopping_) return;
      if (wanted_.empty()) continue;
      feed = *wanted_.begin();
      wanted_.erase(wanted_.begin());
    }
    const bool renewed = Renew(feed).ok();
    {
      MutexLock lock(&mu_);
      if (renewed) ++renewals_[feed];
    }
    runner_.clock().Notify();
  }
}

void EventIntake::Start() {
  thread_ = std::thread([this] { FetchKeySets(); });
}

void EventIntake::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  runner_.clock().Notify();
  if (thread_.joinable()) thread_.join();
}

EventIntake::Answer EventIntake::Take(const std::string& feed,
                                      absl::string_view set) {
  Answer answer;
  SecurityEventVerdict verdict;
  const auto judge = [&]() -> absl::StatusOr<domain::Transmitter> {
    ASSIGN_OR_RETURN(domain::Transmitter transmitter, Get(feed));
    verdict = verifier_.Verify(set, transmitter.jwks, transmitter.issuer,
                               transmitter.audience, runner_.clock().TimeNow());
    return transmitter;
  };
  auto transmitter = judge();
  if (transmitter.ok() && !transmitter->jwks_url.empty()) {
    const bool unknown = verdict.error == SecurityEventError::kInvalidKey;
    const bool stale =
        verdict.error == SecurityEventError::kNone &&
        runner_.clock().TimeNow() - transmitter->fetch_time >= kFreshFor;
    if ((unknown || stale) && AwaitRenewal(feed)) {
      transmitter = judge();
    } else if (unknown) {
      // It may be good: the transmitter is to send it again.
      transmitter =
          Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                absl::StrCat("the key is not known, and the key set of ", feed,
                             " could not be fetched just now; send it again"));
    }
  }
  if (!transmitter.ok()) {
    answer.failure = transmitter.status();
  } else if (verdict.error == SecurityEventError::kNone) {
    answer = TakeEvents(*transmitter, verdict.claims);
  } else {
    answer.error = verdict.error;
    answer.description = verdict.description;
    runner_.DeniedStranger(
        "events", Error(absl::StatusCode::kUnauthenticated,
                        Reason::kUnauthenticated, verdict.description));
  }
  // Only of names that exist: each becomes a series.
  if (!absl::IsNotFound(answer.failure)) {
    runner_.metrics().CountSecurityEvent(
        feed, !answer.failure.ok() ? "failed"
              : answer.error == SecurityEventError::kNone
                  ? "taken"
                  : SecurityEventErrorName(answer.error));
  }
  return answer;
}

absl::Time EventIntake::SaidAt(const Json& claims) {
  const absl::Time now = runner_.clock_guard().Read().trusted;
  return std::min(now, TimeClaim(claims, "iat").value_or(now));
}

EventIntake::Answer EventIntake::TakeEvents(
    const domain::Transmitter& transmitter, const Json& claims) {
  Answer answer;
  const Json& events = claims["events"];
  // A replay of an old word is no sign of life.
  feeds_.HeardAt(TransmitterName(transmitter.id), SaidAt(claims),
                 events.contains(kVerification));
  for (const auto& [event, payload] : events.items()) {
    const absl::Status heard = Hear(transmitter, event, claims, payload);
    if (heard.ok()) continue;
    if (absl::IsInvalidArgument(heard)) {
      answer.error = SecurityEventError::kInvalidRequest;
      answer.description = std::string(heard.message());
    } else {
      answer.failure = heard;
    }
    return answer;
  }
  return answer;
}

absl::Status EventIntake::Hear(const domain::Transmitter& transmitter,
                               const std::string& event, const Json& claims,
                               const Json& payload) {
  const bool enabled = event == absl::StrCat(kRisc, "account-enabled");
  const bool ended = event == absl::StrCat(kRisc, "account-disabled") ||
                     event == absl::StrCat(kRisc, "account-purged");
  if (!enabled && !ended) return absl::OkStatus();
  if (!payload.is_object()) {
    return FieldError(absl::StrCat("events.", event), "an object is wanted");
  }
  // RISC's elder form names the subject within the event.
  const bool elder = !claims.contains("sub_id") && payload.contains("subject");
  if (!elder && !claims.contains("sub_id")) {
    return FieldError("sub_id", "is missing: whom is it about?");
  }
  HeardAccount heard;
  heard.feed = TransmitterName(transmitter.id);
  ASSIGN_OR_RETURN(heard.names,
                   ReadSubject(elder ? "subject" : "sub_id",
                               elder ? payload["subject"] : claims["sub_id"],
                               transmitter.issuer));
  // In the order in which it was said; what it is about may be older.
  heard.time = SaidAt(claims);
  heard.active = enabled;
  const auto about = TimeClaim(payload, "event_timestamp");
  const absl::Time instant =
      about.value_or(TimeClaim(claims, "toe").value_or(heard.time));
  if (ended) heard.leave_time = std::min(instant, heard.time);
  heard.document = {{"event", event}};
  for (const char* name : {"jti", "txn"}) {
    const auto text = JsonString(claims, name);
    if (text.ok()) heard.document[name] = text->substr(0, 256);
  }
  const auto reason = JsonString(payload, "reason");
  if (reason.ok()) heard.document["reason"] = reason->substr(0, 256);

  Request request;
  request.caller = Caller{Role::kHr, heard.feed, /*is_feed=*/true};
  request.method = "events/push";
  ASSIGN_OR_RETURN(const bool overtaken, users_.Hear(request, heard));
  if (overtaken) {
    Log(LogLevel::kWarning, "security_event.overtaken",
        {{"feed", transmitter.id},
         {"about", heard.names[0]},
         {"said", TimeText(heard.time)},
         {"next",
          "an older word came after account-enabled and ended nothing; where "
          "the person has left: warder owner depart"}});
  }
  return absl::OkStatus();
}

}  // namespace warder::app
