// The part of SqlTransaction about gateways and what they confirm.
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/storage/columns.h"
#include "server/storage/gateway_statements.h"
#include "server/storage/sql_error.h"
#include "server/storage/sql_transaction.h"

namespace warder::storage {

absl::StatusOr<std::optional<domain::Gateway>> SqlTransaction::FindGateway(
    const GatewayId& id) {
  return Guard([&] { return gateways_->find.First(id.value()); });
}

absl::StatusOr<std::vector<domain::Gateway>> SqlTransaction::ListGateways(
    const std::string& after, int limit) {
  return Guard([&] { return gateways_->list.All(after, limit); });
}

absl::StatusOr<bool> SqlTransaction::AnyGateway() {
  return Guard([&]() -> absl::StatusOr<bool> {
    if (!seen_.any_gateway) {
      ASSIGN_OR_RETURN(const auto any, gateways_->any.First());
      seen_.any_gateway = any.value_or(0) > 0;
    }
    return *seen_.any_gateway;
  });
}

absl::StatusOr<std::vector<domain::Gateway>> SqlTransaction::ListGatewaysOf(
    const IssuerId& issuer) {
  return Guard([&] { return gateways_->list_of.All(issuer.value()); });
}

absl::StatusOr<std::vector<domain::GatewayView>> SqlTransaction::ListViews(
    const GatewayId& gateway, const IssuerId& issuer) {
  return Guard([&] {
    if (gateway.empty() && issuer.empty()) return gateways_->views.All();
    if (issuer.empty()) return gateways_->views_by.All(gateway.value());
    if (gateway.empty()) return gateways_->views_of.All(issuer.value());
    return gateways_->view.All(gateway.value(), issuer.value());
  });
}

absl::StatusOr<std::vector<domain::GatewayInstance>>
SqlTransaction::ListInstances() {
  return Guard([&] { return gateways_->instances.All(); });
}

absl::StatusOr<std::optional<domain::Revocation>>
SqlTransaction::FindRevocation(const KeyId& key) {
  return Guard([&] { return gateways_->find_revocation.First(key.value()); });
}

absl::StatusOr<std::vector<domain::Revocation>> SqlTransaction::ListRevocations(
    const app::RevocationFilter& filter,
    const std::pair<absl::Time, std::string>& before, int limit) {
  return Guard([&] {
    std::string text =
        From<RevocationRow>("revocations WHERE (revoke_us, key) < (:t, :k)");
    absl::StrAppend(
        &text, filter.issuer ? " AND issuer = :issuer" : " AND '' = :issuer",
        filter.leaver ? " AND leaver = :leaver" : " AND '' = :leaver",
        filter.open_only ? " AND close_us = 0" : "",
        " ORDER BY revoke_us DESC, key DESC LIMIT :limit");
    Select<RevocationRow, Number, Text, Text, Text, Number> select(sql_, text);
    return select.All(ToMicros(before.first), before.second,
                      filter.issuer ? filter.issuer->value() : "",
                      filter.leaver ? filter.leaver->value() : "", limit);
  });
}

absl::StatusOr<std::vector<domain::Revocation>>
SqlTransaction::ListDueRevocations(absl::Time now, int limit) {
  return Guard([&] { return gateways_->due.All(ToMicros(now), limit); });
}

absl::StatusOr<absl::Time> SqlTransaction::NextRevocationDue() {
  return Guard([&]() -> absl::StatusOr<absl::Time> {
    ASSIGN_OR_RETURN(const auto next, gateways_->next_due.First());
    return next ? FromMicros(*next) : absl::InfiniteFuture();
  });
}

absl::StatusOr<std::vector<domain::Revocation>>
SqlTransaction::ListOpenRevocationsOf(const IssuerId& issuer) {
  return Guard([&] { return gateways_->open_of.All(issuer.value()); });
}

absl::StatusOr<std::vector<domain::Confirmation>>
SqlTransaction::ListConfirmations(const KeyId& key) {
  return Guard([&] { return gateways_->confirmations.All(key.value()); });
}

absl::StatusOr<int64_t> SqlTransaction::CountOverdueConfirmations() {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto count, gateways_->count_overdue.First());
    return count.value_or(0);
  });
}

absl::Status SqlTransaction::InsertGateway(const domain::Gateway& gateway) {
  absl::Status status = Guard([&]() -> absl::Status {
    gateways_->insert.row().From(gateway);
    gateways_->insert.Run();
    return SaveGatewayIssuers(gateway);
  });
  seen_.any_gateway.reset();
  if (!absl::IsAlreadyExists(status)) return status;
  return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
               absl::StrCat(GatewayName(gateway.id), " already exists"));
}

absl::Status SqlTransaction::SaveGatewayIssuers(
    const domain::Gateway& gateway) {
  for (const IssuerId& issuer : gateway.issuers) {
    gateways_->insert_issuer.Run(issuer.value(), gateway.id.value());
  }
  return absl::OkStatus();
}

