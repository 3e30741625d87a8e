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
    return FieldError(field, absl::StrCat("\"", name.substr(0, 80),
                                          "\" is not "
                                          "issuers/ISSUER/subjectSet"));
  }
  return ParseIssuerName(field, name);
}

void ToProto(const IssuerId& issuer, const app::SubjectSetFacts& facts,
             v1::SubjectSet* out) {
  out->set_name(app::SubjectSetName(issuer));
  out->set_count(static_cast<int64_t>(facts.count));
  rpc::ToProto(facts.load_time, out->mutable_load_time());
  out->set_loaded_by(facts.loaded_by);
  out->set_size_bytes(static_cast<int64_t>(facts.size_bytes));
}

// What comes of one load, message by message.
class Messages {
 public:
  Messages(grpc::ServerReader<v1::LoadSubjectsRequest>& reader,
           v1::LoadSubjectsRequest first)
      : reader_(reader), message_(std::move(first)) {}

  // As SubjectManager::Source.
  absl::StatusOr<bool> Next(std::vector<std::string>& more) {
    if (!std::exchange(is_first_, false) && !reader_.Read(&message_)) {
      // Half of a load, or a message that could not be read, is none.
      return FieldError("count",
                        absl::StrCat(seen_,
                                     " subjects came, and no message said "
                                     "that they are all"));
    }
    auto& subjects = *message_.mutable_subjects();
    seen_ += subjects.size();
    more.insert(more.end(), std::make_move_iterator(subjects.begin()),
                std::make_move_iterator(subjects.end()));
    if (!message_.has_count()) return true;
    if (message_.count() != seen_) {
      return FieldError("count", absl::StrCat(message_.count(), ", and ", seen_,
                                              " subjects came"));
    }
    return false;
  }

 private:
  grpc::ServerReader<v1::LoadSubjectsRequest>& reader_;
  v1::LoadSubjectsRequest message_;
  bool is_first_ = true;
  int64_t seen_ = 0;
};

}  // namespace

grpc::Status SubjectService::LoadSubjects(
    grpc::ServerContext* context,
    grpc::ServerReader<v1::LoadSubjectsRequest>* reader,
    v1::SubjectSet* response) {
  return Handle(
      shared_, context, "warder.v1.SubjectService/LoadSubjects",
      app::Permission::kWriteIssuers, v1::LoadSubjectsRequest(),
      [&](app::Request call) -> absl::Status {
        RETURN_IF_ERROR(
            shared_.runner
                .Authorize(call, app::Permission::kWriteIssuers, "LoadSubjects")
                .status());
        ASSIGN_OR_RETURN(const OpenStreams::Place place,
                         streams_.Enter(call.caller, *context));
        v1::LoadSubjectsRequest message;
        if (!reader->Read(&message)) {
          return FieldError("parent", "no message came");
        }
        ASSIGN_OR_RETURN(const IssuerId issuer,
                         ParseIssuerName("parent", message.parent()));
        call.validate_only = message.validate_only();
        const bool allow_fewer = message.allow_fewer();
        Messages messages(*reader, std::move(message));
        ASSIGN_OR_RETURN(const app::SubjectSetFacts facts,
                         subjects_.Load(call, issuer, allow_fewer,
                                        [&](std::vector<std::string>& more) {
                                          return messages.Next(more);
                                        }));
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
