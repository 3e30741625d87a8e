#include "server/rpc/hr_service.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

constexpr absl::Duration kDefaultLifetime = absl::Hours(24 * 365);

void Write(const domain::FeedToken& token, v1::FeedToken* out) {
  out->set_name(absl::StrCat("feedTokens/", token.id));
  out->set_feed(token.feed);
  out->set_created_by(token.created_by);
  ToProto(token.create_time, out->mutable_create_time());
  ToProto(token.expire_time, out->mutable_expire_time());
  if (token.revoke_time) {
    ToProto(*token.revoke_time, out->mutable_revoke_time());
  }
}

void Write(const domain::Feed& feed, v1::Feed* out) {
  out->set_name(absl::StrCat("feeds/", feed.name));
  ToProto(feed.first_seen, out->mutable_first_seen_time());
  ToProto(feed.last_seen, out->mutable_last_seen_time());
  if (feed.silent_since) {
    ToProto(*feed.silent_since, out->mutable_silent_since_time());
  }
}

void Write(const domain::HeldDeparture& held, v1::HeldDeparture* out) {
  out->set_owner(OwnerName(held.owner));
  ToProto(held.instant.value_or(held.report_time), out->mutable_instant());
  ToProto(held.report_time, out->mutable_report_time());
  out->set_reported_by(held.reported_by);
  out->set_source(held.source);
}

constexpr int kListedFindings = 10000;

v1::ReconcileRosterResponse::Finding::Kind ToProto(
    app::RosterFinding::Kind kind) {
  using Kind = app::RosterFinding::Kind;
  using Finding = v1::ReconcileRosterResponse::Finding;
  switch (kind) {
    case Kind::kLeft: return Finding::LEFT;
    case Kind::kLeaves: return Finding::LEAVES;
    case Kind::kAbsent: return Finding::ABSENT;
    case Kind::kAbsentLong: return Finding::ABSENT_TOO_LONG;
    case Kind::kReturned: return Finding::RETURNED;
    case Kind::kDoubtful: return Finding::DOUBTFUL;
  }
  return Finding::KIND_UNSPECIFIED;
}

void Write(const app::Reconciliation& result,
           v1::ReconcileRosterResponse* out) {
  for (const app::RosterFinding& finding : result.findings) {
    if (out->findings_size() == kListedFindings) break;
    auto* wire = out->add_findings();
    wire->set_owner(OwnerName(finding.owner));
    wire->set_kind(ToProto(finding.kind));
    rpc::ToProto(finding.since, wire->mutable_since_time());
    wire->set_held(finding.held);
  }
  for (const app::BadRow& row : result.bad_rows) {
    auto* wire = out->add_bad_rows();
    wire->set_line(row.line);
    wire->set_why(row.why);
  }
  out->set_finding_count(static_cast<int64_t>(result.findings.size()));
  out->set_bad_row_count(result.bad_count);
  out->set_people_count(result.people);
  out->set_stranger_count(result.strangers);
  out->set_owner_count(result.owners);
  out->set_applied(result.applied);
}

absl::StatusOr<std::string> TokenIdOf(absl::string_view name) {
  if (absl::ConsumePrefix(&name, "feedTokens/") && !name.empty()) {
    return std::string(name);
  }
  return FieldError("name", absl::StrCat("\"", name.substr(0, 80),
                                         "\" is not feedTokens/TOKEN"));
}

}  // namespace

grpc::Status HrService::CreateFeedToken(
    grpc::ServerContext* context, const v1::CreateFeedTokenRequest* request,
    v1::CreateFeedTokenResponse* response) {
  return Handle(
      shared_, context, "warder.v1.HrService/CreateFeedToken",
      app::Permission::kManageFeeds, *request, [&](const app::Request& call) {
        absl::Duration lifetime = kDefaultLifetime;
        if (request->has_lifetime()) {
          ASSIGN_OR_RETURN(lifetime,
                           FromProto("lifetime", request->lifetime()));
        }
        std::optional<absl::Duration> overlap;
        if (request->has_overlap()) {
          ASSIGN_OR_RETURN(overlap, FromProto("overlap", request->overlap()));
          if (*overlap < absl::ZeroDuration()) {
            return FieldError("overlap", "is negative");
          }
        }
        ASSIGN_OR_RETURN(
            const app::NewFeedToken made,
            access_.CreateToken(call, request->feed(), lifetime, overlap));
        Write(made.token, response->mutable_token());
        if (!request->validate_only()) response->set_secret(made.secret);
        return absl::OkStatus();
      });
}

