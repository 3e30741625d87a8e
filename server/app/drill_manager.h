// Use cases: drills (domain/drill.h).
#ifndef WARDER_SERVER_APP_DRILL_MANAGER_H_
#define WARDER_SERVER_APP_DRILL_MANAGER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/departure_manager.h"
#include "server/app/page_token.h"
#include "server/app/vault.h"
#include "server/base/strict_json.h"
#include "server/domain/drill.h"
#include "server/domain/revocation.h"

namespace warder::app {

inline constexpr char kDrillReportType[] = "drill-report+jwt";

// A drill and what came of it so far.
struct DrillStatus {
  struct Ended {
    domain::Revocation revocation;
    std::vector<domain::Confirmation> confirmations;
  };
  domain::Drill drill;
  std::vector<Ended> keys;
  // Gateways: all, those that refuse every key, those that are overdue.
  int gateways = 0, refused = 0, overdue = 0;
  // After how long the last one refused; unset while one does not.
  std::optional<absl::Duration> slowest;
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class DrillManager {
 public:
  // `service` becomes the `iss` of reports. What the others refer to outlives
  // this.
  DrillManager(ChangeRunner& runner, DepartureManager& departures,
               StatementSigner& signer, std::string service)
      : runner_(runner),
        departures_(departures),
        signer_(signer),
        service_(std::move(service)) {}

  // Makes a person, exposed to every key that signs for the issuer, and has him
  // leave, in one transaction. Blocks for it.
  //
  //   NOT_FOUND            no such issuer
  //   FAILED_PRECONDITION  WRONG_STATE: it is not for drills, it has no
  //   gateway,
  //                        or nothing signs for it
  //   ALREADY_EXISTS       another began in this millisecond
  absl::StatusOr<DrillStatus> Run(const Request& request,
                                  const IssuerId& issuer);
  // NOT_FOUND.
  absl::StatusOr<DrillStatus> Get(const Request& request, const DrillId& id);
  // The latest first.
  absl::StatusOr<Page<DrillStatus>> List(const Request& request,
                                         const PageRequest& page);

  // Returns what is known by now, as a compact JWS (RFC 7515) by the key of the
  // private CA over these claims:
  //
  //   iss, iat, sub        this service, now, drills/{drill}
  //   drill, issuer, leaver, started, started_by
  //   known                "3 of 3 refuse", for people
  //   slowest_ms           after how long the last one refused, or null
  //   gateways             one entry for each gateway and key, as in
  //                        revocation_statement.h
  //   statements           of each key that all refuse
  //   history              this and earlier drills of the issuer, at most 12
  //
  // NOT_FOUND; what the signer returns.
  absl::StatusOr<std::string> Report(const Request& request, const DrillId& id);

 private:
  ChangeRunner& runner_;
  DepartureManager& departures_;
  StatementSigner& signer_;
  const std::string service_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_DRILL_MANAGER_H_
