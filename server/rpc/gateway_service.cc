#include "server/rpc/gateway_service.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/app/etag.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

// Unset where it is infinite.
template <typename Out>
void WriteBound(absl::Duration bound, Out mutable_out) {
  if (bound < absl::InfiniteDuration()) ToProto(bound, mutable_out());
}

void Write(const domain::Probe& probe, v1::Gateway::Probe* out) {
  out->set_url(probe.url);
  out->set_header(probe.header);
  out->set_cookie(probe.cookie);
  out->set_audience(probe.audience);
  for (const int status : probe.accepted) out->add_accepted(status);
  for (const int status : probe.refused) out->add_refused(status);
  out->set_local(probe.local);
}

void Write(const app::GatewayStanding& standing, v1::Gateway::Standing* out) {
  out->set_issuer(IssuerName(standing.issuer));
  out->set_published_revision(standing.published);
  out->set_revision(standing.view.revision);
  if (standing.view.revision > 0) {
    ToProto(standing.view.time, out->mutable_since());
    ToProto(standing.view.heard_time, out->mutable_heard_time());
  }
  out->set_source(standing.view.source);
  out->set_acknowledged(standing.view.acknowledged);
  WriteBound(standing.horizon.expected,
             [&] { return out->mutable_expected(); });
  WriteBound(standing.horizon.latest, [&] { return out->mutable_latest(); });
  out->set_why(standing.horizon.why);
  out->set_next(standing.horizon.next);
}

v1::Gateway::Reach Wire(domain::Reach reach) {
  switch (reach) {
    case domain::Reach::kStream: return v1::Gateway::STREAM;
    case domain::Reach::kPoll: return v1::Gateway::POLL;
    case domain::Reach::kManual: return v1::Gateway::MANUAL;
  }
  return v1::Gateway::REACH_UNSPECIFIED;
}

void Write(const app::GatewayStatus& status, v1::Gateway* out) {
  const domain::Gateway& gateway = status.gateway;
  out->set_name(GatewayName(gateway.id));
  out->set_display_name(gateway.display_name);
  out->set_contact(gateway.contact);
  out->set_consumer(gateway.consumer);
  out->set_version(gateway.version);
  out->set_reach(Wire(gateway.reach));
  for (const IssuerId& issuer : gateway.issuers) {
    out->add_issuers(IssuerName(issuer));
  }
  if (gateway.cache) ToProto(*gateway.cache, out->mutable_cache());
  for (const std::string& source : gateway.fetch_sources) {
    out->add_fetch_sources(source);
  }
  if (gateway.probe) Write(*gateway.probe, out->mutable_probe());
  for (const auto& [issuer, mode] : gateway.issuance_modes) {
    (*out->mutable_issuance_modes())[IssuerName(issuer)] = ToProto(mode);
  }
  out->set_created_by(gateway.created_by);
  ToProto(gateway.create_time, out->mutable_create_time());
  ToProto(gateway.update_time, out->mutable_update_time());
  out->set_etag(app::EtagOf(gateway.rev));
  for (const app::GatewayStanding& standing : status.issuers) {
    Write(standing, out->add_standings());
  }
}

absl::StatusOr<domain::Reach> ReachOf(v1::Gateway::Reach reach) {
  switch (reach) {
    case v1::Gateway::REACH_UNSPECIFIED:
    case v1::Gateway::POLL: return domain::Reach::kPoll;
    case v1::Gateway::STREAM: return domain::Reach::kStream;
    case v1::Gateway::MANUAL: return domain::Reach::kManual;
    default:
      return FieldError("reach", absl::StrCat(static_cast<int>(reach),
                                              " is not STREAM, POLL or "
                                              "MANUAL"));
  }
}

absl::StatusOr<std::vector<IssuerId>> IssuersOf(const v1::Gateway& gateway) {
  std::vector<IssuerId> issuers;
  for (int i = 0; i < gateway.issuers_size(); ++i) {
    ASSIGN_OR_RETURN(
        issuers.emplace_back(),
        ParseIssuerName(absl::StrCat("issuers[", i, "]"), gateway.issuers(i)));
  }
  return issuers;
}

