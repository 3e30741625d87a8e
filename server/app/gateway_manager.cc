#include "server/app/gateway_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/app/etag.h"
#include "server/app/outbound.h"
#include "server/app/revocation_record.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::app {
namespace {

absl::StatusOr<domain::Gateway> GetGateway(ReadTransaction& txn,
                                           const GatewayId& id) {
  ASSIGN_OR_RETURN(auto gateway, txn.FindGateway(id));
  if (!gateway) return NotFound(GatewayName(id));
  return *std::move(gateway);
}

std::string DetailOf(const domain::Gateway& gateway) {
  return WriteJson(
      {{"consumer", gateway.consumer},
       {"reach", domain::ReachName(gateway.reach)},
       {"issuers", absl::StrJoin(gateway.issuers, " ",
                                 [](std::string* out, const IssuerId& id) {
                                   out->append(id.value());
                                 })},
       {"probe", gateway.probe ? OriginOf(gateway.probe->url) : ""},
       {"issuance_modes",
        absl::StrJoin(gateway.issuance_modes, " ",
                      [](std::string* out, const auto& entry) {
                        absl::StrAppend(out, entry.first.value(), "=",
                                        domain::IssuanceModeName(entry.second));
                      })}});
}

void Normalise(domain::Gateway& gateway) {
  std::sort(gateway.issuers.begin(), gateway.issuers.end());
  gateway.issuers.erase(
      std::unique(gateway.issuers.begin(), gateway.issuers.end()),
      gateway.issuers.end());
  std::erase_if(gateway.issuance_modes, [](const auto& entry) {
    return entry.second == domain::IssuanceMode::kObserve;
  });
}

}  // namespace

absl::Status GatewayManager::Check(const domain::Gateway& gateway) {
  RETURN_IF_ERROR(domain::ValidateGateway(gateway));
  if (!gateway.probe) return absl::OkStatus();
  const std::string& url = gateway.probe->url;
  // Inside a private network people do without TLS; that has to be said.
  if (gateway.probe->local && absl::StartsWith(url, "http://")) {
    return CheckUrl("probe.url", absl::StrCat("https", url.substr(4)));
  }
  RETURN_IF_ERROR(CheckUrl("probe.url", url));
  if (!gateway.probe->local && NamesLoopback(url)) {
    return FieldError("probe.url",
                      absl::StrCat("\"", OriginOf(url),
                                   "\" is this machine; where the gateway "
                                   "does run here, say so: probe.local"));
  }
  return absl::OkStatus();
}

absl::Status GatewayManager::CheckIssuers(ReadTransaction& txn,
                                          const domain::Gateway& gateway) {
  for (const IssuerId& id : gateway.issuers) {
    ASSIGN_OR_RETURN(const auto issuer, txn.FindIssuer(id));
    if (!issuer) return NotFound(IssuerName(id));
    const auto& algorithms = issuer->policy.algorithms;
    if (std::none_of(algorithms.begin(), algorithms.end(),
                     [&](const domain::Algorithm algorithm) {
                       return domain::Reads(gateway, algorithm);
                     })) {
      return Precondition(
          Reason::kWrongState,
          absl::StrCat(gateway.consumer, " reads no EdDSA, and ",
                       IssuerName(id),
                       " signs with nothing else; add an algorithm to its "
                       "policy first"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<GatewayStatus> GatewayManager::StatusOf(
    ReadTransaction& txn, domain::Gateway gateway) {
  const absl::Time now = runner_.clock_guard().Read().trusted;
  GatewayStatus status;
  ASSIGN_OR_RETURN(const auto views, txn.ListViews(gateway.id, IssuerId()));
  for (const IssuerId& id : gateway.issuers) {
    GatewayStanding standing;
    standing.issuer = id;
    for (const domain::GatewayView& view : views) {
      if (view.issuer == id) standing.view = view;
    }
    ASSIGN_OR_RETURN(const auto issuer, txn.FindIssuer(id));
    if (issuer) {
      standing.published = issuer->revision;
      standing.horizon =
          domain::HorizonOf(gateway, domain::LongestMaxAge(*issuer, now));
    }
    status.issuers.push_back(std::move(standing));
  }
  status.gateway = std::move(gateway);
  return status;
}

absl::StatusOr<GatewayStatus> GatewayManager::Finish(
    const Request& request, const GatewayId& id,
    const domain::Gateway& planned) {
  GatewayStatus status;
  if (!request.validate_only) RETURN_IF_ERROR(directory_.Load(runner_.store()));
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    domain::Gateway gateway = planned;
    if (!request.validate_only) {
      ASSIGN_OR_RETURN(gateway, GetGateway(txn, id));
    }
    ASSIGN_OR_RETURN(status, StatusOf(txn, std::move(gateway)));
    return absl::OkStatus();
  }));
  return status;
}

absl::StatusOr<GatewayStatus> GatewayManager::Create(const Request& request,
                                                     domain::Gateway gateway) {
  const std::string name = GatewayName(gateway.id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageGateways, name).status());
  Normalise(gateway);
  RETURN_IF_ERROR(Check(gateway));
  gateway.created_by = request.caller.Principal();
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        RETURN_IF_ERROR(CheckIssuers(change.txn(), gateway));
        gateway.create_time = gateway.update_time = change.now();
        RETURN_IF_ERROR(change.txn().InsertGateway(gateway));
        change.Record("gateway.created", name, DetailOf(gateway));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return Finish(request, gateway.id, gateway);
}

absl::StatusOr<GatewayStatus> GatewayManager::Get(const Request& request,
                                                  const GatewayId& id) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadGateways, GatewayName(id)));
  if (access == Access::kOwn && request.caller.name != id.value()) {
    return runner_.Denied(request, GatewayName(id), NotFound(GatewayName(id)));
  }
  GatewayStatus status;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(auto gateway, GetGateway(txn, id));
    ASSIGN_OR_RETURN(status, StatusOf(txn, std::move(gateway)));
    return absl::OkStatus();
  }));
  return status;
}

