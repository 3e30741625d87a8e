#include "server/rpc/ledger_service.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

// Of what is not known nothing is said.
app::SourceClass ClassOf(v1::SourceClass source) {
  switch (source) {
    case v1::SOURCE_CLASS_PRIVATE: return app::SourceClass::kPrivate;
    case v1::SOURCE_CLASS_PUBLIC: return app::SourceClass::kPublic;
    default: return app::SourceClass::kUnknown;
  }
}

v1::SourceClass WireOf(app::SourceClass source) {
  switch (source) {
    case app::SourceClass::kUnknown: return v1::SOURCE_CLASS_UNSPECIFIED;
    case app::SourceClass::kPrivate: return v1::SOURCE_CLASS_PRIVATE;
    case app::SourceClass::kPublic: return v1::SOURCE_CLASS_PUBLIC;
  }
  return v1::SOURCE_CLASS_UNSPECIFIED;
}

absl::StatusOr<app::CheckIssuedCommand> ToCommand(
    const v1::CheckIssuedRequest& request) {
  app::CheckIssuedCommand command;
  ASSIGN_OR_RETURN(command.issuer, ParseIssuerName("issuer", request.issuer()));
  command.token = request.token();
  command.source = request.source();
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

absl::StatusOr<domain::AlarmKind> KindOf(const std::string& field,
                                         v1::Violation violation) {
  switch (violation) {
    case v1::VIOLATION_UNKNOWN_KEY: return domain::AlarmKind::kUnknownKey;
    case v1::VIOLATION_DEAD_KEY: return domain::AlarmKind::kDeadKey;
    case v1::VIOLATION_OUTSIDE_SIGNING_LIFE:
      return domain::AlarmKind::kOutsideSigningLife;
    case v1::VIOLATION_LIFETIME: return domain::AlarmKind::kLifetime;
    case v1::VIOLATION_AUDIENCE: return domain::AlarmKind::kAudience;
    case v1::VIOLATION_FUTURE_IAT: return domain::AlarmKind::kFutureIat;
    case v1::VIOLATION_SILENT_KEY: return domain::AlarmKind::kSilentKey;
    case v1::VIOLATION_NEVER_ISSUED: return domain::AlarmKind::kNeverIssued;
    case v1::VIOLATION_UNKNOWN_SUBJECT:
      return domain::AlarmKind::kUnknownSubject;
    default:
      return FieldError(field, absl::StrCat(static_cast<int>(violation),
                                            " is no violation that is known"));
  }
}

absl::StatusOr<app::ObservationReport> ToReport(
    const v1::ReportObservationsRequest& request) {
  app::ObservationReport report;
  report.instance = request.instance();
  report.incarnation = request.incarnation();
  report.sequence = request.sequence();
  report.dropped = request.dropped();
  for (const v1::ObservedKey& key : request.keys()) {
    ASSIGN_OR_RETURN(const auto issuer,
                     ParseIssuerName("keys.issuer", key.issuer()));
    for (const v1::ObservedKey::Minute& minute : key.minutes()) {
      report.tokens.push_back(
          {.issuer = issuer,
           .kid = key.kid(),
           .minute = minute.minute(),
           .digests = {minute.digests().begin(), minute.digests().end()}});
    }
    if (key.counts().empty()) continue;
    app::ObservedCounts counts{
        .issuer = issuer, .kid = key.kid(), .counts = {}};
    for (const v1::SeenCount& count : key.counts()) {
      counts.counts.push_back({.audience = count.audience(),
                               .source = ClassOf(count.source()),
                               .tokens = count.tokens()});
    }
    report.counts.push_back(std::move(counts));
  }
  for (int i = 0; i < request.violations_size(); ++i) {
    const v1::ObservedViolation& wire = request.violations(i);
    const std::string at = absl::StrCat("violations[", i, "].");
    app::ObservedViolation seen;
    ASSIGN_OR_RETURN(seen.issuer,
                     ParseIssuerName(at + "issuer", wire.issuer()));
    ASSIGN_OR_RETURN(seen.kind, KindOf(at + "violation", wire.violation()));
    seen.signing_input = wire.signing_input();
    seen.signature_valid = wire.signature_valid();
    seen.seen_time = absl::InfiniteFuture();  // now, at the latest
    if (wire.has_seen_time()) {
      ASSIGN_OR_RETURN(seen.seen_time,
                       FromProto(at + "seen_time", wire.seen_time()));
    }
    seen.source = wire.source();
    report.violations.push_back(std::move(seen));
  }
  return report;
}

}  // namespace

grpc::Status LedgerService::CheckIssued(grpc::ServerContext* context,
                                        const v1::CheckIssuedRequest* request,
                                        v1::CheckIssuedResponse* response) {
  return Handle(shared_, context, "warder.v1.LedgerService/CheckIssued",
                app::Permission::kCheckIssued, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto command, ToCommand(*request));
                  ASSIGN_OR_RETURN(const auto answer, Ask(call, command));
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
        for (size_t i = 0; i < answers.size(); ++i) {
          RETURN_IF_ERROR(RaiseIfForged(call, commands[i], answers[i]));
          ToProto(answers[i], response->add_answers());
        }
        return absl::OkStatus();
      });
}

