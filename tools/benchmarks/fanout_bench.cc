// The floor under `bench_watch`: gRPC's own callback streams over TLS, one to a
// connection, and a message of a key set's size sent to all of them, with
// nothing decided, stored or verified on either side.
//
//   bench_fanout DIRECTORY STREAMS
//
// DIRECTORY holds a certificate of "localhost" that signed itself and its key:
// certificate.pem, key.pem. Server and clients are two processes, as there.
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "client/client.h"
#include "tools/benchmarks/report.h"
#include "warder/v1/watch.grpc.pb.h"

namespace warder::bench {
namespace {

using Request = v1::WatchKeySetsRequest;
using Response = v1::WatchKeySetsResponse;

constexpr char kAddress[] = "127.0.0.1:23999";
constexpr int kRounds = 12;
constexpr size_t kBytes = 220;  // of a set with one key

class Service final : public v1::WatchService::CallbackService {
 public:
  grpc::ServerBidiReactor<Request, Response>* WatchKeySets(
      grpc::CallbackServerContext*) override {
    auto* stream = new Stream();
    std::lock_guard<std::mutex> lock(mu_);
    streams_.push_back(stream);
    return stream;
  }
  void SendToAll() {
    std::lock_guard<std::mutex> lock(mu_);
    for (Stream* stream : streams_) stream->Send();
  }

 private:
  // Lives as long as the process.
  class Stream final : public grpc::ServerBidiReactor<Request, Response> {
   public:
    Stream() {
      response_.mutable_key_set()->set_jwks(std::string(kBytes, 'x'));
    }
    void Send() { StartWrite(&response_); }
    void OnDone() override {}

   private:
    Response response_;
  };

  std::mutex mu_;
  std::vector<Stream*> streams_;
};

// Sends once for each byte that it reads, and writes when it began to.
[[noreturn]] void Serve(const std::string& directory, int orders, int times) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Service service;
  grpc::SslServerCredentialsOptions tls(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = ReadText(directory + "/certificate.pem");
  tls.pem_key_cert_pairs.push_back(
      {ReadText(directory + "/key.pem"), tls.pem_root_certs});
  grpc::ServerBuilder builder;
  builder.AddListeningPort(kAddress, grpc::SslServerCredentials(tls));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  char order = 0;
  while (server != nullptr && read(orders, &order, 1) == 1) {
    const int64_t now = absl::ToUnixNanos(absl::Now());
    service.SendToAll();
    if (write(times, &now, sizeof(now)) != sizeof(now)) break;
  }
  _exit(1);
}

std::atomic<int> received = 0;

class Stream final : public grpc::ClientBidiReactor<Request, Response> {
 public:
  explicit Stream(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::WatchService::NewStub(channel)) {
    stub_->async()->WatchKeySets(&context_, this);
    StartRead(&response_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    time_ = absl::Now();
    ++received;
    StartRead(&response_);
  }
  absl::Time time() const { return time_; }

 private:
  std::unique_ptr<v1::WatchService::Stub> stub_;
  grpc::ClientContext context_;
  Response response_;
  std::atomic<absl::Time> time_ = absl::InfinitePast();
};

void Run(const std::string& directory, int streams) {
  int orders[2], times[2];
  if (pipe(orders) != 0 || pipe(times) != 0) exit(1);
  if (fork() == 0) Serve(directory, orders[0], times[1]);
  const std::string certificate = ReadText(directory + "/certificate.pem");
  const grpc::SslCredentialsOptions tls{
      certificate, ReadText(directory + "/key.pem"), certificate};
  std::vector<std::unique_ptr<Stream>> all;
  for (int i = 0; i < streams; ++i) {
    grpc::ChannelArguments arguments = client::ChannelArguments();
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(
        kAddress, grpc::SslCredentials(tls), arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() +
                                   std::chrono::seconds(20))) {
      std::cerr << kAddress << " does not answer\n";
      exit(1);
    }
    all.push_back(std::make_unique<Stream>(channel));
  }
  absl::SleepFor(absl::Seconds(1));  // until the last is known there
  std::vector<double> after;
  for (int round = 0; round < kRounds; ++round) {
    received = 0;
    int64_t began = 0;
    if (write(orders[1], "s", 1) != 1 ||
        read(times[0], &began, sizeof(began)) != sizeof(began)) {
      exit(1);
    }
    while (received < streams) absl::SleepFor(absl::Milliseconds(1));
    for (const auto& stream : all) {
      after.push_back(absl::ToDoubleMilliseconds(stream->time() -
                                                 absl::FromUnixNanos(began)));
    }
    absl::SleepFor(absl::Milliseconds(300));
  }
  std::sort(after.begin(), after.end());
  Report("revoke", absl::StrCat("bare_grpc_p99_ms_", streams),
         after[after.size() * 99 / 100], 0, /*lower_is_better=*/true);
  _exit(0);  // with the streams open: nobody waits for them
}

}  // namespace
}  // namespace warder::bench

int main(int argc, char** argv) {
  int streams = 0;
  if (argc != 3 || !absl::SimpleAtoi(argv[2], &streams) || streams < 1) {
    std::cerr << "bench_fanout DIRECTORY STREAMS\n";
    return 2;
  }
  warder::bench::Run(argv[1], streams);
}
