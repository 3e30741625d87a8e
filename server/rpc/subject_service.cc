#include "server/rpc/subject_service.h"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/rpc/convert.h"

namespace warder::rpc {
namespace {

constexpr absl::string_view kSuffix = "/subjectSet";

absl::StatusOr<IssuerId> ParseSetName(absl::string_view field,
                                      absl::string_view name) {
  if (!absl::ConsumeSuffix(&name, kSuffix)) {
    return FieldError(field, "wanted is issuers/ISSUER/subjectSet");
  }
  return ParseIssuerName(field, name);
}

void ToProto(const IssuerId& issuer, const app::SubjectSetFacts& facts,
             v1::SubjectSet* out) {
  out->set_name(absl::StrCat(IssuerName(issuer), kSuffix));
  out->set_count(static_cast<int64_t>(facts.count));
  rpc::ToProto(facts.load_time, out->mutable_load_time());
  out->set_loaded_by(facts.loaded_by);
  out->set_size_bytes(static_cast<int64_t>(facts.size_bytes));
}

// Moves what came into `more`.
void TakeSubjects(v1::LoadSubjectsRequest& message,
                  std::vector<std::string>& more) {
  auto& subjects = *message.mutable_subjects();
  more.insert(more.end(), std::make_move_iterator(subjects.begin()),
              std::make_move_iterator(subjects.end()));
}

}  // namespace

grpc::Status SubjectService::LoadSubjects(
    grpc::ServerContext* context,
    grpc::ServerReader<v1::LoadSubjectsRequest>* reader,
    v1::SubjectSet* response) {
  return Handle(
      shared_, context, "warder.v1.SubjectService/LoadSubjects",
      app::Permission::kWriteIssuers, v1::LoadSubjectsRequest(),
      [&](app::Request call) -> absl::Status {
        ASSIGN_OR_RETURN(const OpenStreams::Place place,
                         streams_.Enter(call.caller, *context));
        v1::LoadSubjectsRequest message;
        if (!reader->Read(&message)) {
          return FieldError("parent", "no message came");
        }
        ASSIGN_OR_RETURN(const IssuerId issuer,
                         ParseIssuerName("parent", message.parent()));
        call.validate_only = message.validate_only();
        bool is_first = true;
        const auto source =
            [&](std::vector<std::string>& more) -> absl::StatusOr<bool> {
          if (!std::exchange(is_first, false) && !reader->Read(&message)) {
            // A load that was cut short is none.
            if (context->IsCancelled()) {
              return absl::CancelledError("the load was cut short");
            }
            return false;
          }
          TakeSubjects(message, more);
          return true;
        };
        ASSIGN_OR_RETURN(const app::SubjectSetFacts facts,
                         subjects_.Load(call, issuer, source));
        ToProto(issuer, facts, response);
        return absl::OkStatus();
      });
}

grpc::Status SubjectService::GetSubjectSet(
    grpc::ServerContext* context, const v1::GetSubjectSetRequest* request,
    v1::SubjectSet* response) {
  return Handle(
      shared_, context, "warder.v1.SubjectService/GetSubjectSet",
      app::Permission::kReadIssuers, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const IssuerId issuer,
                         ParseSetName("name", request->name()));
        ASSIGN_OR_RETURN(const auto facts, subjects_.Get(call, issuer));
        ToProto(issuer, facts, response);
        return absl::OkStatus();
      });
}

grpc::Status SubjectService::DeleteSubjectSet(
    grpc::ServerContext* context, const v1::DeleteSubjectSetRequest* request,
    v1::DeleteSubjectSetResponse*) {
  return Handle(shared_, context, "warder.v1.SubjectService/DeleteSubjectSet",
                app::Permission::kWriteIssuers, *request,
                [&](const app::Request& call) {
                  ASSIGN_OR_RETURN(const IssuerId issuer,
                                   ParseSetName("name", request->name()));
                  return subjects_.Delete(call, issuer);
                });
}

grpc::Status SubjectService::FetchSubjectFilter(
    grpc::ServerContext* context, const v1::FetchSubjectFilterRequest* request,
    v1::FetchSubjectFilterResponse* response) {
  return Handle(
      shared_, context, "warder.v1.SubjectService/FetchSubjectFilter",
      app::Permission::kCheckIssued, *request, [&](const app::Request& call) {
        ASSIGN_OR_RETURN(const IssuerId issuer,
                         ParseIssuerName("issuer", request->issuer()));
        ASSIGN_OR_RETURN(auto part,
                         subjects_.FetchPart(call, issuer, request->part(),
                                             request->held()));
        response->set_load(part.load);
        response->set_parts(static_cast<int32_t>(part.parts));
        response->set_secret(std::move(part.secret));
        response->set_filter(std::move(part.filter));
        return absl::OkStatus();
      });
}

}  // namespace warder::rpc
