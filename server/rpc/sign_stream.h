// One SignJwtStream: what arrives while a write to the ledger is under way goes
// into the next one.
//
//     reader thread ──> queue, bounded ──> sign, record, answer
#ifndef WARDER_SERVER_RPC_SIGN_STREAM_H_
#define WARDER_SERVER_RPC_SIGN_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <condition_variable>
#include <vector>

#include "server/app/token_signer.h"
#include "server/base/mutex.h"
#include "warder/v1/token.grpc.pb.h"

namespace warder::rpc {

class SignStream {
 public:
  using Stream =
      grpc::ServerReaderWriter<v1::SignJwtStreamResponse, v1::SignJwtRequest>;

  // All outlive this. `call` says who asks.
  SignStream(app::TokenSigner& signer, const app::Request& call,
             grpc::ServerContext& context, Stream& stream)
      : signer_(signer), call_(call), context_(context), stream_(stream) {}

  // Answers until the caller has no more to ask, or is gone.
  void Run();

 private:
  // Read and not taken yet; no more are read before there is room.
  static constexpr size_t kMostWaiting = 1000;
  static constexpr size_t kMostWaitingBytes = 4 << 20;

  void Read();
  // Returns what has arrived, at least one; empty: there will be no more.
  std::vector<v1::SignJwtRequest> Take();
  // Returns whether all answers were sent.
  bool Answer(const std::vector<v1::SignJwtRequest>& requests);

  app::TokenSigner& signer_;
  const app::Request& call_;
  grpc::ServerContext& context_;
  Stream& stream_;

  Mutex mu_;
  std::condition_variable_any changed_;
  std::vector<v1::SignJwtRequest> waiting_ ABSL_GUARDED_BY(mu_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool over_ ABSL_GUARDED_BY(mu_) = false;  // nothing more is read
};

}  // namespace warder::rpc

#endif  // WARDER_SERVER_RPC_SIGN_STREAM_H_
