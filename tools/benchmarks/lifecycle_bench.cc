// 1,000,000 keys and 100,000 owners: departure of an owner with 10,000 keys,
// restart to the first key set, memory per key, and what key-set requests feel
// of the departure (their 99th percentile against that of a quiet second).
//
// 250,000 issuers of four keys each: PENDING, ACTIVE, RETIRING, RETIRED. The
// leaver owns 2,500 issuers, so 10,000 keys; everyone else owns two or three.
// Who owns issuers has one deputy for them, the next owner.
// The store is filled by statements of its own: that is not what is measured.
// Everything else goes through the doors of a warderd in this process.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/client.h"
#include "client/http_get.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/crypto/system_random.h"
#include "server/main/data_directory.h"
#include "server/main/server.h"
#include "server/storage/database.h"
#include "server/storage/rows.h"
#include "server/storage/statement.h"
#include "server/storage/statements.h"
#include "tools/benchmarks/report.h"
#include "warder/v1/owner.grpc.pb.h"
#include "warder/v1/status.grpc.pb.h"

namespace warder::bench {
namespace {

using domain::KeyState;

struct Scale {
  int issuers = 250000;
  int owners = 100000;
  int leaver_issuers = 2500;
};

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  exit(1);
}

std::string FakeKid(int64_t number) {
  return absl::StrFormat("k%042d", number);
}

// As long as a real one, and of its form.
std::string FakeJwk(const std::string& kid) {
  return absl::StrCat(
      R"({"alg":"ES256","crv":"P-256","kid":")", kid,
      R"(","kty":"EC","use":"sig","x":"RxcuL8yH8kDui9t7x2yzk_UtvNFudOteYCRIDnawbVM","y":"g5W7RukpugfgCBOcaLuHk2AgBIZWmDXKHJfGjEIfEh8"})");
}

class Filler {
 public:
  Filler(const std::string& path, absl::Time now)
      : now_(now), store_(*storage::SqlStore::Open({.path = path}, now)) {
    storage::OpenSqlite({.path = path}, sql_);
    storage::RunScript(sql_, "PRAGMA synchronous=OFF").IgnoreError();
    statements_.emplace(sql_);
  }

  void Fill(const Scale& scale) {
    storage::Begin begin(sql_);
    for (int i = 0; i < scale.owners; ++i) AddOwner(i);
    for (int i = 0; i < scale.issuers; ++i) {
      // Owner 0 is the leaver.
      const int owner =
          i < scale.leaver_issuers ? 0 : 1 + i % (scale.owners - 2);
      AddIssuer(i, owner, owner + 1);
      if (i % 25000 == 0) {
        std::cerr << "\rfilling: " << i * 100 / scale.issuers << " %"
                  << std::flush;
      }
    }
    begin.Commit();
    // What filling left unwritten is not the departure's to write.
    store_->Maintain().IgnoreError();
    sync();
    std::cerr << "\rfilled: " << scale.issuers * 4 << " keys\n";
  }

 private:
  static std::string OwnerOf(int i) { return absl::StrCat("owner-", i); }

  void AddOwner(int i) {
    domain::Owner owner;
    owner.id = OwnerId(OwnerOf(i));
    owner.create_time = owner.update_time = now_;
    owner.rev = 1;
    statements_->insert_owner.row().From(owner);
    statements_->insert_owner.Run();
  }

  void AddIssuer(int i, int owner, int deputy) {
    domain::Issuer issuer;
    issuer.id = IssuerId(absl::StrCat("issuer-", i));
    issuer.issuer_uri = absl::StrCat("https://keys.example/issuers/issuer-", i);
    issuer.owner = OwnerId(OwnerOf(owner));
    issuer.tombstone_jwk = FakeJwk("tombstone");
    issuer.revision = issuer.rev = 1;
    issuer.create_time = issuer.update_time = now_;
    statements_->insert_issuer.row().From(issuer, now_ + absl::Hours(20));
    statements_->insert_issuer.Run();
    statements_->put_deputy.Run(issuer.id.value(), 0, OwnerOf(deputy));
    const KeyState states[] = {KeyState::kPending, KeyState::kActive,
                               KeyState::kRetiring, KeyState::kRetired};
    for (int k = 0; k < 4; ++k) AddKey(issuer, i * 5L + k, states[k]);
    domain::Spare spare;
    spare.issuer = issuer.id;
    spare.id = KeyId(FakeKid(i * 5L + 4));
    spare.public_jwk = FakeJwk(spare.id.value());
    spare.sealed = sealed_;
    spare.create_time = now_;
    statements_->insert_spare.row().From(spare);
    statements_->insert_spare.Run();
  }

  void AddKey(const domain::Issuer& issuer, int64_t number, KeyState state) {
    domain::Key key;
    key.issuer = issuer.id;
    key.id = KeyId(FakeKid(number));
    key.state = state;
    key.owner = issuer.owner;
    key.public_jwk = FakeJwk(key.id.value());
    key.create_time = key.publish_time = now_;
    key.activate_time =
        state == KeyState::kPending ? now_ + absl::Hours(24) : now_;
    if (state == KeyState::kPending || state == KeyState::kActive) {
      key.sealed = sealed_;
    } else {
      key.retire_time = now_;
      key.until_time = now_ + absl::Hours(20);
    }
    key.rev = 1;
    statements_->insert_key.row().From(key);
    statements_->insert_key.Run();
    domain::Exposure owned{.issuer = issuer.id,
                           .key = key.id,
                           .person = issuer.owner.value(),
                           .kind = domain::ExposureKind::kOwned,
                           .from = now_,
                           .until = std::nullopt};
    statements_->insert_exposure.row().From(owned);
    statements_->insert_exposure.Run();
  }

