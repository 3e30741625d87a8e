// warder.v1.SubjectService as use cases. Stateless, but for the streams that
// are open.
#ifndef WARDER_SERVER_RPC_SUBJECT_SERVICE_H_
#define WARDER_SERVER_RPC_SUBJECT_SERVICE_H_

#include "server/app/subject_manager.h"
#include "server/rpc/handler.h"
#include "server/rpc/open_streams.h"
#include "warder/v1/subject.grpc.pb.h"

namespace warder::rpc {

class SubjectService final : public v1::SubjectService::Service {
 public:
  // What the arguments refer to outlives this.
  SubjectService(HandlerContext shared, app::SubjectManager& subjects)
      : shared_(shared), subjects_(subjects) {}

  grpc::Status LoadSubjects(grpc::ServerContext* context,
                            grpc::ServerReader<v1::LoadSubjectsRequest>* reader,
                            v1::SubjectSet* response) override;
  grpc::Status GetSubjectSet(grpc::ServerContext* context,
                             const v1::GetSubjectSetRequest* request,
                             v1::SubjectSet* response) override;
  grpc::Status DeleteSubjectSet(
      grpc::ServerContext* context, const v1::DeleteSubjectSetRequest* request,
      v1::DeleteSubjectSetResponse* response) override;
  grpc::Status FetchSubjectFilter(
      grpc::ServerContext* context,
      const v1::FetchSubjectFilterRequest* request,
      v1::FetchSubjectFilterResponse* response) override;

  // Ends the streams, and those that begin later: they would hold up the drain.
  void EndStreams() { streams_.End(); }

 private:
  const HandlerContext shared_;
  app::SubjectManager& subjects_;
  OpenStreams streams_;
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_SUBJECT_SERVICE_H_