grpc::Status LedgerService::CheckIssuedStream(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::CheckIssuedResponse, v1::CheckIssuedRequest>*
        stream) {
  return Handle(
      shared_, context, "warder.v1.LedgerService/CheckIssuedStream",
      app::Permission::kCheckIssued, v1::CheckIssuedRequest(),
      [&](const app::Request& call) -> absl::Status {
        RETURN_IF_ERROR(shared_.runner
                            .Authorize(call, app::Permission::kCheckIssued,
                                       "CheckIssuedStream")
                            .status());
        ASSIGN_OR_RETURN(const OpenStreams::Place place,
                         streams_.Enter(call.caller, *context));
        v1::CheckIssuedRequest request;
        while (stream->Read(&request)) {
          ASSIGN_OR_RETURN(const auto command, ToCommand(request));
          ASSIGN_OR_RETURN(const auto answer, Ask(call, command));
          v1::CheckIssuedResponse response;
          ToProto(answer, &response);
          if (!stream->Write(response)) break;
        }
        return absl::OkStatus();
      });
}

absl::Status LedgerService::RaiseIfForged(
    const app::Request& call, const app::CheckIssuedCommand& command,
    const ledger::Answer& answer) {
  // Who asks until a forgery is taken for an honest token is heard.
  if (answer.verdict != ledger::Verdict::kNeverIssued ||
      call.caller.role != app::Role::kGateway) {
    return absl::OkStatus();
  }
  return observations_.RaiseForged(call, command);
}

absl::StatusOr<ledger::Answer> LedgerService::Ask(
    const app::Request& call, const app::CheckIssuedCommand& command) {
  ASSIGN_OR_RETURN(const auto answer, checker_.Check(call, command));
  RETURN_IF_ERROR(RaiseIfForged(call, command, answer));
  return answer;
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

grpc::Status LedgerService::FetchSegments(
    grpc::ServerContext* context, const v1::FetchSegmentsRequest* request,
    v1::FetchSegmentsResponse* response) {
  return Handle(
      shared_, context, "warder.v1.LedgerService/FetchSegments",
      app::Permission::kCheckIssued, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const auto issuer,
                         ParseIssuerName("issuer", request->issuer()));
        const std::vector<uint64_t> held(request->held().begin(),
                                         request->held().end());
        ASSIGN_OR_RETURN(
            auto handout,
            checker_.HandOut(call, issuer, request->ledger(), held));
        response->set_ledger(checker_.ledger_id());
        response->set_more(handout.more);
        for (auto& segment : handout.segments) {
          v1::FetchSegmentsResponse::Segment& wire = *response->add_segments();
          wire.set_file(segment.file);
          wire.set_minute(segment.minute);
          wire.set_filter(std::move(segment.filter));
        }
        for (const ledger::MinuteRange& range : handout.settled) {
          v1::FetchSegmentsResponse::Minutes& wire = *response->add_settled();
          wire.set_first(range.first);
          wire.set_last(range.last);
        }
        return absl::OkStatus();
      });
}

grpc::Status LedgerService::ReportObservations(
    grpc::ServerContext* context, const v1::ReportObservationsRequest* request,
    v1::ReportObservationsResponse* response) {
  return Handle(shared_, context, "warder.v1.LedgerService/ReportObservations",
                app::Permission::kReportObservations, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto report, ToReport(*request));
                  ASSIGN_OR_RETURN(const auto answer,
                                   observations_.Take(call, report));
                  response->mutable_never_issued()->Assign(
                      answer.never_issued.begin(), answer.never_issued.end());
                  response->set_not_judged(answer.not_judged);
                  ToProto(answer.interval, response->mutable_interval());
                  return absl::OkStatus();
                });
}

grpc::Status LedgerService::GetKeyUsage(grpc::ServerContext* context,
                                        const v1::GetKeyUsageRequest* request,
                                        v1::KeyUsage* response) {
  return Handle(shared_, context, "warder.v1.LedgerService/GetKeyUsage",
                app::Permission::kReadKeys, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const auto name,
                                   ParseKeyName("name", request->name()));
                  ASSIGN_OR_RETURN(const app::KeyUsageReport report,
                                   usage_.Get(call, name.first, name.second));
                  response->set_name(request->name());
                  for (const app::KeyUsageWindow& window : report.windows) {
                    v1::KeyUsage::Window& wire = *response->add_windows();
                    ToProto(window.start, wire.mutable_start_time());
                    wire.set_issued(static_cast<int64_t>(window.issued));
                    wire.set_observed(static_cast<int64_t>(window.observed));
                    wire.set_exact(window.exact);
                    wire.set_complete(window.complete);
                  }
                  for (const app::SeenCount& seen : report.seen) {
                    v1::SeenCount& wire = *response->add_seen();
                    wire.set_audience(seen.audience);
                    wire.set_source(WireOf(seen.source));
                    wire.set_tokens(seen.tokens);
                  }
                  for (const auto& [signer, tokens] : report.signers) {
                    (*response->mutable_signers())[signer] = tokens;
                  }
                  return absl::OkStatus();
                });
}

}  // namespace warder::rpc
