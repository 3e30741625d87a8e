// Use cases on issuers: create, look, change policy, rotate.
#ifndef WARDER_SERVER_APP_ISSUER_MANAGER_H_
#define WARDER_SERVER_APP_ISSUER_MANAGER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/page_token.h"
#include "server/domain/issuer.h"
#include "server/domain/succession.h"

namespace warder::app {

struct CreateIssuerCommand {
  IssuerId id;
  std::string issuer_uri;  // empty: derived from the public base URL
  std::string display_name;
  OwnerId owner;
  std::vector<OwnerId> deputies;  // empty: the owner's own deputy
  domain::Policy policy;
  std::vector<domain::Grant> grants;
  bool drill = false;  // its keys are made to be ended for practice
};

// Fields that are not set stay as they are.
struct UpdateIssuerCommand {
  IssuerId id;
  std::string etag;  // empty: whatever it is
  std::optional<std::string> display_name;
  std::optional<OwnerId> owner;
  std::optional<std::vector<OwnerId>> deputies;
  std::optional<domain::Policy> policy;
  std::optional<std::vector<domain::Grant>> grants;
  std::optional<bool> legal_hold = std::nullopt;
};

struct RotateKeyCommand {
  IssuerId issuer;
  std::optional<domain::Algorithm> algorithm;  // empty: the policy's first
  bool immediate = false;
};

struct IssuerStanding {
  domain::Issuer issuer;
  std::vector<domain::Risk> risks;  // worst first
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class IssuerManager {
 public:
  // `public_base_url` is where the public door is reached from outside, with
  // no slash at its end. `runner` outlives this.
  IssuerManager(ChangeRunner& runner, std::string public_base_url)
      : runner_(runner), public_base_url_(std::move(public_base_url)) {}

  // Creates an issuer whose first key of each algorithm signs at once: nobody
  // has cached its key set yet. Blocks for key generation.
  //
  //   ALREADY_EXISTS       the ID is taken
  //   INVALID_ARGUMENT     a field, named
  //   FAILED_PRECONDITION  POLICY_BREAKS_TIMING, OWNER_NOT_ACTIVE,
  //                        DEPUTY_REQUIRED
  absl::StatusOr<domain::Issuer> Create(const Request& request,
                                        const CreateIssuerCommand& command);

  // NOT_FOUND.
  absl::StatusOr<domain::Issuer> Get(const Request& request,
                                     const IssuerId& id);

  // Returns issuers with the risks of the people behind them; where
  // `at_risk_only`, only those that have one.
  absl::StatusOr<Page<IssuerStanding>> List(const Request& request,
                                            const PageRequest& page,
                                            bool at_risk_only = false);

  // Changes the issuer. A new owner takes over its living keys; an orphaned
  // issuer comes back to life and its keys are made anew by the rotation loop.
  //
  //   NOT_FOUND; ABORTED ETAG_MISMATCH; FAILED_PRECONDITION
  //   TOO_MANY_PUBLISHED_KEYS; as Create
  absl::StatusOr<domain::Issuer> Update(const Request& request,
                                        const UpdateIssuerCommand& command);

  // Makes the successor sign, see domain::Rotate. Returns the successor.
  //
  //   NOT_FOUND; FAILED_PRECONDITION ISSUER_ORPHANED, DEPUTY_REQUIRED,
  //   TOO_MANY_PUBLISHED_KEYS; INVALID_ARGUMENT: the policy does not list the
  //   algorithm
  absl::StatusOr<domain::Key> Rotate(const Request& request,
                                     const RotateKeyCommand& command);

 private:
  ChangeRunner& runner_;
  const std::string public_base_url_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_ISSUER_MANAGER_H_
