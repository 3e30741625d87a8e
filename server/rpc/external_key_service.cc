#include "server/rpc/external_key_service.h"

#include <string>
#include <vector>

#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

template <typename Message>
absl::StatusOr<absl::Duration> LeaseOf(const Message& message) {
  if (!message.has_lease()) return app::RegisterKeyCommand::kDefaultLease;
  return FromProto("lease", message.lease());
}

}  // namespace

grpc::Status ExternalKeyService::CreateKeyChallenge(
    grpc::ServerContext* context, const v1::CreateKeyChallengeRequest* request,
    v1::KeyChallenge* response) {
  return Handle(
      shared_, context, "warder.v1.ExternalKeyService/CreateKeyChallenge",
      app::Permission::kSignTokens, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const auto issuer,
                         ParseIssuerName("parent", request->parent()));
        ASSIGN_OR_RETURN(const auto challenge,
                         keys_.CreateChallenge(call, issuer));
        response->set_text(challenge.text);
        response->set_issuer_uri(challenge.issuer_uri);
        ToProto(challenge.expire_time, response->mutable_expire_time());
        return absl::OkStatus();
      });
}

grpc::Status ExternalKeyService::RegisterExternalKey(
    grpc::ServerContext* context, const v1::RegisterExternalKeyRequest* request,
    v1::Key* response) {
  return Handle(
      shared_, context, "warder.v1.ExternalKeyService/RegisterExternalKey",
      app::Permission::kSignTokens, *request,
      [&](const app::Request& call) -> absl::Status {
        app::RegisterKeyCommand command;
        ASSIGN_OR_RETURN(command.issuer,
                         ParseIssuerName("parent", request->parent()));
        ASSIGN_OR_RETURN(command.lease, LeaseOf(*request));
        command.public_jwk = request->public_jwk();
        command.challenge = request->challenge();
        command.proof = request->proof();
        command.immediate = request->immediate();
        ASSIGN_OR_RETURN(const auto key, keys_.Register(call, command));
        ToProto(key, response);
        return absl::OkStatus();
      });
}

grpc::Status ExternalKeyService::RenewKeyLease(
    grpc::ServerContext* context, const v1::RenewKeyLeaseRequest* request,
    v1::Key* response) {
  return Handle(
      shared_, context, "warder.v1.ExternalKeyService/RenewKeyLease",
      app::Permission::kSignTokens, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const auto name,
                         ParseKeyName("name", request->name()));
        ASSIGN_OR_RETURN(const absl::Duration lease, LeaseOf(*request));
        ASSIGN_OR_RETURN(const auto key,
                         keys_.Renew(call, name.first, name.second, lease));
        ToProto(key, response);
        return absl::OkStatus();
      });
}

grpc::Status ExternalKeyService::ReportIssuance(
    grpc::ServerContext* context, const v1::ReportIssuanceRequest* request,
    v1::ReportIssuanceResponse*) {
  return Handle(
      shared_, context, "warder.v1.ExternalKeyService/ReportIssuance",
      app::Permission::kSignTokens, *request,
      [&](const app::Request& call) -> absl::Status {
        ASSIGN_OR_RETURN(const auto name,
                         ParseKeyName("name", request->name()));
        const std::vector<std::string> inputs(request->signing_inputs().begin(),
                                              request->signing_inputs().end());
        return reporter_.Report(call, name.first, name.second, inputs);
      });
}

}  // namespace warder::rpc