absl::Status SqlTransaction::UpdateGateway(domain::Gateway& gateway) {
  return Guard([&]() -> absl::Status {
    auto& update = gateways_->update;
    update.row().From(gateway);
    ++update.row().rev;
    if (update.Run(gateway.id.value(), gateway.rev) != 1) {
      return Conflict(GatewayName(gateway.id));
    }
    ++gateway.rev;
    gateways_->remove_issuers.Run(gateway.id.value());
    return SaveGatewayIssuers(gateway);
  });
}

absl::Status SqlTransaction::DeleteGateway(const GatewayId& id) {
  seen_.any_gateway.reset();
  return Guard([&]() -> absl::Status {
    gateways_->remove_issuers.Run(id.value());
    gateways_->remove_views.Run(id.value());
    gateways_->remove.Run(id.value());
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::PutView(const domain::GatewayView& view) {
  return Guard([&]() -> absl::Status {
    gateways_->put_view.row().From(view);
    gateways_->put_view.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::PutInstance(
    const domain::GatewayInstance& instance) {
  return Guard([&]() -> absl::Status {
    gateways_->put_instance.row().From(instance);
    gateways_->put_instance.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::DeleteInstance(const GatewayId& gateway,
                                            const std::string& name) {
  return Guard([&]() -> absl::Status {
    gateways_->remove_instance.Run(gateway.value(), name);
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::InsertRevocation(
    const domain::Revocation& revocation, absl::Time next) {
  return Guard([&]() -> absl::Status {
    gateways_->insert_revocation.row().From(revocation, next);
    gateways_->insert_revocation.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::UpdateRevocation(domain::Revocation& revocation,
                                              absl::Time next) {
  return Guard([&]() -> absl::Status {
    auto& update = gateways_->update_revocation;
    update.row().From(revocation, next);
    ++update.row().rev;
    if (update.Run(revocation.key.value(), revocation.rev) != 1) {
      return Conflict(RevocationName(revocation.key));
    }
    ++revocation.rev;
    return absl::OkStatus();
  });
}

absl::StatusOr<std::optional<domain::Canary>> SqlTransaction::FindCanary(
    const KeyId& key, const std::string& audience, absl::Time now,
    absl::Time until) {
  return Guard([&] {
    return gateways_->find_canary.First(key.value(), audience, ToMicros(now),
                                        ToMicros(until));
  });
}

absl::StatusOr<bool> SqlTransaction::AnyCanary(const KeyId& key,
                                               const std::string& audience,
                                               absl::Time now) {
  return Guard([&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const auto any, gateways_->any_canary.First(
                                         key.value(), audience, ToMicros(now)));
    return any.value_or(0) > 0;
  });
}

absl::StatusOr<std::vector<app::ProbeTarget>> SqlTransaction::ListProbeTargets(
    absl::Time now, int limit) {
  return Guard([&] { return gateways_->targets.All(ToMicros(now), limit); });
}

absl::StatusOr<std::vector<domain::Revocation>>
SqlTransaction::ListUnstatedRevocations(int limit) {
  return Guard([&] { return gateways_->unstated.All(limit); });
}

absl::StatusOr<std::vector<domain::Confirmation>>
SqlTransaction::ListOpenConfirmationsOf(const GatewayId& gateway) {
  return Guard(
      [&] { return gateways_->open_confirmations_of.All(gateway.value()); });
}

absl::StatusOr<std::optional<domain::Drill>> SqlTransaction::FindDrill(
    const DrillId& id) {
  return Guard([&] { return gateways_->find_drill.First(id.value()); });
}

absl::StatusOr<std::vector<domain::Drill>> SqlTransaction::ListDrills(
    const std::pair<absl::Time, std::string>& before, int limit) {
  return Guard([&] {
    return gateways_->drills.All(ToMicros(before.first), before.second, limit);
  });
}

absl::Status SqlTransaction::InsertDrill(const domain::Drill& drill) {
  return Guard([&]() -> absl::Status {
    gateways_->insert_drill.row().From(drill);
    gateways_->insert_drill.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::InsertCanary(const domain::Canary& canary) {
  return Guard([&]() -> absl::Status {
    gateways_->insert_canary.row().From(canary);
    gateways_->insert_canary.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::DeleteCanariesUntil(absl::Time until) {
  return Guard([&]() -> absl::Status {
    gateways_->remove_canaries.Run(ToMicros(until));
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::InsertConfirmation(
    const domain::Confirmation& confirmation) {
  return Guard([&]() -> absl::Status {
    gateways_->insert_confirmation.row().From(confirmation);
    gateways_->insert_confirmation.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::UpdateConfirmation(
    domain::Confirmation& confirmation) {
  return Guard([&]() -> absl::Status {
    auto& update = gateways_->update_confirmation;
    update.row().From(confirmation);
    ++update.row().rev;
    if (update.Run(confirmation.key.value(), confirmation.gateway.value(),
                   confirmation.rev) != 1) {
      return Conflict(RevocationName(confirmation.key));
    }
    ++confirmation.rev;
    return absl::OkStatus();
  });
}

}  // namespace warder::storage
