// What HR's side waits for, in process and durable on disk: the departure of an
// owner with 100 keys, SCIM PATCHes, a roster of 100,000 against as many
// owners.
//
// 25 owners of 100 issuers with one ACTIVE key each depart one after the other;
// the median counts. The PATCHes go through the routes of the HR door, bearer
// token and transaction included, TLS not; every second one changes nothing but
// a title.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "server/app/departure_intake.h"
#include "server/app/feed_access.h"
#include "server/app/issuer_manager.h"
#include "server/app/owner_manager.h"
#include "server/app/roster_manager.h"
#include "server/app/user_manager.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/crypto/digest.h"
#include "server/crypto/private_key.h"
#include "server/crypto/seal.h"
#include "server/crypto/system_random.h"
#include "server/http/scim/scim_routes.h"
#include "server/storage/sql_store.h"
#include "server/vault/software_vault.h"
#include "tools/benchmarks/report.h"

namespace warder::bench {
namespace {

constexpr int kLeavers = 25;
constexpr int kKeys = 100;
constexpr int kUsers = 2000;
constexpr int kOwners = 100000;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  exit(1);
}

// The use cases of one warderd, without its doors.
struct House {
  explicit House(const std::string& path)
      : store(*storage::SqlStore::Open({.path = path}, clock.TimeNow())) {
    Check(runner.LoadUntrusted());
  }

  app::Request As(const std::string& principal) {
    return {.caller = *app::ParseCallerUri("warder://" + principal),
            .method = "bench",
            .request_id = "",
            .contents = ""};
  }

  SystemClock clock;
  crypto::SystemRandom random;
  Metrics metrics;
  crypto::Sealer sealer{SecretBytes(crypto::kKeyEncryptionKeyBytes)};
  vault::SoftwareVault vault{sealer};
  std::unique_ptr<storage::SqlStore> store;
  app::Publisher publisher;
  app::ChangeRunner runner{*store,    clock,   vault,
                           publisher, metrics, crypto::Sha256};
  // The brake is not what is measured.
  app::HrPolicy policy{.match = domain::MatchRule::kExternalId,
                       .brake_count = 1000000,
                       .brake_percent = 100};
  app::IssuerManager issuers{runner, "https://keys.example"};
  app::DepartureManager departures{runner};
  app::DepartureIntake intake{runner, departures, policy};
  app::FeedAccess feeds{runner, random, policy};
  app::UserManager users{runner, intake, random};
  app::RosterManager rosters{runner, intake};
  app::OwnerManager owners{runner, users};
  http::scim::ScimRoutes routes{"https://hr.example", runner, users, feeds};
};

void AddOwner(House& house, const std::string& id) {
  app::CreateOwnerCommand owner;
  owner.id = OwnerId(id);
  Check(house.owners.Create(house.As("security/sam"), owner).status());
}

void MeasureDepartures(House& house) {
  AddOwner(house, "heir");
  std::vector<double> times;
  for (int i = 0; i < kLeavers; ++i) {
    const std::string leaver = absl::StrCat("leaver", i);
    AddOwner(house, leaver);
    for (int k = 0; k < kKeys; ++k) {
      app::CreateIssuerCommand issuer;
      issuer.id = IssuerId(absl::StrCat("i", i, "-", k));
      issuer.owner = OwnerId(leaver);
      issuer.deputies = {OwnerId("heir")};
      Check(house.issuers.Create(house.As("security/sam"), issuer).status());
    }
    const double begin = Seconds();
    const auto departure =
        house.departures.Report(house.As("hr/hook"), {.owner = OwnerId(leaver),
                                                      .instant = std::nullopt,
                                                      .time_zone = "",
                                                      .plan = std::nullopt});
    times.push_back((Seconds() - begin) * 1000);
    Check(departure.status());
    if (departure->issuers.size() != kKeys) exit(1);
  }
  std::sort(times.begin(), times.end());
  Report("offboard", "report_departure_100_ms", times[times.size() / 2], 10,
         /*lower_is_better=*/true);
}

http::HttpResponse Send(House& house, const std::string& token,
                        absl::string_view method, const std::string& path,
                        const std::string& body) {
  http::HttpRequest request;
  request.method = method;
  request.path = path;
  const std::string bearer = "Bearer " + token;
  request.authorization = bearer;
  request.content_type = "application/scim+json";
  request.body = body;
  return house.routes.Answer(request);
}

void MeasurePatches(House& house) {
  const auto token = house.feeds.CreateToken(house.As("security/sam"), "okta",
                                             absl::Hours(24), std::nullopt);
  Check(token.status());
  std::vector<std::string> paths;
  for (int i = 0; i < kUsers; ++i) {
    const auto made = Send(
        house, token->secret, "POST", "/scim/v2/Users",
        absl::StrCat(R"({"userName":"user)", i, R"(@example.com","name":)",
                     R"({"givenName":"Ann","familyName":"Other"},"active":)",
                     R"(true,"emails":[{"type":"work","value":"u)", i,
                     R"(@example.com"}]})"));
    if (made.status != 201) exit(1);
    const Json user = *ParseJsonObject(made.body);
    paths.push_back("/scim/v2/Users/" + user["id"].get<std::string>());
  }
  std::vector<double> times;
  const double begin = Seconds();
  for (int i = 0; i < kUsers; ++i) {
    const std::string value = i % 2 == 0
                                  ? R"({"active":false})"
                                  : absl::StrCat(R"({"title":"t)", i, R"("})");
    const double sent = Seconds();
    const auto patched = Send(
        house, token->secret, "PATCH", paths[i],
        absl::StrCat(R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:)",
                     R"(PatchOp"],"Operations":[{"op":"replace","value":)",
                     value, "}]}"));
    times.push_back((Seconds() - sent) * 1000);
    if (patched.status != 200) exit(1);
  }
  const double took = Seconds() - begin;
  std::sort(times.begin(), times.end());
  Report("offboard", "scim_patch_rps", kUsers / took, 0, false);
  Report("offboard", "scim_patch_p99_ms", times[times.size() * 99 / 100], 0,
         true);
}

void MeasureRoster(House& house) {
  Check(house.store->Mutate([&](app::Transaction& txn) {
    for (int i = 0; i < kOwners; ++i) {
      domain::Owner owner;
      owner.id = OwnerId(absl::StrCat("person", i));
      owner.create_time = owner.update_time = house.clock.TimeNow();
      owner.rev = 1;
      RETURN_IF_ERROR(txn.InsertOwner(owner));
    }
    return absl::OkStatus();
  }));
  std::string roster = "external_id,email,status\n";
  for (int i = 0; i < kOwners; ++i) {
    if (i % 1000 == 0) continue;  // a hundred are missing
    absl::StrAppend(&roster, "person", i, ",person", i,
                    "@example.com,active\n");
  }
  const double begin = Seconds();
  const auto done = house.rosters.Reconcile(house.As("hr/hook"), roster, "UTC");
  const double took = Seconds() - begin;
  Check(done.status());
  if (done->findings.size() < kOwners / 1000) exit(1);
  Report("offboard", "roster_100k_s", took, 5, /*lower_is_better=*/true);
}

int Main() {
  std::string directory = "build/bench-offboard-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    std::cerr << "cannot make " << directory
              << ": start this at the repository's root, as tools/bench does\n";
    return 1;
  }
  SetLogLevel(LogLevel::kError);
  {
    House house(directory + "/warder.db");
    MeasureDepartures(house);
    MeasurePatches(house);
    MeasureRoster(house);
  }
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace warder::bench

int main() { return warder::bench::Main(); }
