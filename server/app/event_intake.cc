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
// A key set is fetched again after this long, so that a key its owner dropped
// is believed no longer; and at once for an unknown key, but not more often.
constexpr absl::Duration kFreshFor = absl::Hours(1);
constexpr absl::Duration kFetchPause = absl::Minutes(1);

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
  const std::string name = TransmitterName(command.feed);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageFeeds, name).status());
  RETURN_IF_ERROR(ParseCallerName("feed", command.feed).status());
  RETURN_IF_ERROR(CheckText("issuer", command.issuer));
  RETURN_IF_ERROR(CheckText("audience", command.audience));
  if (command.jwks_url.empty() == command.jwks.empty()) {
    return FieldError("jwks_url", "either it or jwks is wanted");
  }
  domain::Transmitter made{.feed = command.feed,
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
        ASSIGN_OR_RETURN(auto found, txn.FindTransmitter(command.feed));
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

bool EventIntake::Refresh(domain::Transmitter& transmitter, bool unknown_key) {
  if (transmitter.jwks_url.empty()) return false;
  const absl::Time now = runner_.clock().TimeNow();
  if (!unknown_key && now - transmitter.fetch_time < kFreshFor) return false;
  {
    MutexLock lock(&mu_);
    const absl::Duration uptime = runner_.clock().Uptime();
    const auto tried = tried_.find(transmitter.feed);
    if (tried != tried_.end() && uptime - tried->second < kFetchPause) {
      return false;
    }
    tried_[transmitter.feed] = uptime;
  }
  auto jwks = Fetch(transmitter.jwks_url);
  if (!jwks.ok()) {
    Log(LogLevel::kWarning, "transmitter.keys_not_fetched",
        {{"feed", transmitter.feed},
         {"error", std::string(jwks.status().message())},
         {"next", "the former key set is used until it can be fetched"}});
    return false;
  }
  const bool differs = *jwks != transmitter.jwks;
  transmitter.jwks = *std::move(jwks);
  transmitter.fetch_time = now;
  const absl::Status stored = runner_.store().Mutate([&](Transaction& txn) {
    ASSIGN_OR_RETURN(const auto found, txn.FindTransmitter(transmitter.feed));
    // Deleted or replaced meanwhile: then it is not what was fetched for.
    if (!found || found->create_time != transmitter.create_time) {
      return absl::OkStatus();
    }
    return txn.PutTransmitter(transmitter);
  });
  runner_.NoteStore(stored);
  return differs;
}

EventIntake::Answer EventIntake::Take(const std::string& feed,
                                      absl::string_view set) {
  Answer answer;
  std::optional<domain::Transmitter> transmitter;
  answer.failure = runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(transmitter, txn.FindTransmitter(feed));
    return absl::OkStatus();
  });
  if (!answer.failure.ok()) return answer;
  if (!transmitter) {
    answer.failure = NotFound(TransmitterName(feed));
    return answer;
  }
  const auto verify = [&] {
    return verifier_.Verify(set, transmitter->jwks, transmitter->issuer,
                            transmitter->audience, runner_.clock().TimeNow());
  };
  Refresh(*transmitter, /*unknown_key=*/false);
  SetVerdict verdict = verify();
  if (verdict.error == SetError::kInvalidKey &&
      Refresh(*transmitter, /*unknown_key=*/true)) {
    verdict = verify();
  }
  if (verdict.error == SetError::kNone) {
    answer = TakeEvents(feed, verdict.claims);
  } else {
    answer.error = verdict.error;
    answer.description = verdict.description;
    runner_.DeniedStranger(
        "events", Error(absl::StatusCode::kUnauthenticated,
                        Reason::kUnauthenticated, verdict.description));
  }
  runner_.metrics().CountSecurityEvent(feed, !answer.failure.ok() ? "failed"
                                             : answer.error == SetError::kNone
                                                 ? "taken"
                                                 : SetErrorName(answer.error));
  return answer;
}

EventIntake::Answer EventIntake::TakeEvents(const std::string& feed,
                                            const Json& claims) {
  Answer answer;
  feeds_.Heard(feed);
  const Json& events = claims["events"];
  for (const auto& [event, payload] : events.items()) {
    const absl::Status heard = Hear(feed, event, claims, payload);
    if (heard.ok()) continue;
    if (absl::IsInvalidArgument(heard)) {
      answer.error = SetError::kInvalidRequest;
      answer.description = std::string(heard.message());
    } else {
      answer.failure = heard;
    }
    return answer;
  }
  return answer;
}

absl::Status EventIntake::Hear(const std::string& feed,
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
  ASSIGN_OR_RETURN(const EventSubject subject,
                   ReadSubject(elder ? "subject" : "sub_id",
                               elder ? payload["subject"] : claims["sub_id"]));
  const absl::Time now = runner_.clock_guard().Read().trusted;
  std::optional<absl::Time> time = TimeClaim(payload, "event_timestamp");
  if (!time) time = TimeClaim(claims, "toe");
  if (!time) time = TimeClaim(claims, "iat");

  domain::User said;
  said.user_name = subject.name();
  said.external_id = subject.id;
  said.emails = subject.emails;
  said.active = enabled;
  Json document = {{"event", event},
                   {"heard_time", TimeText(time.value_or(now))}};
  for (const char* name : {"jti", "txn"}) {
    const auto text = JsonString(claims, name);
    if (text.ok()) document[name] = text->substr(0, 256);
  }
  const auto reason = JsonString(payload, "reason");
  if (reason.ok()) document["reason"] = reason->substr(0, 256);
  said.document = WriteJson(document);
  if (ended && time && *time < now) said.leave_time = time;

  Request request;
  request.caller = Caller{Role::kHr, feed, /*is_feed=*/true};
  request.method = "events/push";
  return users_.Hear(request, std::move(said), time.value_or(now));
}

}  // namespace warder::app
