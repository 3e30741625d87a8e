#include "server/rpc/revocation_service.h"

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

v1::Confirmation::State Wire(domain::ConfirmationState state) {
  switch (state) {
    case domain::ConfirmationState::kPending: return v1::Confirmation::PENDING;
    case domain::ConfirmationState::kFetched: return v1::Confirmation::FETCHED;
    case domain::ConfirmationState::kEnforced:
      return v1::Confirmation::ENFORCED;
    case domain::ConfirmationState::kOverdue: return v1::Confirmation::OVERDUE;
    case domain::ConfirmationState::kUnregistered:
      return v1::Confirmation::UNREGISTERED;
  }
  return v1::Confirmation::STATE_UNSPECIFIED;
}

v1::Confirmation::Evidence Wire(domain::Evidence evidence) {
  switch (evidence) {
    case domain::Evidence::kNone: break;
    case domain::Evidence::kFetched: return v1::Confirmation::FETCH;
    case domain::Evidence::kAcknowledged: return v1::Confirmation::ACKNOWLEDGED;
    case domain::Evidence::kHorizon: return v1::Confirmation::HORIZON;
    case domain::Evidence::kStated: return v1::Confirmation::STATED;
    case domain::Evidence::kProbed: return v1::Confirmation::PROBED;
  }
  return v1::Confirmation::EVIDENCE_UNSPECIFIED;
}

void Write(const app::ConfirmationStatus& status, v1::Confirmation* out) {
  const domain::Confirmation& confirmation = status.confirmation;
  out->set_gateway(GatewayName(confirmation.gateway));
  out->set_state(Wire(confirmation.state));
  if (confirmation.fetch_time) {
    ToProto(*confirmation.fetch_time, out->mutable_fetch_time());
  }
  out->set_fetched_by(Wire(confirmation.fetched_by));
  if (confirmation.enforce_time) {
    ToProto(*confirmation.enforce_time, out->mutable_enforce_time());
  }
  out->set_enforced_by(Wire(confirmation.enforced_by));
  ToProto(confirmation.deadline, out->mutable_deadline());
  if (confirmation.latest < absl::InfiniteFuture()) {
    ToProto(confirmation.latest, out->mutable_latest_accept_time());
  } else if (!domain::Ended(confirmation)) {
    out->set_unbounded_why(status.horizon.why);
    out->set_next(status.horizon.next);
  }
  if (confirmation.accept_time) {
    ToProto(*confirmation.accept_time, out->mutable_accept_time());
  }
  out->set_detail(confirmation.detail);
  out->set_consumer(status.consumer);
}

void Write(const app::RevocationStatus& status, v1::Revocation* out) {
  const domain::Revocation& revocation = status.revocation;
  out->set_name(RevocationName(revocation.key));
  out->set_key(KeyName(revocation.issuer, revocation.key));
  out->set_reason(ToProto(revocation.reason));
  ToProto(revocation.revoke_time, out->mutable_revoke_time());
  out->set_revision(revocation.revision);
  if (!revocation.leaver.empty()) {
    out->set_leaver(OwnerName(revocation.leaver));
  }
  if (revocation.close_time) {
    ToProto(*revocation.close_time, out->mutable_close_time());
  }
  out->set_statement(revocation.statement);
  for (const app::ConfirmationStatus& gateway : status.gateways) {
    Write(gateway, out->add_confirmations());
  }
  out->set_enforced_count(status.Count(domain::ConfirmationState::kEnforced));
  out->set_overdue_count(status.Count(domain::ConfirmationState::kOverdue));
}

void Write(const app::RevocationImpact& impact, v1::RevocationPlan* out) {
  const domain::Key& key = impact.key;
  v1::Key wire;
  ToProto(key, &wire);
  out->set_key(wire.name());
  out->set_state(wire.state());
  if (!impact.successor.empty()) {
    out->set_successor(KeyName(key.issuer, impact.successor));
  }
  out->set_successor_published(impact.successor_published);
  out->set_live_tokens(impact.live_tokens);
  out->set_more_live_tokens(impact.more_live_tokens);
  if (impact.tokens_until) {
    ToProto(*impact.tokens_until, out->mutable_tokens_until());
  }
  for (const auto& on : impact.gateways) {
    v1::RevocationPlan::GatewayImpact& gateway = *out->add_gateways();
    gateway.set_gateway(GatewayName(on.gateway.id));
    gateway.set_consumer(on.gateway.consumer);
    gateway.set_holds_successor(on.holds_successor);
    if (on.horizon.expected < absl::InfiniteDuration()) {
      ToProto(on.horizon.expected, gateway.mutable_expected());
    }
    if (on.horizon.bounded()) {
      ToProto(on.horizon.latest, gateway.mutable_latest());
    }
    gateway.set_unbounded_why(on.horizon.why);
  }
}

}  // namespace

grpc::Status RevocationService::GetRevocation(
    grpc::ServerContext* context, const v1::GetRevocationRequest* request,
    v1::Revocation* response) {
  return Handle(
      shared_, context, "warder.v1.RevocationService/GetRevocation",
      app::Permission::kReadGateways, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const auto key,
                         ParseRevocationName("name", request->name()));
        ASSIGN_OR_RETURN(const auto status, revocations_.Get(call, key));
        Write(status, response);
        return absl::OkStatus();
      });
}

grpc::Status RevocationService::ListRevocations(
    grpc::ServerContext* context, const v1::ListRevocationsRequest* request,
    v1::ListRevocationsResponse* response) {
  return Handle(
      shared_, context, "warder.v1.RevocationService/ListRevocations",
      app::Permission::kReadGateways, *request,
      [&](const app::Request& call) -> absl::Status {
        app::RevocationFilter filter;
        if (!request->issuer().empty()) {
          ASSIGN_OR_RETURN(filter.issuer,
                           ParseIssuerName("issuer", request->issuer()));
        }
        if (!request->leaver().empty()) {
          ASSIGN_OR_RETURN(filter.leaver,
                           ParseOwnerName("leaver", request->leaver()));
        }
        filter.open_only = request->open_only();
        ASSIGN_OR_RETURN(const auto page,
                         revocations_.List(call, filter,
                                           {.size = request->page_size(),
                                            .token = request->page_token()}));
        for (const auto& status : page.items) {
          Write(status, response->add_revocations());
        }
        response->set_next_page_token(page.next_token);
        return absl::OkStatus();
      });
}

grpc::Status RevocationService::PlanRevocation(
    grpc::ServerContext* context, const v1::PlanRevocationRequest* request,
    v1::RevocationPlan* response) {
  return Handle(shared_, context, "warder.v1.RevocationService/PlanRevocation",
                app::Permission::kRevokeKeys, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto name,
                                   ParseKeyName("name", request->name()));
                  ASSIGN_OR_RETURN(
                      const auto impact,
                      revocations_.Plan(call, name.first, name.second));
                  Write(impact, response);
                  return absl::OkStatus();
                });
}

grpc::Status RevocationService::ConfirmRevocation(
    grpc::ServerContext* context, const v1::ConfirmRevocationRequest* request,
    v1::Revocation* response) {
  return Handle(
      shared_, context, "warder.v1.RevocationService/ConfirmRevocation",
      app::Permission::kManageGateways, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const auto key,
                         ParseRevocationName("name", request->name()));
        ASSIGN_OR_RETURN(const auto gateway,
                         ParseGatewayName("gateway", request->gateway()));
        ASSIGN_OR_RETURN(const auto status,
                         revocations_.Confirm(call, key, gateway));
        Write(status, response);
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
