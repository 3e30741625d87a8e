// Who had to do with which key, and what people say of it.
#ifndef WARDER_SERVER_APP_EXPOSURE_MANAGER_H_
#define WARDER_SERVER_APP_EXPOSURE_MANAGER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/audit_log.h"
#include "server/app/change_runner.h"
#include "server/app/departure_manager.h"
#include "server/app/page_token.h"
#include "server/domain/key.h"

namespace warder::app {

// One side of the graph.
struct ExposurePage {
  Page<domain::Exposure> exposures;        // in order of key, then time
  std::vector<domain::Custody> custodies;  // on the first page
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class ExposureManager {
 public:
  // The arguments outlive this.
  ExposureManager(ChangeRunner& runner, DepartureManager& departures)
      : runner_(runner), departures_(departures) {}

  // Returns everything `person`, known as an owner or not, had to do with. An
  // owner sees himself only. Reads all of the person's exposures for each page.
  absl::StatusOr<ExposurePage> OfPerson(const Request& request,
                                        const OwnerId& person,
                                        const PageRequest& page);

  // Returns everybody who had to do with a key. NOT_FOUND.
  absl::StatusOr<ExposurePage> OfKey(const Request& request,
                                     const IssuerId& issuer, const KeyId& key,
                                     const PageRequest& page);

  // Records a fact the service could not see. Where the person has departed,
  // his departure reaches the key in the same transaction.
  //
  //   NOT_FOUND         no such key
  //   INVALID_ARGUMENT  begins in the future, ends before it begins, a note
  //                     past 256 bytes
  //   ALREADY_EXISTS    the same fact is recorded
  absl::StatusOr<domain::Exposure> Declare(const Request& request,
                                           domain::Exposure exposure);
  // As Declare, of every key at once.
  absl::StatusOr<domain::Custody> DeclareCustody(const Request& request,
                                                 domain::Custody custody);

 private:
  absl::Status DepartIfLeft(Change& change, const std::string& person);
  absl::Status Reach(Change& change, const std::string& person);

  ChangeRunner& runner_;
  DepartureManager& departures_;
};

// Writes a custody with its audit event: inside a change, or where no runner
// is.
absl::Status RecordCustody(Change& change, const domain::Custody& custody);
absl::Status RecordCustody(Transaction& txn, ChainWriter& chain,
                           const domain::Custody& custody, absl::Time now,
                           const domain::Actor& actor);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_EXPOSURE_MANAGER_H_
