#include "server/rpc/issuer_service.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

absl::StatusOr<app::CreateIssuerCommand> ToCommand(
    const v1::CreateIssuerRequest& message) {
  app::CreateIssuerCommand command;
  ASSIGN_OR_RETURN(command.id, ParseIssuerId("issuer_id", message.issuer_id()));
  const v1::Issuer& issuer = message.issuer();
  command.issuer_uri = issuer.issuer_uri();
  command.display_name = issuer.display_name();
  command.drill = issuer.drill();
  ASSIGN_OR_RETURN(command.owner,
                   ParseOwnerName("issuer.owner", issuer.owner()));
  ASSIGN_OR_RETURN(command.deputies,
                   OwnersFromProto("deputies", issuer.deputies()));
  ASSIGN_OR_RETURN(command.policy, FromProto(issuer.policy()));
  ASSIGN_OR_RETURN(command.grants, GrantsFromProto(issuer));
  return command;
}

absl::StatusOr<app::UpdateIssuerCommand> ToCommand(
    const v1::UpdateIssuerRequest& message) {
  app::UpdateIssuerCommand command;
  const v1::Issuer& issuer = message.issuer();
  ASSIGN_OR_RETURN(command.id, ParseIssuerName("issuer.name", issuer.name()));
  command.etag = issuer.etag();
  if (message.update_mask().paths().empty()) {
    return FieldError("update_mask", "names no field");
  }
  for (const std::string& path : message.update_mask().paths()) {
    if (path == "display_name") {
      command.display_name = issuer.display_name();
    } else if (path == "owner") {
      ASSIGN_OR_RETURN(command.owner,
                       ParseOwnerName("issuer.owner", issuer.owner()));
    } else if (path == "deputies") {
      ASSIGN_OR_RETURN(command.deputies,
                       OwnersFromProto("deputies", issuer.deputies()));
    } else if (path == "policy") {
      ASSIGN_OR_RETURN(command.policy, FromProto(issuer.policy()));
    } else if (path == "grants") {
      ASSIGN_OR_RETURN(command.grants, GrantsFromProto(issuer));
    } else if (path == "legal_hold") {
      command.legal_hold = issuer.legal_hold();
    } else {
      return FieldError("update_mask",
                        absl::StrCat("\"", path.substr(0, 64),
                                     "\" cannot be changed; display_name, "
                                     "owner, deputies, policy, grants and "
                                     "legal_hold can"));
    }
  }
  return command;
}

v1::Issuer::Risk ToProto(domain::Risk risk) {
  switch (risk) {
    case domain::Risk::kOrphaned: return v1::Issuer::ORPHANED_ISSUER;
    case domain::Risk::kOwnerLeaves: return v1::Issuer::OWNER_LEAVES;
    case domain::Risk::kDeputiesLeave: return v1::Issuer::DEPUTIES_LEAVE;
    case domain::Risk::kOneDeputy: return v1::Issuer::ONE_DEPUTY;
  }
  return v1::Issuer::RISK_UNSPECIFIED;
}

}  // namespace

grpc::Status IssuerService::CreateIssuer(grpc::ServerContext* context,
                                         const v1::CreateIssuerRequest* request,
                                         v1::Issuer* response) {
  return Handle(
      shared_, context, "warder.v1.IssuerService/CreateIssuer",
      app::Permission::kWriteIssuers, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
        ASSIGN_OR_RETURN(const auto issuer, issuers_.Create(call, command));
        ToProto(issuer, response);
        return absl::OkStatus();
      });
}

grpc::Status IssuerService::GetIssuer(grpc::ServerContext* context,
                                      const v1::GetIssuerRequest* request,
                                      v1::Issuer* response) {
  return Handle(shared_, context, "warder.v1.IssuerService/GetIssuer",
                app::Permission::kReadIssuers, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto id,
                                   ParseIssuerName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto issuer, issuers_.Get(call, id));
                  ToProto(issuer, response);
                  return absl::OkStatus();
                });
}

grpc::Status IssuerService::ListIssuers(grpc::ServerContext* context,
                                        const v1::ListIssuersRequest* request,
                                        v1::ListIssuersResponse* response) {
  return Handle(
      shared_, context, "warder.v1.IssuerService/ListIssuers",
      app::Permission::kReadIssuers, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto page,
                         issuers_.List(call,
                                       {.size = request->page_size(),
                                        .token = request->page_token()},
                                       request->at_risk_only()));
        for (const auto& standing : page.items) {
          v1::Issuer* issuer = response->add_issuers();
          ToProto(standing.issuer, issuer);
          for (const auto risk : standing.risks) {
            issuer->add_risks(ToProto(risk));
          }
        }
        response->set_next_page_token(page.next_token);
        return absl::OkStatus();
      });
}

grpc::Status IssuerService::UpdateIssuer(grpc::ServerContext* context,
                                         const v1::UpdateIssuerRequest* request,
                                         v1::Issuer* response) {
  return Handle(
      shared_, context, "warder.v1.IssuerService/UpdateIssuer",
      app::Permission::kWriteIssuers, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
        ASSIGN_OR_RETURN(const auto issuer, issuers_.Update(call, command));
        ToProto(issuer, response);
        return absl::OkStatus();
      });
}

grpc::Status IssuerService::RotateKey(grpc::ServerContext* context,
                                      const v1::RotateKeyRequest* request,
                                      v1::Key* response) {
  return Handle(
      shared_, context, "warder.v1.IssuerService/RotateKey",
      app::Permission::kWriteIssuers, *request, [&](const app::Request& call) {
        app::RotateKeyCommand command;
        ASSIGN_OR_RETURN(command.issuer,
                         ParseIssuerName("name", request->name()));
        ASSIGN_OR_RETURN(command.algorithm,
                         FromProto("algorithm", request->algorithm()));
        command.immediate = request->immediate();
        ASSIGN_OR_RETURN(const auto key, issuers_.Rotate(call, command));
        ToProto(key, response);
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
