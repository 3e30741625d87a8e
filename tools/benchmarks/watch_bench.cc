// Streaming verifiers against a real warderd: after how long every one of them
// refuses the keys of somebody who has left, what each costs the server, and
// how long it takes until all are back after it was killed.
//
//   bench_watch --warderd PATH --watchers N [--per-connection N]
//               [--departures N] [--memory] [--storm]
//
// Each watcher has a Verifier of its own and, unless --per-connection says how
// many share one, a TLS connection, as a process would; the server and all of
// them share the machine's cores. A time begins with the instant at which the
// departure is recorded, in the server's transaction, and ends when the
// watcher's Verifier refuses.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/client.h"
#include "client/verify/verifier.h"
#include "client/watch.h"
#include "server/base/clock.h"
#include "server/base/lock_cycles.h"
#include "server/base/strict_json.h"
#include "server/crypto/system_random.h"
#include "server/main/data_directory.h"
#include "tools/benchmarks/report.h"
#include "tools/benchmarks/signer_client.h"
#include "warder/v1/exposure.grpc.pb.h"
#include "warder/v1/gateway.grpc.pb.h"
#include "warder/v1/issuer.grpc.pb.h"
#include "warder/v1/key.grpc.pb.h"
#include "warder/v1/owner.grpc.pb.h"

namespace warder::bench {
namespace {

constexpr int kOfOneGateway = 1000;

struct Flags {
  std::string warderd;
  int watchers = 1000;
  int per_connection = 1;
  int departures = 10;
  bool memory = false, storm = false;
};

void Say(const std::string& what) { std::cerr << what << std::endl; }

// A warderd of its own, as another process.
class Server {
 public:
  explicit Server(const std::string& binary) : binary_(binary) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "warder-bench-XXXXXX")
            .string();
    directory = mkdtemp(pattern.data());
    std::ofstream(directory + "/warderd.yaml")
        << "data_directory: " << directory << "/data\nlog_level: error\n"
        << "grpc:\n  address: 127.0.0.1:" << port() << "\n"
        << "public:\n  address: 127.0.0.1:" << port() + 1 << "\n"
        << "hr:\n  address: 127.0.0.1:" << port() + 2 << "\n"
        << "ops:\n  address: 127.0.0.1:" << port() + 3 << "\n";
    Config config;
    config.data_directory = directory + "/data";
    SystemClock clock;
    profile_file =
        Must(InitDataDirectory(config, "admin", clock.TimeNow())).profile_file;
    Start();
  }
  ~Server() {
    Kill(SIGTERM);
    std::filesystem::remove_all(directory);
  }

  // Returns once it listens.
  void Start() {
    const std::string config = directory + "/warderd.yaml";
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // whatever ends the benchmark
      execl(binary_.c_str(), binary_.c_str(), "serve", "--config",
            config.c_str(), nullptr);
      _exit(127);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 600; ++i) {
      const int probe = socket(AF_INET, SOCK_STREAM, 0);
      const int connected = connect(
          probe, reinterpret_cast<sockaddr*>(&address), sizeof(address));
      close(probe);
      if (connected == 0) return;
      absl::SleepFor(absl::Milliseconds(50));
    }
    std::cerr << binary_ << " does not listen\n";
    exit(1);
  }
  void Kill(int signal) {
    if (pid_ <= 0) return;
    kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // Resident bytes.
  double Memory() const {
    std::ifstream status(absl::StrCat("/proc/", pid_, "/status"));
    std::string word;
    double kilobytes = 0;
    while (status >> word) {
      if (word == "VmRSS:") status >> kilobytes;
    }
    return kilobytes * 1024;
  }
  static int port() { return 21000 + static_cast<int>(getpid() % 9000); }

  std::string directory, profile_file;

 private:
  const std::string binary_;
  pid_t pid_ = 0;
};

// One verifier with a stream of its own.
class Watcher : public client::KeySetSink {
 public:
  Watcher(const std::shared_ptr<grpc::Channel>& channel, int index,
          SystemClock& clock, Random& random)
      : clock_(clock), verifier_(Options(), clock) {
    client::WatchOptions options;
    options.instance = absl::StrCat("w", index);
    stream_ = std::make_unique<client::KeySetWatcher>(channel, *this, clock,
                                                      random, options);
  }