absl::StatusOr<Page<GatewayStatus>> GatewayManager::List(
    const Request& request, const PageRequest& page) {
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadGateways, "gateways"));
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string after,
                   ParsePageToken("gateways", "", page.token));
  Page<GatewayStatus> result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    result = {};
    ASSIGN_OR_RETURN(auto gateways, txn.ListGateways(after, size + 1));
    if (static_cast<int>(gateways.size()) > size) {
      gateways.pop_back();
      result.next_token =
          MakePageToken("gateways", "", gateways.back().id.value());
    }
    for (domain::Gateway& gateway : gateways) {
      if (access == Access::kOwn && gateway.id.value() != request.caller.name) {
        continue;
      }
      ASSIGN_OR_RETURN(auto status, StatusOf(txn, std::move(gateway)));
      result.items.push_back(std::move(status));
    }
    return absl::OkStatus();
  }));
  return result;
}

absl::StatusOr<GatewayStatus> GatewayManager::Update(
    const Request& request, const GatewayId& id, const std::string& etag,
    const std::function<absl::Status(domain::Gateway&)>& apply) {
  const std::string name = GatewayName(id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageGateways, name).status());
  domain::Gateway gateway;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(gateway, GetGateway(change.txn(), id));
        RETURN_IF_ERROR(CheckEtag(name, etag, gateway.rev));
        RETURN_IF_ERROR(apply(gateway));
        Normalise(gateway);
        RETURN_IF_ERROR(Check(gateway));
        RETURN_IF_ERROR(CheckIssuers(change.txn(), gateway));
        gateway.update_time = change.now();
        RETURN_IF_ERROR(change.txn().UpdateGateway(gateway));
        RETURN_IF_ERROR(EndConfirmationsOf(change.txn(), id, gateway.issuers,
                                           request.caller.Principal(),
                                           change.now())
                            .status());
        change.Record("gateway.updated", name, DetailOf(gateway));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return Finish(request, id, gateway);
}

absl::Status GatewayManager::Delete(const Request& request,
                                    const GatewayId& id) {
  const std::string name = GatewayName(id);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kManageGateways, name).status());
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        RETURN_IF_ERROR(GetGateway(change.txn(), id).status());
        ASSIGN_OR_RETURN(
            const int ended,
            EndConfirmationsOf(change.txn(), id, {}, request.caller.Principal(),
                               change.now()));
        RETURN_IF_ERROR(change.txn().DeleteGateway(id));
        change.Record("gateway.deleted", name,
                      WriteJson({{"confirmations_ended", ended}}));
        change.SetResult(name);
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return request.validate_only ? absl::OkStatus()
                               : directory_.Load(runner_.store());
}

}  // namespace warder::app
