// Use cases on owners: people, and teams of them.
#ifndef WARDER_SERVER_APP_OWNER_MANAGER_H_
#define WARDER_SERVER_APP_OWNER_MANAGER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/page_token.h"
#include "server/app/user_manager.h"
#include "server/domain/owner.h"

namespace warder::app {

struct CreateOwnerCommand {
  OwnerId id;
  std::string display_name;
  std::string contact;
  std::string external_id;
  OwnerId deputy;  // may be empty
  domain::OwnerKind kind = domain::OwnerKind::kPerson;
  std::vector<OwnerId> members;  // of a team, in order
};

struct UpdateOwnerCommand {
  OwnerId id;
  std::string etag;
  std::optional<std::string> display_name;
  std::optional<std::string> contact;
  std::optional<std::string> external_id;
  std::optional<OwnerId> deputy;
  std::optional<std::vector<OwnerId>> members;
};

// Thread-safe. Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run
// lists.
class OwnerManager {
 public:
  // Both outlive this.
  OwnerManager(ChangeRunner& runner, UserManager& users)
      : runner_(runner), users_(users) {}

  // ALREADY_EXISTS; FAILED_PRECONDITION OWNER_NOT_ACTIVE: the deputy, a
  // member, or the person himself has left, as HR's feeds say; WRONG_STATE:
  // HR's feeds could not tell him from another owner.
  absl::StatusOr<domain::Owner> Create(const Request& request,
                                       const CreateOwnerCommand& command);
  // NOT_FOUND. An owner sees himself only.
  absl::StatusOr<domain::Owner> Get(const Request& request, const OwnerId& id);
  absl::StatusOr<Page<domain::Owner>> List(const Request& request,
                                           const PageRequest& page);
  // NOT_FOUND; ABORTED ETAG_MISMATCH; FAILED_PRECONDITION OWNER_NOT_ACTIVE.
  absl::StatusOr<domain::Owner> Update(const Request& request,
                                       const UpdateOwnerCommand& command);

 private:
  // Checks a person's name against what HR's feeds say, and other owners'.
  absl::Status Meet(Change& change, domain::Owner& owner);

  ChangeRunner& runner_;
  UserManager& users_;
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_OWNER_MANAGER_H_
