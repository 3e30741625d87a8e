#include "server/rpc/ledger_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

absl::StatusOr<app::CheckIssuedCommand> ToCommand(
    const v1::CheckIssuedRequest& request) {
  app::CheckIssuedCommand command;
  ASSIGN_OR_RETURN(command.issuer, ParseIssuerName("issuer", request.issuer()));
  command.token = request.token();
  return command;
}

void ToProto(const ledger::Answer& answer, v1::CheckIssuedResponse* out) {
  switch (answer.verdict) {
    case ledger::Verdict::kIssued: out->set_verdict(v1::VERDICT_ISSUED); break;
    case ledger::Verdict::kNeverIssued:
      out->set_verdict(v1::VERDICT_NEVER_ISSUED);
      break;
    case ledger::Verdict::kIndeterminate:
      out->set_verdict(v1::VERDICT_INDETERMINATE);
      break;
  }
  out->set_reason(std::string(answer.why));
}

}  // namespace

grpc::Status LedgerService::CheckIssued(grpc::ServerContext* context,
                                        const v1::CheckIssuedRequest* request,
                                        v1::CheckIssuedResponse* response) {
  return Handle(
      shared_, context, "warder.v1.LedgerService/CheckIssued",
      app::Permission::kCheckIssued, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
        ASSIGN_OR_RETURN(const auto answer, checker_.Check(call, command));
        ToProto(answer, response);
        return absl::OkStatus();
      });
}

grpc::Status LedgerService::CheckIssuedBatch(
    grpc::ServerContext* context, const v1::CheckIssuedBatchRequest* request,
    v1::CheckIssuedBatchResponse* response) {
  return Handle(
      shared_, context, "warder.v1.LedgerService/CheckIssuedBatch",
      app::Permission::kCheckIssued, *request, [&](const app::Request& call) {
        std::vector<app::CheckIssuedCommand> commands;
        commands.reserve(static_cast<size_t>(request->requests_size()));
        for (const v1::CheckIssuedRequest& one : request->requests()) {
          auto command = ToCommand(one);
          if (!command.ok()) {
            return WithContext(command.status(),
                               absl::StrCat("requests[", commands.size(), "]"));
          }
          commands.push_back(*std::move(command));
        }
        ASSIGN_OR_RETURN(const auto answers,
                         checker_.CheckBatch(call, commands));
        for (const ledger::Answer& answer : answers) {
          ToProto(answer, response->add_answers());
        }
        return absl::OkStatus();
      });
}

grpc::Status LedgerService::CheckIssuedStream(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::CheckIssuedResponse, v1::CheckIssuedRequest>*
        stream) {
  return Handle(shared_, context, "warder.v1.LedgerService/CheckIssuedStream",
                app::Permission::kCheckIssued, v1::CheckIssuedRequest(),
                [&](const app::Request& call) {
                  v1::CheckIssuedRequest request;
                  while (stream->Read(&request)) {
                    ASSIGN_OR_RETURN(const auto command, ToCommand(request));
                    ASSIGN_OR_RETURN(const auto answer,
                                     checker_.Check(call, command));
                    v1::CheckIssuedResponse response;
                    ToProto(answer, &response);
                    if (!stream->Write(response)) break;
                  }
                  return absl::OkStatus();
                });
}

grpc::Status LedgerService::GetDigestSecrets(
    grpc::ServerContext* context, const v1::GetDigestSecretsRequest* request,
    v1::GetDigestSecretsResponse* response) {
  return Handle(
      shared_, context, "warder.v1.LedgerService/GetDigestSecrets",
      app::Permission::kCheckIssued, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto issuer,
                         ParseIssuerName("issuer", request->issuer()));
        const std::vector<uint32_t> hours(request->hours().begin(),
                                          request->hours().end());
        ASSIGN_OR_RETURN(auto secrets,
                         checker_.DigestSecrets(call, issuer, hours));
        for (std::string& secret : secrets) {
          response->add_secrets(std::move(secret));
        }
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
