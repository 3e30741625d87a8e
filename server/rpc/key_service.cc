#include "server/rpc/key_service.h"

#include <utility>

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {

grpc::Status KeyService::IssueKey(grpc::ServerContext* context,
                                  const v1::IssueKeyRequest* request,
                                  v1::Key* response) {
  return Handle(
      shared_, context, "warder.v1.KeyService/IssueKey",
      app::Permission::kWriteKeys, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto issuer,
                         ParseIssuerName("parent", request->parent()));
        ASSIGN_OR_RETURN(const auto algorithm,
                         FromProto("algorithm", request->algorithm()));
        ASSIGN_OR_RETURN(const auto key, keys_.Issue(call, issuer, algorithm));
        ToProto(key, response);
        return absl::OkStatus();
      });
}

grpc::Status KeyService::GetKey(grpc::ServerContext* context,
                                const v1::GetKeyRequest* request,
                                v1::Key* response) {
  return Handle(shared_, context, "warder.v1.KeyService/GetKey",
                app::Permission::kReadKeys, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto name,
                                   ParseKeyName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto key,
                                   keys_.Get(call, name.first, name.second));
                  ToProto(key, response);
                  return absl::OkStatus();
                });
}

grpc::Status KeyService::ListKeys(grpc::ServerContext* context,
                                  const v1::ListKeysRequest* request,
                                  v1::ListKeysResponse* response) {
  return Handle(
      shared_, context, "warder.v1.KeyService/ListKeys",
      app::Permission::kReadKeys, *request, [&](const app::Request& call) {
        app::KeyFilter filter;
        if (!request->parent().empty()) {
          ASSIGN_OR_RETURN(filter.issuer,
                           ParseIssuerName("parent", request->parent()));
        }
        if (!request->owner().empty()) {
          ASSIGN_OR_RETURN(filter.owner,
                           ParseOwnerName("owner", request->owner()));
        }
        ASSIGN_OR_RETURN(filter.state, FromProto("state", request->state()));
        ASSIGN_OR_RETURN(const auto page,
                         keys_.List(call, filter,
                                    {.size = request->page_size(),
                                     .token = request->page_token()}));
        for (const auto& key : page.items) ToProto(key, response->add_keys());
        response->set_next_page_token(page.next_token);
        return absl::OkStatus();
      });
}

grpc::Status KeyService::RevokeKey(grpc::ServerContext* context,
                                   const v1::RevokeKeyRequest* request,
                                   v1::Key* response) {
  return Handle(shared_, context, "warder.v1.KeyService/RevokeKey",
                app::Permission::kRevokeKeys, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto name,
                                   ParseKeyName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto reason,
                                   FromProto("reason", request->reason()));
                  ASSIGN_OR_RETURN(const auto key,
                                   keys_.Revoke(call, {.issuer = name.first,
                                                       .key = name.second,
                                                       .reason = reason}));
                  ToProto(key, response);
                  return absl::OkStatus();
                });
}

grpc::Status KeyService::SuspendKey(grpc::ServerContext* context,
                                    const v1::SuspendKeyRequest* request,
                                    v1::Key* response) {
  return Handle(
      shared_, context, "warder.v1.KeyService/SuspendKey",
      app::Permission::kWriteKeys, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto name,
                         ParseKeyName("name", request->name()));
        ASSIGN_OR_RETURN(const auto key,
                         keys_.Suspend(call, name.first, name.second));
        ToProto(key, response);
        return absl::OkStatus();
      });
}

grpc::Status KeyService::ResumeKey(grpc::ServerContext* context,
                                   const v1::ResumeKeyRequest* request,
                                   v1::Key* response) {
  return Handle(shared_, context, "warder.v1.KeyService/ResumeKey",
                app::Permission::kWriteKeys, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto name,
                                   ParseKeyName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto key,
                                   keys_.Resume(call, name.first, name.second));
                  ToProto(key, response);
                  return absl::OkStatus();
                });
}

grpc::Status KeyService::DrainKey(grpc::ServerContext* context,
                                  const v1::DrainKeyRequest* request,
                                  v1::Key* response) {
  return Handle(shared_, context, "warder.v1.KeyService/DrainKey",
                app::Permission::kWriteKeys, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto name,
                                   ParseKeyName("name", request->name()));
                  ASSIGN_OR_RETURN(const auto key,
                                   keys_.Drain(call, name.first, name.second));
                  ToProto(key, response);
                  return absl::OkStatus();
                });
}

grpc::Status KeyService::CreateHoneyKey(
    grpc::ServerContext* context, const v1::CreateHoneyKeyRequest* request,
    v1::CreateHoneyKeyResponse* response) {
  return Handle(
      shared_, context, "warder.v1.KeyService/CreateHoneyKey",
      app::Permission::kWriteKeys, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const auto issuer,
                         ParseIssuerName("parent", request->parent()));
        ASSIGN_OR_RETURN(const auto algorithm,
                         FromProto("algorithm", request->algorithm()));
        ASSIGN_OR_RETURN(
            auto made,
            keys_.CreateHoney(call, issuer, request->place(), algorithm));
        ToProto(made.key, response->mutable_key());
        response->set_private_key(std::move(made.private_pem));
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
