#include "server/rpc/owner_service.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

absl::StatusOr<OwnerId> DeputyOf(const v1::Owner& owner) {
  if (owner.deputy().empty()) return OwnerId();
  return ParseOwnerName("owner.deputy", owner.deputy());
}

template <typename Message>
absl::StatusOr<std::optional<absl::Time>> InstantOf(const Message& message) {
  if (message.has_last_day()) {
    if (message.has_instant()) {
      return FieldError("last_day", "comes instead of instant, not with it");
    }
    return FromProto(message.last_day());
  }
  if (!message.has_instant()) return std::nullopt;
  return FromProto("instant", message.instant());
}

absl::StatusOr<app::ReportDepartureCommand> ToCommand(
    const v1::ReportDepartureRequest& message) {
  app::ReportDepartureCommand command;
  ASSIGN_OR_RETURN(command.owner, ParseOwnerName("name", message.name()));
  ASSIGN_OR_RETURN(command.instant, InstantOf(message));
  command.time_zone = message.last_day().time_zone();
  if (message.has_plan()) {
    ASSIGN_OR_RETURN(command.plan, PlanFromProto(message.plan()));
  }
  return command;
}

absl::StatusOr<app::CreateOwnerCommand> ToCommand(
    const v1::CreateOwnerRequest& message) {
  app::CreateOwnerCommand command;
  const v1::Owner& owner = message.owner();
  ASSIGN_OR_RETURN(command.id, ParseOwnerId("owner_id", message.owner_id()));
  command.display_name = owner.display_name();
  command.contact = owner.contact();
  command.external_id = owner.external_id();
  ASSIGN_OR_RETURN(command.deputy, DeputyOf(owner));
  if (owner.kind() == v1::Owner::TEAM) {
    command.kind = domain::OwnerKind::kTeam;
  } else if (owner.kind() != v1::Owner::PERSON &&
             owner.kind() != v1::Owner::KIND_UNSPECIFIED) {
    return FieldError("owner.kind", absl::StrCat(static_cast<int>(owner.kind()),
                                                 " is not PERSON or TEAM"));
  }
  ASSIGN_OR_RETURN(command.members,
                   OwnersFromProto("owner.members", owner.members()));
  return command;
}

absl::StatusOr<app::UpdateOwnerCommand> ToCommand(
    const v1::UpdateOwnerRequest& message) {
  app::UpdateOwnerCommand command;
  const v1::Owner& owner = message.owner();
  ASSIGN_OR_RETURN(command.id, ParseOwnerName("owner.name", owner.name()));
  command.etag = owner.etag();
  if (message.update_mask().paths().empty()) {
    return FieldError("update_mask", "names no field");
  }
  for (const std::string& path : message.update_mask().paths()) {
    if (path == "display_name") {
      command.display_name = owner.display_name();
    } else if (path == "contact") {
      command.contact = owner.contact();
    } else if (path == "external_id") {
      command.external_id = owner.external_id();
    } else if (path == "deputy") {
      ASSIGN_OR_RETURN(command.deputy, DeputyOf(owner));
    } else if (path == "members") {
      ASSIGN_OR_RETURN(command.members,
                       OwnersFromProto("owner.members", owner.members()));
    } else {
      return FieldError("update_mask",
                        absl::StrCat("\"", path.substr(0, 64),
                                     "\" cannot be changed; display_name, "
                                     "contact, external_id, deputy and members "
                                     "can"));
    }
  }
  return command;
}

}  // namespace

grpc::Status OwnerService::CreateOwner(grpc::ServerContext* context,
                                       const v1::CreateOwnerRequest* request,
                                       v1::Owner* response) {
  return Handle(
      shared_, context, "warder.v1.OwnerService/CreateOwner",
      app::Permission::kWriteOwners, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
        ASSIGN_OR_RETURN(const auto owner, owners_.Create(call, command));
        ToProto(owner, response);
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::GetOwner(grpc::ServerContext* context,
                                    const v1::GetOwnerRequest* request,
                                    v1::Owner* response) {
  return Handle(shared_, context, "warder.v1.OwnerService/GetOwner",
                app::Permission::kReadOwners, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseOwnerName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto owner, owners_.Get(call, id));
                  ToProto(owner, response);
                  return absl::OkStatus();
                });
}