  static std::shared_ptr<grpc::Channel> Connect(
      const grpc::SslCredentialsOptions& identity) {
    grpc::ChannelArguments arguments = client::ChannelArguments();
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", Server::port()),
                                     grpc::SslCredentials(identity), arguments);
  }

  absl::Status Apply(const client::PublishedSet& set) override {
    absl::Status status = verifier_.Apply(set);
    applied_ = clock_.TimeNow();
    revision_ = set.revision;
    return status;
  }
  void Confirm(const std::vector<std::string>&, absl::Duration age) override {
    verifier_.Confirm(age);
    confirmed_ = true;
  }
  std::map<std::string, std::string> Held() override { return {}; }

  client::KeySetWatcher& stream() { return *stream_; }
  int64_t revision() const { return revision_; }
  bool confirmed() const { return confirmed_; }
  void Forget() { confirmed_ = false; }
  absl::Time applied() const { return applied_; }

 private:
  static client::VerifierOptions Options() {
    client::VerifierOptions options;
    options.audiences = {"https://api.example"};
    return options;
  }

  SystemClock& clock_;
  client::Verifier verifier_;
  std::atomic<int64_t> revision_ = 0;
  std::atomic<bool> confirmed_ = false;
  std::atomic<absl::Time> applied_ = absl::InfinitePast();
  std::unique_ptr<client::KeySetWatcher> stream_;
};

class Bench {
 public:
  explicit Bench(const Flags& flags) : flags_(flags), server_(flags.warderd) {
    profile_ = Must(client::LoadProfile(server_.profile_file,
                                        [](const std::string&) { return ""; }));
    profile_.address = absl::StrCat("localhost:", Server::port());
    admin_ = Must(client::Client::Connect(
        profile_, random_, clock_.TimeNow(),
        [](absl::Duration pause) { absl::SleepFor(pause); }));
    for (const char* id : {"alice", "bob"}) CreateOwner(id);
    v1::CreateIssuerRequest issuer;
    issuer.set_issuer_id("shop");
    issuer.mutable_issuer()->set_owner("owners/alice");
    issuer.mutable_issuer()->add_deputies("owners/bob");
    Must(admin_->Call(&v1::IssuerService::Stub::CreateIssuer, issuer));
  }

  ~Bench() {
    stopping_ = true;
    for (std::thread& thread : tickers_) thread.join();
    // One after the other would take its time: each waits for its stream.
    std::vector<std::thread> enders;
    for (int t = 0; t < 16; ++t) {
      enders.emplace_back([this, t] {
        for (size_t i = static_cast<size_t>(t); i < watchers_.size(); i += 16) {
          watchers_[i]->stream().Stop();
        }
      });
    }
    for (std::thread& thread : enders) thread.join();
  }

  void ConnectAll() {
    const double before = server_.Memory();
    for (int first = 0; first < flags_.watchers; first += kOfOneGateway) {
      const auto identity =
          IdentityOf(absl::StrCat("fleet-", first / kOfOneGateway));
      const int end = std::min(first + kOfOneGateway, flags_.watchers);
      std::shared_ptr<grpc::Channel> channel;
      for (int i = first; i < end; ++i) {
        if (i % flags_.per_connection == 0) {
          channel = Watcher::Connect(identity);
        }
        watchers_.push_back(
            std::make_unique<Watcher>(channel, i, clock_, random_));
      }
    }
    // One thread looks after many: none of them needs one of its own.
    for (size_t t = 0; t < 2; ++t) {
      tickers_.emplace_back([this, t] {
        while (!stopping_) {
          for (size_t i = t; i < watchers_.size(); i += 2) {
            watchers_[i]->stream().Tick();
          }
          absl::SleepFor(absl::Milliseconds(100));
        }
      });
    }
    const double took = AwaitAllConfirmed();
    Say(absl::StrCat(flags_.watchers, " watch after ", took, " s"));
    if (!flags_.memory) return;
    absl::SleepFor(absl::Seconds(2));
    Report("watch", "bytes_per_watcher",
           (server_.Memory() - before) / flags_.watchers, 0,
           /*lower_is_better=*/true);
    Report("watch", "server_mb", server_.Memory() / 1e6, 0,
           /*lower_is_better=*/true);
  }

  // Everybody comes back at once.
  void Storm() {
    for (auto& watcher : watchers_) watcher->Forget();
    server_.Kill(SIGKILL);
    const double start = Seconds();
    server_.Start();
    AwaitAllConfirmed();
    Report("watch", absl::StrCat("reconnect_s_", flags_.watchers),
           Seconds() - start, 0, /*lower_is_better=*/true);
  }

  void Depart() {
    std::vector<double> times;
    for (int i = 0; i < flags_.departures; ++i) {
      const absl::Time recorded = OneDeparture(absl::StrCat("leaver-", i));
      const int64_t revision = RevisionNow();
      for (auto& watcher : watchers_) {
        while (watcher->revision() < revision) {
          absl::SleepFor(absl::Milliseconds(1));
        }
        times.push_back(
            absl::ToDoubleMilliseconds(watcher->applied() - recorded));
      }
      absl::SleepFor(absl::Milliseconds(300));
    }
    std::sort(times.begin(), times.end());
    const auto at = [&](double share) {
      return times[static_cast<size_t>(
          std::ceil(share * static_cast<double>(times.size() - 1)))];
    };
    const std::string suffix = absl::StrCat(
        flags_.watchers, flags_.per_connection > 1 ? "_shared" : "");
    Report("revoke", absl::StrCat("p50_ms_", suffix), at(0.5), 0,
           /*lower_is_better=*/true);
    Report("revoke", absl::StrCat("p99_ms_", suffix), at(0.99),
           flags_.watchers == 1000 ? 50 : 0, /*lower_is_better=*/true);
  }

