// 1,000,000 keys and 100,000 owners: departure of an owner with 10,000 keys,
// restart to the first key set, memory per key, and what key-set requests feel
// of the departure (their 99th percentile against that of a quiet second).
//
// 250,000 issuers of four keys each: PENDING, ACTIVE, RETIRING, RETIRED. The
// leaver owns 2,500 issuers, so 10,000 keys; everyone else owns two or three.
// The store is filled by statements of its own (that is not what is measured),
// with real sealed keys for the leaver's spares.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/app/loader.h"
#include "server/app/owner_manager.h"
#include "server/crypto/digest.h"
#include "server/http/public_routes.h"
#include "server/main/data_directory.h"
#include "server/storage/database.h"
#include "server/storage/rows.h"
#include "server/storage/statement.h"
#include "server/storage/statements.h"
#include "server/vault/software_vault.h"
#include "tools/benchmarks/report.h"

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
      AddIssuer(i, owner, owner == scale.owners - 1 ? 1 : scale.owners - 1);
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

struct Service {
  explicit Service(const std::string& path)
      : sealer(SecretBytes(crypto::kKeyEncryptionKeyBytes)),
        vault(sealer),
        store(*storage::SqlStore::Open({.path = path}, clock.TimeNow())),
        runner(*store, clock, vault, publisher, metrics, crypto::Sha256),
        owners(runner),
        documents("https://keys.example", vault, clock, crypto::Sha256) {}

  void Load() { Must(app::LoadPublished(*store, publisher, crypto::Sha256)); }

  SystemClock clock;
  crypto::Sealer sealer;
  vault::SoftwareVault vault;
  std::unique_ptr<storage::SqlStore> store;
  app::Publisher publisher;
  Metrics metrics;
  app::ChangeRunner runner;
  app::OwnerManager owners;
  app::Documents documents;
};

// Asks for thousands of key sets a second and keeps how long each answer took.
class Gateway {
 public:
  explicit Gateway(Service& service)
      : service_(service), thread_([this] { Run(); }) {}

  // Ends it; returns the time in microseconds that 99 of 100 answers keep.
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
    http::PublicRoutes routes("issuer-0", service_.publisher,
                              service_.documents, service_.clock,
                              service_.metrics);
    for (int i = 0; !stop_; i = (i + 7) % 5000) {
      const std::string path =
          absl::StrCat("/issuers/issuer-", i, "/.well-known/jwks.json");
      const double start = Seconds();
      if (routes.Answer({.method = "GET", .path = path, .if_none_match = ""})
              .status != 200) {
        exit(1);
      }
      micros_.push_back((Seconds() - start) * 1e6);
      usleep(50);  // a busy door, not one that starves the departure
    }
  }

  Service& service_;
  std::atomic<bool> stop_ = false;
  std::vector<double> micros_;
  std::thread thread_;
};

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
  const std::string path = directory + "/warder.db";
  SystemClock clock;
  // In a process of its own: a restart begins with an empty heap.
  if (const pid_t filler = fork(); filler == 0) {
    Filler(path, clock.TimeNow()).Fill(scale);
    _exit(0);
  } else {
    int result = 0;
    if (waitpid(filler, &result, 0) != filler || result != 0) exit(1);
  }

  const int64_t before = ResidentBytes();
  const double start = Seconds();
  Service service(path);
  service.Load();
  if (service.publisher.Find("issuer-0") == nullptr) exit(1);
  const double restart = Seconds() - start;
  const int64_t loaded = ResidentBytes() - before;

  Gateway before_departure(service);
  sleep(1);
  const double quiet = before_departure.P99();

  Gateway gateway(service);
  app::Request hr;
  hr.caller = {app::Role::kHr, "hook"};
  const double depart_start = Seconds();
  const auto departure =
      service.owners.ReportDeparture(hr, OwnerId("owner-0"), std::nullopt);
  const double depart = Seconds() - depart_start;
  const double busy = gateway.P99();
  Must(departure.status());
  int64_t revoked = 0;
  for (const auto& issuer : departure->issuers) {
    revoked += static_cast<int64_t>(issuer.keys.size());
  }
  if (revoked != scale.leaver_issuers * 4L) exit(1);

  // Baselines are the bars, 0.5 s and 3 s, and the quiet second.
  Report("lifecycle", "depart_10k_s", depart, 0.5, true);
  Report("lifecycle", "key_set_p99_us_while_departing", busy, quiet, true);
  Report("lifecycle", "restart_s", restart, 3.0, true);
  Report("lifecycle", "bytes_per_key",
         static_cast<double>(loaded) / (scale.issuers * 4.0), 0, true);
  std::filesystem::remove_all(directory);
  _exit(0);  // freeing half a gigabyte shows nothing
}

}  // namespace
}  // namespace warder::bench

int main(int argc, char** argv) { return warder::bench::Main(argc, argv); }