grpc::Status OwnerService::ListOwners(grpc::ServerContext* context,
                                      const v1::ListOwnersRequest* request,
                                      v1::ListOwnersResponse* response) {
  return Handle(
      shared_, context, "warder.v1.OwnerService/ListOwners",
      app::Permission::kReadOwners, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto page,
                         owners_.List(call, {.size = request->page_size(),
                                             .token = request->page_token()}));
        for (const auto& owner : page.items) {
          ToProto(owner, response->add_owners());
        }
        response->set_next_page_token(page.next_token);
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::UpdateOwner(grpc::ServerContext* context,
                                       const v1::UpdateOwnerRequest* request,
                                       v1::Owner* response) {
  return Handle(
      shared_, context, "warder.v1.OwnerService/UpdateOwner",
      app::Permission::kWriteOwners, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
        ASSIGN_OR_RETURN(const auto owner, owners_.Update(call, command));
        ToProto(owner, response);
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::ReportDeparture(
    grpc::ServerContext* context, const v1::ReportDepartureRequest* request,
    v1::Departure* response) {
  return Handle(shared_, context, "warder.v1.OwnerService/ReportDeparture",
                app::Permission::kReportDeparture, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
                  ASSIGN_OR_RETURN(const auto departure,
                                   departures_.Report(call, command));
                  ToProto(departure, response);
                  return absl::OkStatus();
                });
}

grpc::Status OwnerService::PlanDeparture(
    grpc::ServerContext* context, const v1::PlanDepartureRequest* request,
    v1::Departure* response) {
  return Handle(shared_, context, "warder.v1.OwnerService/PlanDeparture",
                app::Permission::kReportDeparture, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseOwnerName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto instant, InstantOf(*request));
                  ASSIGN_OR_RETURN(const auto plan,
                                   departures_.Plan(call, id, instant));
                  ToProto(plan, response);
                  return absl::OkStatus();
                });
}

grpc::Status OwnerService::GetDeparture(grpc::ServerContext* context,
                                        const v1::GetDepartureRequest* request,
                                        v1::Departure* response) {
  return Handle(
      shared_, context, "warder.v1.OwnerService/GetDeparture",
      app::Permission::kReadOwners, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto id,
                         ParseOwnerName("name", request->name()));
        ASSIGN_OR_RETURN(const auto departure, departures_.Get(call, id));
        ToProto(departure, response);
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::GetLeaverCertificate(
    grpc::ServerContext* context,
    const v1::GetLeaverCertificateRequest* request,
    v1::LeaverCertificate* response) {
  return Handle(shared_, context, "warder.v1.OwnerService/GetLeaverCertificate",
                app::Permission::kReadExposures, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseOwnerName("name", request->name()));
                  ASSIGN_OR_RETURN(*response->mutable_jws(),
                                   certificates_.Make(call, id));
                  return absl::OkStatus();
                });
}

grpc::Status OwnerService::CancelDeparture(
    grpc::ServerContext* context, const v1::CancelDepartureRequest* request,
    v1::Owner* response) {
  return Handle(shared_, context, "warder.v1.OwnerService/CancelDeparture",
                app::Permission::kReportDeparture, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseOwnerName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto owner,
                                   departures_.Cancel(call, id));
                  ToProto(owner, response);
                  return absl::OkStatus();
                });
}

grpc::Status OwnerService::ConfirmOwner(grpc::ServerContext* context,
                                        const v1::ConfirmOwnerRequest* request,
                                        v1::Owner* response) {
  return Handle(
      shared_, context, "warder.v1.OwnerService/ConfirmOwner",
      app::Permission::kWriteOwners, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto id,
                         ParseOwnerName("name", request->name()));
        ASSIGN_OR_RETURN(const auto owner, attestations_.Confirm(call, id));
        ToProto(owner, response);
        return absl::OkStatus();
      });
}

grpc::Status OwnerService::SuspendOwner(grpc::ServerContext* context,
                                        const v1::SuspendOwnerRequest* request,
                                        v1::Owner* response) {
  return Handle(
      shared_, context, "warder.v1.OwnerService/SuspendOwner",
      app::Permission::kWriteKeys, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto id,
                         ParseOwnerName("name", request->name()));
        ASSIGN_OR_RETURN(const auto owner, attestations_.Suspend(call, id));
        ToProto(owner, response);
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