absl::StatusOr<std::map<IssuerId, domain::IssuanceMode>> ModesOf(
    const v1::Gateway& gateway) {
  std::map<IssuerId, domain::IssuanceMode> modes;
  for (const auto& [name, mode] : gateway.issuance_modes()) {
    ASSIGN_OR_RETURN(const IssuerId issuer,
                     ParseIssuerName("issuance_modes", name));
    ASSIGN_OR_RETURN(modes[issuer], FromProto("issuance_modes", mode));
  }
  return modes;
}

std::optional<domain::Probe> ProbeOf(const v1::Gateway& gateway) {
  if (!gateway.has_probe()) return std::nullopt;
  const v1::Gateway::Probe& given = gateway.probe();
  domain::Probe probe;
  probe.url = given.url();
  if (!given.header().empty() || !given.cookie().empty()) {
    probe.header = given.header();
  }
  probe.cookie = given.cookie();
  probe.audience = given.audience();
  if (given.accepted_size() > 0) {
    probe.accepted.assign(given.accepted().begin(), given.accepted().end());
  }
  if (given.refused_size() > 0) {
    probe.refused.assign(given.refused().begin(), given.refused().end());
  }
  probe.local = given.local();
  return probe;
}

// Every field that a caller may set; Apply knows how.
constexpr const char* kFields[] = {
    "display_name", "contact", "consumer",      "version", "reach",
    "issuers",      "cache",   "fetch_sources", "probe",   "issuance_modes"};

absl::Status Apply(absl::string_view field, const v1::Gateway& from,
                   domain::Gateway& to) {
  if (field == "display_name") {
    to.display_name = from.display_name();
  } else if (field == "contact") {
    to.contact = from.contact();
  } else if (field == "consumer") {
    to.consumer = from.consumer();
  } else if (field == "version") {
    to.version = from.version();
  } else if (field == "reach") {
    ASSIGN_OR_RETURN(to.reach, ReachOf(from.reach()));
  } else if (field == "issuers") {
    ASSIGN_OR_RETURN(to.issuers, IssuersOf(from));
  } else if (field == "cache") {
    to.cache.reset();
    if (from.has_cache()) {
      ASSIGN_OR_RETURN(to.cache, FromProto("cache", from.cache()));
    }
  } else if (field == "fetch_sources") {
    to.fetch_sources.assign(from.fetch_sources().begin(),
                            from.fetch_sources().end());
  } else if (field == "probe") {
    to.probe = ProbeOf(from);
  } else if (field == "issuance_modes") {
    ASSIGN_OR_RETURN(to.issuance_modes, ModesOf(from));
  } else {
    return FieldError("update_mask",
                      absl::StrCat("\"", field.substr(0, 64),
                                   "\" cannot be changed; display_name, "
                                   "contact, consumer, version, reach, "
                                   "issuers, cache, fetch_sources, probe and "
                                   "issuance_modes can"));
  }
  return absl::OkStatus();
}

std::string BoundText(const domain::CacheBound& bound) {
  switch (bound.kind) {
    case domain::CacheBound::Kind::kWithin: return DurationText(bound.time);
    case domain::CacheBound::Kind::kMaxAge:
      return bound.time == absl::ZeroDuration()
                 ? "max-age"
                 : absl::StrCat("max-age, at least ", DurationText(bound.time));
    case domain::CacheBound::Kind::kTokenExpiry: return "token expiry";
    case domain::CacheBound::Kind::kUnbounded:
      return absl::StrCat("unbounded: ", bound.why);
  }
  return "";
}

}  // namespace

