#include "server/app/change_runner.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/app/revocation_record.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/domain/schedule.h"

namespace warder::app {
namespace {

absl::Status ValidateRequestId(absl::string_view id) {
  bool good = id.size() <= 64;
  for (const char c : id) good = good && (absl::ascii_isalnum(c) || c == '-');
  if (good) return absl::OkStatus();
  return FieldError("request_id",
                    "up to 64 letters, digits and hyphens are taken; send a "
                    "UUID");
}

// Returns what `request` was answered with before, or "".
// INVALID_ARGUMENT REQUEST_ID_REUSED when its ID stands for other contents.
absl::StatusOr<std::string> FindAnswer(ReadTransaction& txn,
                                       const Request& request,
                                       absl::string_view fingerprint) {
  if (request.request_id.empty()) return "";
  ASSIGN_OR_RETURN(
      const auto record,
      txn.FindRequest(request.caller.Principal(), request.request_id));
  if (!record) return "";
  if (record->fingerprint == fingerprint) return record->result;
  return Error(
      absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused,
      absl::StrCat("request_id ", request.request_id, " was used at ",
                   TimeText(record->create_time), " for ", record->method,
                   " with other contents; make a new one"));
}

}  // namespace

absl::Status Change::Save(domain::IssuerDraft& draft) {
  RETURN_IF_ERROR(txn_->SaveDraft(draft, domain::NextWake(draft)));
  RETURN_IF_ERROR(BeginRevocations(*txn_, draft, leaver_, canaries_).status());
  for (domain::AuditEvent& event : draft.changes.events) {
    events_.push_back(std::move(event));
  }
  draft.changes.events.clear();
  Publication publication;
  publication.snapshot = MakeSnapshot(draft, *sha256_);
  for (const domain::Key& key : draft.keys) {
    if (key.sealed.empty()) publication.forgotten.push_back(key.id);
    if (key.state == domain::KeyState::kRevoked &&
        key.revoke_time == draft.issuer.update_time) {
      publication.revoked.push_back(key.reason);
    }
  }
  publications_.push_back(std::move(publication));
  return absl::OkStatus();
}

void Change::Record(absl::string_view action, absl::string_view resource,
                    absl::string_view detail) {
  domain::AuditEvent event;
  event.time = now_;
  event.actor = actor_.principal;
  event.action = std::string(action);
  event.resource = std::string(resource);
  event.detail = detail.empty() ? "{}" : std::string(detail);
  events_.push_back(std::move(event));
}

absl::Status ChangeRunner::CheckClock(Urgency urgency, absl::Time now,
                                      absl::Time last) {
  if (urgency == Urgency::kUrgent || last - now <= kClockTolerance) {
    return absl::OkStatus();
  }
  return Precondition(
      Reason::kClockWentBackwards,
      absl::StrCat("the system clock says ", TimeText(now),
                   ", but the last recorded change is of ", TimeText(last),
                   "; set the clock right (NTP) and retry, or, where it is "
                   "right, stop warderd and run: warderd accept-clock. "
                   "Revocations, suspensions and departures still go "
                   "through"));
}

absl::Status ChangeRunner::Commit(
    const Request& request, Urgency urgency, const domain::Actor& actor,
    absl::FunctionRef<absl::Status(Change&)> change, std::string* replayed) {
  const std::string fingerprint =
      request.request_id.empty()
          ? ""
          : Base64UrlEncode(
                sha256_(absl::StrCat(request.method, "\n", request.contents)));
  std::vector<Change::Publication> to_publish;
  std::vector<std::string> departed;
  std::vector<std::function<void()>> after;
  std::vector<std::pair<std::string, bool>> suspensions;
  absl::Status preview = absl::CancelledError("validate_only");
  // Held until the change is published: a repeated call that finds it done must
  // not be answered before the key set shows it.
  MutexLock commit_lock(&commit_mu_);
  // Again: he may have departed while keys were made or others committed.
  RETURN_IF_ERROR(RefuseUntrusted(request.caller));
  const absl::Status status = store_.Mutate([&](Transaction& txn) {
    to_publish.clear();
    departed.clear();
    after.clear();
    suspensions.clear();
    ASSIGN_OR_RETURN(*replayed, FindAnswer(txn, request, fingerprint));
    if (!replayed->empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(ChainWriter chain, ChainWriter::Open(txn, sha256_));
    const ClockGuard::Reading clock = guard_.Read();
    RETURN_IF_ERROR(CheckClock(urgency, clock.trusted, chain.last_time()));
    const absl::Time now = std::max(clock.trusted, chain.last_time());
    Change running(txn, now, clock, actor, sha256_, vault_, metrics_);
    RETURN_IF_ERROR(change(running));
    if (request.validate_only) return preview;
    for (domain::AuditEvent& event : running.events_) {
      event.request_id = request.request_id;
      RETURN_IF_ERROR(chain.Append(std::move(event)));
    }
    if (!request.request_id.empty()) {
      RETURN_IF_ERROR(txn.InsertRequest({.principal = actor.principal,
                                         .request_id = request.request_id,
                                         .method = request.method,
                                         .fingerprint = fingerprint,
                                         .result = running.result_,
                                         .create_time = now}));
    }
    to_publish = std::move(running.publications_);
    departed = std::move(running.departed_);
    suspensions = std::move(running.suspensions_);
    after = std::move(running.after_);
    return absl::OkStatus();
  });
  if (status == preview) return absl::OkStatus();
  NoteStore(status);
  RETURN_IF_ERROR(status);
  {
    MutexLock lock(&untrusted_mu_);
    departed_.insert(departed.begin(), departed.end());
    for (const auto& [owner, suspended] : suspensions) {
      if (suspended) {
        suspended_.insert(owner);
      } else {
        suspended_.erase(owner);
      }
    }
  }
  Publish(std::move(to_publish));
  for (const auto& tell : after) tell();
  if (waker_ && replayed->empty()) waker_();
  return absl::OkStatus();
}

void ChangeRunner::NoteStore(const absl::Status& answer) {
  if (ReasonOf(answer) == ReasonName(Reason::kStoreCorrupt)) damaged_ = true;
  metrics_.SetStoreAvailable(
      !damaged_ && ReasonOf(answer) != ReasonName(Reason::kStoreUnavailable));
}

void ChangeRunner::Publish(std::vector<Change::Publication> publications) {
  for (Change::Publication& publication : publications) {
    publisher_.Install(std::move(publication.snapshot));
    for (const KeyId& key : publication.forgotten) vault_.Forget(key);
    for (const domain::RevocationReason reason : publication.revoked) {
      metrics_.CountRevocation(domain::RevocationReasonName(reason));
    }
  }
}

absl::Status ChangeRunner::Run(
    const Request& request, Urgency urgency,
    absl::FunctionRef<absl::Status(Change&)> change,
    absl::FunctionRef<absl::Status(ReadTransaction&, const std::string&)>
        replay) {
  RETURN_IF_ERROR(ValidateRequestId(request.request_id));
  std::string replayed;
  const absl::Status committed =
      Commit(request, urgency, request.caller.Actor(), change, &replayed);
  if (!committed.ok() && !RefuseUntrusted(request.caller).ok()) {
    return Denied(request, request.method, committed);
  }
  RETURN_IF_ERROR(committed);
  if (replayed.empty()) return absl::OkStatus();
  return store_.Read(
      [&](ReadTransaction& txn) { return replay(txn, replayed); });
}

absl::Status ChangeRunner::RunAsSystem(
    Urgency urgency, absl::FunctionRef<absl::Status(Change&)> change) {
  std::string replayed;
  return Commit(Request{}, urgency, domain::SystemActor(), change, &replayed);
}

absl::StatusOr<Access> ChangeRunner::Authorize(const Request& request,
                                               Permission permission,
                                               absl::string_view resource) {
  if (const absl::Status gone = RefuseUntrusted(request.caller); !gone.ok()) {
    return Denied(request, resource, gone);
  }
  const Access access = AccessOf(request.caller.role, permission);
  if (access != Access::kNo) return access;
  return Denied(
      request, resource,
      Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
            absl::StrCat(request.caller.Principal(), " lacks ",
                         PermissionName(permission), " on ", resource)));
}

absl::Status ChangeRunner::Denied(const Request& request,
                                  absl::string_view resource,
                                  absl::Status status) {
  domain::AuditEvent event;
  event.actor = request.caller.Principal();
  event.action = request.method;
  event.resource = std::string(resource);
  // Not looked at yet: what a stranger to the call sent must not fill the log.
  if (ValidateRequestId(request.request_id).ok()) {
    event.request_id = request.request_id;
  }
  denials_.Write(std::move(event), status);
  return status;
}

void ChangeRunner::DeniedStranger(absl::string_view method,
                                  const absl::Status& status) {
  domain::AuditEvent event;
  event.actor = "unauthenticated";
  event.action = std::string(method);
  event.resource = "grpc";
  denials_.Write(std::move(event), status);
}

void ChangeRunner::RefuseFromNowOn(const OwnerId& owner) {
  MutexLock lock(&untrusted_mu_);
  departed_.insert(owner.value());
}

absl::Status ChangeRunner::RefuseUntrusted(const Caller& caller) const {
  if (caller.is_feed) return absl::OkStatus();
  MutexLock lock(&untrusted_mu_);
  const std::string name = OwnerName(OwnerId(caller.name));
  if (suspended_.contains(caller.name)) {
    return Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
                 absl::StrCat(name,
                              " is suspended; no certificate of that name is "
                              "accepted until somebody else runs: warder owner "
                              "confirm ",
                              caller.name));
  }
  if (!departed_.contains(caller.name)) return absl::OkStatus();
  return Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
               absl::StrCat(name,
                            " has departed; no certificate of that name is "
                            "accepted"));
}

absl::Status ChangeRunner::LoadUntrusted() {
  return store_.Read([&](ReadTransaction& txn) -> absl::Status {
    std::string after;
    while (true) {
      ASSIGN_OR_RETURN(const auto owners, txn.ListOwners(after, 10000));
      if (owners.empty()) return absl::OkStatus();
      MutexLock lock(&untrusted_mu_);
      for (const domain::Owner& owner : owners) {
        if (owner.state == domain::OwnerState::kDeparted) {
          departed_.insert(owner.id.value());
        } else if (owner.suspend_time) {
          suspended_.insert(owner.id.value());
        }
      }
      after = owners.back().id.value();
    }
  });
}

}  // namespace warder::app
