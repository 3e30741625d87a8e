// SignJwt in process and over mTLS gRPC, each token durable in the ledger
// before its caller has it, against raw OpenSSL ES256 signing: server and
// clients on the core that `tools/bench` gives them. Each is measured between
// two runs of the raw signer, as a ratio to them, so that a noisy machine hits
// both alike; the median of the rounds counts.
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "client/client.h"
#include "server/base/log.h"
#include "server/crypto/private_key.h"
#include "server/crypto/system_random.h"
#include "server/main/data_directory.h"
#include "server/main/server.h"
#include "tools/benchmarks/in_process.h"
#include "tools/benchmarks/report.h"
#include "tools/benchmarks/signer_client.h"
#include "warder/v1/issuer.grpc.pb.h"
#include "warder/v1/owner.grpc.pb.h"
#include "warder/v1/token.grpc.pb.h"

namespace warder::bench {
namespace {

constexpr double kRoundSeconds = 0.25;
constexpr int kRounds = 15;

// What a service that held the key itself would do: digest and sign, with what
// can be prepared prepared.
class RawSigner {
 public:
  RawSigner() : key_(EVP_EC_gen("P-256")), context_(EVP_MD_CTX_new()) {}
  void operator()() {
    uint8_t signature[128];
    size_t size = sizeof(signature);
    if (EVP_DigestSignInit(context_, nullptr, EVP_sha256(), nullptr, key_) !=
            1 ||
        EVP_DigestSign(context_, signature, &size, input_, sizeof(input_)) !=
            1) {
      exit(1);
    }
    EVP_MD_CTX_reset(context_);
  }

 private:
  EVP_PKEY* const key_;
  EVP_MD_CTX* const context_;
  // As long as the signing input of the tokens below.
  const uint8_t input_[380] = {};
};

struct Setup {
  Setup() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "warder-bench-XXXXXX")
            .string();
    directory = mkdtemp(pattern.data());
    config.data_directory = directory + "/data";
    config.grpc_address = config.public_address = config.hr_address =
        config.ops_address = "127.0.0.1:0";
    SetLogLevel(LogLevel::kError);
    const auto made = Must(InitDataDirectory(config, "admin", clock.TimeNow()));
    server = Must(Server::Start(config));
    profile = Must(client::LoadProfile(
        made.profile_file, [](const std::string&) { return std::string(); }));
    profile.address = "localhost:" + std::to_string(server->grpc_port());
  }
  ~Setup() {
    server.reset();
    std::filesystem::remove_all(directory);
  }

  SystemClock clock;
  crypto::SystemRandom random;
  std::string directory;
  Config config;
  std::unique_ptr<Server> server;
  client::Profile profile;
};

// The same use case on the same vault without the wire.
struct InProcessSigner : InProcess {
  InProcessSigner() {
    request.caller = {app::Role::kSigner, "checkout"};
    command.issuer = shop;
    command.audiences = {"https://api.example"};
    command.subject = "user-0123456789";
  }

  void operator()() { Must(signer.Sign(request, command)); }

  // Returns tokens a second, in batches of the largest size.
  double BatchRate() {
    const std::vector<app::SignJwtCommand> commands(
        app::TokenSigner::kMostOfOneBatch, command);
    const double start = Seconds();
    double now = start, count = 0;
    while (now - start < kRoundSeconds) {
      count +=
          static_cast<double>(Must(signer.SignBatch(request, commands)).size());
      now = Seconds();
    }
    return count / (now - start);
  }

  app::Request request;
  app::SignJwtCommand command;
};

// What one way of signing came to, round by round.
class Rounds {
 public:
  void Add(double rate, double raw) {
    rates_.push_back(rate);
    ratios_.push_back(rate / raw);
  }
  void Report(absl::string_view metric) {
    const double rate = Median(rates_);
    bench::Report("sign", metric, rate, rate / Median(ratios_), false);
  }

