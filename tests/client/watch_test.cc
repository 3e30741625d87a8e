#include "client/watch.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "client/observe.h"
#include "server/crypto/system_random.h"
#include "tests/support/status_matchers.h"
#include "warder/v1/watch.grpc.pb.h"

namespace warder::client {
namespace {

// Sends one set to whoever watches, and notes when it is acknowledged.
class OneSetServer final : public v1::WatchService::Service {
 public:
  explicit OneSetServer(absl::Duration acknowledge_within)
      : within_(acknowledge_within) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~OneSetServer() override { server_->Shutdown(); }

  grpc::Status WatchKeySets(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::WatchKeySetsResponse,
                               v1::WatchKeySetsRequest>* stream) override {
    v1::WatchKeySetsRequest request;
    if (!stream->Read(&request)) return grpc::Status::OK;
    v1::WatchKeySetsResponse response;
    v1::PublishedKeySet& set = *response.mutable_key_set();
    set.set_issuer("issuers/shop");
    set.set_fingerprint("f");
    if (within_ > absl::ZeroDuration()) {
      auto& within = *set.mutable_acknowledge_within();
      within.set_seconds(within_ / absl::Seconds(1));
      within.set_nanos(static_cast<int32_t>(
          absl::ToInt64Nanoseconds(within_ % absl::Seconds(1))));
    }
    const absl::Duration sent = clock_.Uptime();
    stream->Write(response);
    while (stream->Read(&request)) {
      if (request.held_size() == 0) continue;
      MutexLock lock(&mu_);
      acknowledged_after_ = clock_.Uptime() - sent;
    }
    return grpc::Status::OK;
  }

  std::shared_ptr<grpc::Channel> Connect() const {
    return grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_),
                               grpc::InsecureChannelCredentials());
  }
  std::optional<absl::Duration> acknowledged_after() {
    MutexLock lock(&mu_);
    return acknowledged_after_;
  }

 private:
  const absl::Duration within_;
  int port_ = 0;
  SystemClock clock_;
  std::unique_ptr<grpc::Server> server_;
  Mutex mu_;
  std::optional<absl::Duration> acknowledged_after_ ABSL_GUARDED_BY(mu_);
};

class CountingSink final : public KeySetSink {
 public:
  absl::Status Apply(const PublishedSet&) override {
    ++applied;
    return absl::OkStatus();
  }
  void Confirm(const std::vector<std::string>&, absl::Duration) override {}
  std::map<std::string, std::string> Held() override { return {}; }
  std::atomic<int> applied = 0;
};

class WatchTest : public testing::Test {
 protected:
  // Returns whether it came true within the patience of a test.
  static bool Await(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    return condition();
  }
  std::unique_ptr<KeySetWatcher> Watch(const OneSetServer& server) {
    auto watcher = std::make_unique<KeySetWatcher>(
        server.Connect(), sink_, clock_, random_,
        WatchOptions{.instance = "test"});
    watcher->Start();
    return watcher;
  }

  SystemClock clock_;
  crypto::SystemRandom random_;
  CountingSink sink_;
};

TEST(SourceClassTest, AddressesAtHomeAreTold) {
  for (const char* home :
       {"127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.0.9", "169.254.1.1",
        "::1", "fe80::1", "fd00::7", "::ffff:10.0.0.1"}) {
    EXPECT_EQ(SourceClassOf(home), v1::SOURCE_CLASS_PRIVATE) << home;
  }
  for (const char* away : {"192.0.2.7", "172.32.0.1", "2001:db8::1", "8.8.8.8",
                           "::ffff:192.0.2.7"}) {
    EXPECT_EQ(SourceClassOf(away), v1::SOURCE_CLASS_PUBLIC) << away;
  }
  for (const char* none : {"", "-", "unix:", "192.0.2.7:80", "example.com"}) {
    EXPECT_EQ(SourceClassOf(none), v1::SOURCE_CLASS_UNSPECIFIED) << none;
  }
}

TEST_F(WatchTest, WhatIsEnforcedIsAcknowledged) {
  OneSetServer server(absl::ZeroDuration());
  const auto watcher = Watch(server);
  EXPECT_TRUE(Await([&] { return server.acknowledged_after().has_value(); }));
  EXPECT_EQ(sink_.applied, 1);
}

TEST_F(WatchTest, OneOfManyAcknowledgesInTheLaterHalfOfItsTime) {
  OneSetServer server(absl::Milliseconds(400));
  const auto watcher = Watch(server);
  ASSERT_TRUE(Await([&] { return server.acknowledged_after().has_value(); }));
  EXPECT_GE(server.acknowledged_after(), absl::Milliseconds(190));
}

TEST_F(WatchTest, WhoStopsWaitsForNoAcknowledgementThatIsDueLater) {
  OneSetServer server(absl::Seconds(10));
  const auto watcher = Watch(server);
  ASSERT_TRUE(Await([&] { return sink_.applied == 1; }));
  const absl::Duration before = clock_.Uptime();
  watcher->Stop();
  EXPECT_LT(clock_.Uptime() - before, absl::Seconds(4));
}

}  // namespace
}  // namespace warder::client