 private:
  void CreateOwner(const std::string& id) {
    v1::CreateOwnerRequest request;
    request.set_owner_id(id);
    Must(admin_->Call(&v1::OwnerService::Stub::CreateOwner, request));
  }

  grpc::SslCredentialsOptions IdentityOf(const std::string& gateway) {
    v1::CreateGatewayRequest request;
    request.set_gateway_id(gateway);
    request.mutable_gateway()->set_consumer("libwarder");
    request.mutable_gateway()->set_reach(v1::Gateway::STREAM);
    request.mutable_gateway()->add_issuers("issuers/shop");
    Must(admin_->Call(&v1::GatewayService::Stub::CreateGateway, request));
    const client::Profile profile = Must(
        IssueProfile(*admin_, profile_, "gateway", gateway, server_.directory));
    return {.pem_root_certs = ReadText(profile.authority),
            .pem_private_key = ReadText(profile.private_key),
            .pem_cert_chain = ReadText(profile.certificate)};
  }

  double AwaitAllConfirmed() {
    const double start = Seconds();
    double said = start;
    for (size_t i = 0; i < watchers_.size();) {
      if (watchers_[i]->confirmed()) {
        ++i;
        continue;
      }
      absl::SleepFor(absl::Milliseconds(5));
      if (Seconds() - said > 5) {
        said = Seconds();
        Say(absl::StrCat("  ", i, " of ", watchers_.size(), " watch"));
      }
      if (Seconds() - start > 300) {
        std::cerr << watchers_[i]->stream().status().last_error << "\n";
        exit(1);
      }
    }
    return Seconds() - start;
  }

  int64_t RevisionNow() {
    v1::GetIssuerRequest request;
    request.set_name("issuers/shop");
    return Must(admin_->Call(&v1::IssuerService::Stub::GetIssuer, request,
                             /*reads_only=*/true))
        .revision();
  }

  // Somebody who read the key that signs leaves. Returns when that was
  // recorded.
  absl::Time OneDeparture(const std::string& leaver) {
    v1::ListKeysRequest list;
    list.set_parent("issuers/shop");
    list.set_state(v1::KEY_STATE_ACTIVE);
    const auto keys = Must(admin_->Call(&v1::KeyService::Stub::ListKeys, list,
                                        /*reads_only=*/true));
    CreateOwner(leaver);
    v1::DeclareExposureRequest exposed;
    exposed.mutable_exposure()->set_key(keys.keys(0).name());
    exposed.mutable_exposure()->set_person(leaver);
    exposed.mutable_exposure()->set_kind(v1::Exposure::HELD);
    exposed.mutable_exposure()->mutable_from_time()->set_seconds(
        absl::ToUnixSeconds(clock_.TimeNow()) - 1);
    Must(admin_->Call(&v1::ExposureService::Stub::DeclareExposure, exposed));
    v1::ReportDepartureRequest request;
    request.set_name(absl::StrCat("owners/", leaver));
    const auto departure =
        Must(admin_->Call(&v1::OwnerService::Stub::ReportDeparture, request));
    const auto& time = departure.effect_time();
    return absl::FromUnixSeconds(time.seconds()) +
           absl::Nanoseconds(time.nanos());
  }

  const Flags flags_;
  SystemClock clock_;
  crypto::SystemRandom random_;
  Server server_;
  client::Profile profile_;
  std::unique_ptr<client::Client> admin_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  std::vector<std::thread> tickers_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace
}  // namespace warder::bench

int main(int argc, char** argv) {
  using namespace warder;
  bench::Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--memory") {
      flags.memory = true;
    } else if (flag == "--storm") {
      flags.storm = true;
    } else if (flag == "--warderd") {
      flags.warderd = value, ++i;
    } else if ((flag != "--watchers" ||
                !absl::SimpleAtoi(value, &flags.watchers)) &&
               (flag != "--per-connection" ||
                !absl::SimpleAtoi(value, &flags.per_connection)) &&
               (flag != "--departures" ||
                !absl::SimpleAtoi(value, &flags.departures))) {
      std::cerr << "what is " << flag << " " << value << "?\n";
      return 2;
    } else {
      ++i;
    }
  }
  // As warder-agent does.
  IgnoreLockCycles();
  bench::Bench bench(flags);
  bench.ConnectAll();
  if (flags.departures > 0) bench.Depart();
  if (flags.storm) bench.Storm();
  return 0;
}