grpc::Status HrService::ListFeedTokens(grpc::ServerContext* context,
                                       const v1::ListFeedTokensRequest* request,
                                       v1::ListFeedTokensResponse* response) {
  return Handle(shared_, context, "warder.v1.HrService/ListFeedTokens",
                app::Permission::kManageFeeds, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto tokens, access_.ListTokens(call));
                  for (const auto& token : tokens) {
                    Write(token, response->add_tokens());
                  }
                  return absl::OkStatus();
                });
}

grpc::Status HrService::RevokeFeedToken(
    grpc::ServerContext* context, const v1::RevokeFeedTokenRequest* request,
    v1::FeedToken* response) {
  return Handle(
      shared_, context, "warder.v1.HrService/RevokeFeedToken",
      app::Permission::kManageFeeds, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto id, TokenIdOf(request->name()));
        ASSIGN_OR_RETURN(const auto token, access_.RevokeToken(call, id));
        Write(token, response);
        return absl::OkStatus();
      });
}

grpc::Status HrService::ListFeeds(grpc::ServerContext* context,
                                  const v1::ListFeedsRequest* request,
                                  v1::ListFeedsResponse* response) {
  return Handle(shared_, context, "warder.v1.HrService/ListFeeds",
                app::Permission::kReadOwners, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto feeds, access_.ListFeeds(call));
                  for (const auto& feed : feeds) {
                    Write(feed, response->add_feeds());
                  }
                  return absl::OkStatus();
                });
}

grpc::Status HrService::ListHeldDepartures(
    grpc::ServerContext* context, const v1::ListHeldDeparturesRequest* request,
    v1::ListHeldDeparturesResponse* response) {
  return Handle(shared_, context, "warder.v1.HrService/ListHeldDepartures",
                app::Permission::kReadOwners, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto held, intake_.ListHeld(call));
                  for (const auto& one : held) {
                    Write(one, response->add_departures());
                  }
                  return absl::OkStatus();
                });
}

grpc::Status HrService::ReleaseHeldDepartures(
    grpc::ServerContext* context,
    const v1::ReleaseHeldDeparturesRequest* request,
    v1::ReleaseHeldDeparturesResponse* response) {
  return Handle(
      shared_, context, "warder.v1.HrService/ReleaseHeldDepartures",
      app::Permission::kManageFeeds, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto owners,
                         OwnersFromProto("owners", request->owners()));
        ASSIGN_OR_RETURN(const auto departures, intake_.Release(call, owners));
        for (const auto& departure : departures) {
          ToProto(departure, response->add_departures());
        }
        return absl::OkStatus();
      });
}

grpc::Status HrService::RejectHeldDepartures(
    grpc::ServerContext* context,
    const v1::RejectHeldDeparturesRequest* request,
    v1::RejectHeldDeparturesResponse* response) {
  return Handle(
      shared_, context, "warder.v1.HrService/RejectHeldDepartures",
      app::Permission::kManageFeeds, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto owners,
                         OwnersFromProto("owners", request->owners()));
        ASSIGN_OR_RETURN(const auto held, intake_.Reject(call, owners));
        for (const auto& one : held) {
          Write(one, response->add_departures());
        }
        return absl::OkStatus();
      });
}

grpc::Status HrService::ReconcileRoster(
    grpc::ServerContext* context,
    grpc::ServerReader<v1::ReconcileRosterRequest>* reader,
    v1::ReconcileRosterResponse* response) {
  // Who may not is told before he has sent a file. Handled as one message, so
  // that what every call has in common holds here too.
  v1::ReconcileRosterRequest first;
  reader->Read(&first);
  return Handle(
      shared_, context, "warder.v1.HrService/ReconcileRoster",
      app::Permission::kReportDeparture, first,
      [&](const app::Request& call) -> absl::Status {
        app::Request request = call;
        request.validate_only = !first.apply();
        RETURN_IF_ERROR(
            shared_.runner
                .Authorize(request, app::Permission::kReportDeparture, "roster")
                .status());
        std::string text = first.part();
        v1::ReconcileRosterRequest next;
        while (text.size() <= app::kMaxRosterBytes && reader->Read(&next)) {
          text += next.part();
        }
        ASSIGN_OR_RETURN(const app::Reconciliation result,
                         rosters_.Reconcile(request, text, first.time_zone()));
        if (!call.validate_only && call.caller.role == app::Role::kHr) {
          access_.Heard(call.caller.name);
        }
        Write(result, response);
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