 private:
  static double Median(std::vector<double>& values) {
    const auto middle = values.begin() + std::ssize(values) / 2;
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  std::vector<double> rates_, ratios_;
};

// What callers get who ask beside each other, each waiting for his answer.
class Callers {
 public:
  struct Result {
    double rate = 0;  // answers a second
    double p99_s = 0;
  };

  Callers(client::Client& client, const v1::SignJwtRequest& request)
      : client_(client), request_(request) {}

  Result Run() {
    std::vector<std::vector<double>> took(kCallers);
    std::vector<std::thread> threads;
    const double start = Seconds();
    for (auto& mine : took) {
      threads.emplace_back([&] {
        for (double now = Seconds(); now - start < kSeconds;) {
          Must(client_.Call(&v1::TokenService::Stub::SignJwt, request_));
          const double then = std::exchange(now, Seconds());
          mine.push_back(now - then);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<double> all;
    for (const auto& mine : took)
      all.insert(all.end(), mine.begin(), mine.end());
    std::sort(all.begin(), all.end());
    return {.rate = static_cast<double>(all.size()) / (Seconds() - start),
            .p99_s = all[all.size() * 99 / 100]};
  }

 private:
  static constexpr int kCallers = 16;
  static constexpr double kSeconds = 3;

  client::Client& client_;
  const v1::SignJwtRequest& request_;
};

int Main() {
  PrepareProcess();
  Setup setup;
  auto admin = Must(client::Client::Connect(setup.profile, setup.random,
                                            setup.clock.TimeNow(),
                                            [](absl::Duration) {}));
  for (const char* id : {"alice", "bob"}) {
    v1::CreateOwnerRequest owner;
    owner.set_owner_id(id);
    Must(admin->Call(&v1::OwnerService::Stub::CreateOwner, owner));
  }
  v1::CreateIssuerRequest issuer;
  issuer.set_issuer_id("shop");
  issuer.mutable_issuer()->set_owner("owners/alice");
  issuer.mutable_issuer()->add_deputies("owners/bob");
  auto* grant = issuer.mutable_issuer()->add_grants();
  grant->set_signer("checkout");
  grant->add_audiences("https://api.example");
  Must(admin->Call(&v1::IssuerService::Stub::CreateIssuer, issuer));
  auto caller = Must(SignerClient(*admin, setup.profile, setup.directory,
                                  setup.random, setup.clock.TimeNow()));
  v1::SignJwtRequest sign;
  sign.set_issuer("issuers/shop");
  sign.add_audiences("https://api.example");
  sign.set_subject("user-0123456789");

  RawSigner raw;
  InProcessSigner in_process;
  Rounds batch, unary, grpc;
  double raw_before = Rate(kRoundSeconds, raw);
  const auto measure = [&](Rounds& rounds, const auto& run) {
    const double rate = run();
    const double raw_after = Rate(kRoundSeconds, raw);
    rounds.Add(rate, (std::exchange(raw_before, raw_after) + raw_after) / 2);
  };
  for (int round = 0; round < kRounds; ++round) {
    measure(batch, [&] { return in_process.BatchRate(); });
    measure(unary, [&] { return Rate(kRoundSeconds, in_process); });
    measure(grpc, [&] {
      return Rate(kRoundSeconds, [&] {
        Must(caller->Call(&v1::TokenService::Stub::SignJwt, sign));
      });
    });
  }
  const Callers::Result callers = Callers(*caller, sign).Run();
  batch.Report("batch_es256_ledger");
  unary.Report("inprocess_es256");
  grpc.Report("grpc_es256");
  Report("sign", "grpc_unary_rps", callers.rate, raw_before, false);
  Report("sign", "grpc_unary_p99_ms", callers.p99_s * 1e3, 0, true);
  return 0;
}

}  // namespace
}  // namespace warder::bench

int main() { return warder::bench::Main(); }