  const absl::Time now_;
  // As long as a sealed P-256 key.
  const std::string sealed_ = std::string(224, 's');
  std::unique_ptr<storage::SqlStore> store_;
  soci::session sql_;
  std::optional<storage::Statements> statements_;
};

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// The key set of one issuer, as a gateway fetches it.
std::string KeySetOf(const Server& server, int issuer) {
  const std::string url =
      absl::StrCat("http://127.0.0.1:", server.public_port(),
                   "/issuers/issuer-", issuer, "/.well-known/jwks.json");
  auto answer = client::HttpGet(url);
  Must(answer.status());
  if (answer->status != 200) exit(1);
  return answer->body;
}

// Fetches a key set a thousand times a second, a connection each, and keeps how
// long each took.
class Gateway {
 public:
  explicit Gateway(const Server& server)
      : server_(server), thread_([this] { Run(); }) {}

  // Ends it; returns the time in microseconds that 99 of 100 fetches keep.
  double P99() {
    stop_ = true;
    thread_.join();
    const size_t at = micros_.size() * 99 / 100;
    std::nth_element(micros_.begin(),
                     micros_.begin() + static_cast<std::ptrdiff_t>(at),
                     micros_.end());
    return micros_[at];
  }

 private:
  void Run() {
    for (int i = 0; !stop_; i = (i + 7) % 5000) {
      const double start = Seconds();
      KeySetOf(server_, i);
      micros_.push_back((Seconds() - start) * 1e6);
      usleep(1000);
    }
  }

  const Server& server_;
  std::atomic<bool> stop_ = false;
  std::vector<double> micros_;
  std::thread thread_;
};

// Waits until every ended key is in memory too.
void AwaitHistory(const Server& server) {
  const std::string url =
      absl::StrCat("http://127.0.0.1:", server.ops_port(), "/readyz");
  while (true) {
    const auto answer = client::HttpGet(url);
    Must(answer.status());
    if (absl::StrContains(answer->body, "\"history\":\"complete\"")) return;
    usleep(20000);
  }
}

int Main(int argc, char** argv) {
  Scale scale;
  if (argc > 1) {  // a percentage, for a quick look
    const int percent = atoi(argv[1]);
    scale.issuers = scale.issuers / 100 * percent;
    scale.owners = scale.owners / 100 * percent;
    scale.leaver_issuers = scale.leaver_issuers / 100 * percent;
  }
  std::string pattern =
      (std::filesystem::temp_directory_path() / "warder-bench-XXXXXX").string();
  const std::string directory = mkdtemp(pattern.data());
  SystemClock clock;
  crypto::SystemRandom random;
  PrepareProcess();
  Config config;
  config.data_directory = directory + "/data";
  config.grpc_address = config.public_address = config.hr_address =
      config.ops_address = "127.0.0.1:0";
  SetLogLevel(LogLevel::kError);
  const auto made = InitDataDirectory(config, "admin", clock.TimeNow());
  Must(made.status());
  // In a process of its own: a restart begins with an empty heap.
  if (const pid_t filler = fork(); filler == 0) {
    Filler(config.data_directory + "/warder.db", clock.TimeNow()).Fill(scale);
    _exit(0);
  } else {
    int result = 0;
    if (waitpid(filler, &result, 0) != filler || result != 0) exit(1);
  }

  const int64_t before = ResidentBytes();
  const double start = Seconds();
  auto started = Server::Start(config);
  Must(started.status());
  Server& server = **started;
  KeySetOf(server, 0);
  const double restart = Seconds() - start;
  AwaitHistory(server);
  const int64_t loaded = ResidentBytes() - before;

  Gateway before_departure(server);
  sleep(1);
  const double quiet = before_departure.P99();

  auto profile = client::LoadProfile(
      made->profile_file, [](const std::string&) { return std::string(); });
  Must(profile.status());
  profile->address = absl::StrCat("localhost:", server.grpc_port());
  auto hook = client::Client::Connect(*profile, random, clock.TimeNow(),
                                      [](absl::Duration) {});
  Must(hook.status());
  // The handshake is not the departure's.
  Must((*hook)
           ->Call(&v1::StatusService::Stub::GetStatus, v1::GetStatusRequest(),
                  /*reads_only=*/true)
           .status());
  Gateway gateway(server);
  v1::ReportDepartureRequest report;
  report.set_name("owners/owner-0");
  const double depart_start = Seconds();
  const auto departure =
      (*hook)->Call(&v1::OwnerService::Stub::ReportDeparture, report);
  const double depart = Seconds() - depart_start;
  const double busy = gateway.P99();
  Must(departure.status());
  int64_t revoked = 0;
  for (const auto& issuer : departure->issuers()) revoked += issuer.keys_size();
  if (revoked != scale.leaver_issuers * 4L) exit(1);

  // Baselines are the bars, 0.5 s and 3 s, and the quiet second.
  Report("lifecycle", "depart_10k_s", depart, 0.5, true);
  Report("lifecycle", "key_set_p99_us_while_departing", busy, quiet, true);
  Report("lifecycle", "restart_s", restart, 3.0, true);
  Report("lifecycle", "bytes_per_key",
         static_cast<double>(loaded) / (scale.issuers * 4.0), 0, true);
  server.Drain();
  std::filesystem::remove_all(directory);
  _exit(0);  // freeing half a gigabyte shows nothing
}

}  // namespace
}  // namespace warder::bench

int main(int argc, char** argv) { return warder::bench::Main(argc, argv); }