grpc::Status GatewayService::CreateGateway(
    grpc::ServerContext* context, const v1::CreateGatewayRequest* request,
    v1::Gateway* response) {
  return Handle(
      shared_, context, "warder.v1.GatewayService/CreateGateway",
      app::Permission::kManageGateways, *request,
      [&](const app::Request& call) -> absl::Status {
        domain::Gateway gateway;
        ASSIGN_OR_RETURN(gateway.id,
                         ParseGatewayId("gateway_id", request->gateway_id()));
        for (const char* field : kFields) {
          RETURN_IF_ERROR(Apply(field, request->gateway(), gateway));
        }
        ASSIGN_OR_RETURN(const auto made, gateways_.Create(call, gateway));
        Write(made, response);
        return absl::OkStatus();
      });
}

grpc::Status GatewayService::GetGateway(grpc::ServerContext* context,
                                        const v1::GetGatewayRequest* request,
                                        v1::Gateway* response) {
  return Handle(shared_, context, "warder.v1.GatewayService/GetGateway",
                app::Permission::kReadGateways, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseGatewayName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto found, gateways_.Get(call, id));
                  Write(found, response);
                  return absl::OkStatus();
                });
}

grpc::Status GatewayService::ListGateways(
    grpc::ServerContext* context, const v1::ListGatewaysRequest* request,
    v1::ListGatewaysResponse* response) {
  return Handle(shared_, context, "warder.v1.GatewayService/ListGateways",
                app::Permission::kReadGateways, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(
                      const auto page,
                      gateways_.List(call, {.size = request->page_size(),
                                            .token = request->page_token()}));
                  for (const auto& status : page.items) {
                    Write(status, response->add_gateways());
                  }
                  response->set_next_page_token(page.next_token);
                  return absl::OkStatus();
                });
}

grpc::Status GatewayService::UpdateGateway(
    grpc::ServerContext* context, const v1::UpdateGatewayRequest* request,
    v1::Gateway* response) {
  return Handle(
      shared_, context, "warder.v1.GatewayService/UpdateGateway",
      app::Permission::kManageGateways, *request,
      [&](const app::Request& call) -> absl::Status {
        const v1::Gateway& wanted = request->gateway();
        ASSIGN_OR_RETURN(const auto id,
                         ParseGatewayName("gateway.name", wanted.name()));
        const auto& paths = request->update_mask().paths();
        if (paths.empty()) {
          return FieldError("update_mask", "names no field");
        }
        ASSIGN_OR_RETURN(
            const auto updated,
            gateways_.Update(call, id, wanted.etag(),
                             [&](domain::Gateway& gateway) -> absl::Status {
                               for (const std::string& path : paths) {
                                 RETURN_IF_ERROR(Apply(path, wanted, gateway));
                               }
                               return absl::OkStatus();
                             }));
        Write(updated, response);
        return absl::OkStatus();
      });
}

grpc::Status GatewayService::DeleteGateway(
    grpc::ServerContext* context, const v1::DeleteGatewayRequest* request,
    v1::DeleteGatewayResponse*) {
  return Handle(shared_, context, "warder.v1.GatewayService/DeleteGateway",
                app::Permission::kManageGateways, *request,
                [&](const app::Request& call) -> absl::Status {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseGatewayName("name", request->name()));
                  return gateways_.Delete(call, id);
                });
}

grpc::Status GatewayService::ListConsumers(
    grpc::ServerContext* context, const v1::ListConsumersRequest* request,
    v1::ListConsumersResponse* response) {
  return Handle(shared_, context, "warder.v1.GatewayService/ListConsumers",
                app::Permission::kReadStatus, *request,
                [&](const app::Request&) -> absl::Status {
                  for (const domain::Consumer& row : domain::Consumers()) {
                    v1::Consumer& out = *response->add_consumers();
                    out.set_id(row.id);
                    out.set_display_name(row.name);
                    out.set_versions(row.versions);
                    ToProto(row.default_cache, out.mutable_default_cache());
                    out.set_cache_setting(row.cache_setting);
                    out.set_reaches_us(BoundText(row.healthy));
                    out.set_cut_off(BoundText(row.down));
                    out.set_reads_eddsa(row.reads_eddsa);
                    out.set_notes(row.notes);
                  }
                  return absl::OkStatus();
                });
}

}  // namespace warder::rpc
