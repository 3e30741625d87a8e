// What HR's feeds say of people, and what follows for the keys.
#ifndef WARDER_SERVER_APP_USER_MANAGER_H_
#define WARDER_SERVER_APP_USER_MANAGER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/departure_intake.h"
#include "server/base/random.h"
#include "server/base/strict_json.h"
#include "server/domain/user.h"

namespace warder::app {

struct UserList {
  std::vector<domain::User> users;
  int64_t total = 0;  // without paging
};

// A way to find users faster than by looking at all of them.
struct UserLookup {
  domain::MatchRule kind = domain::MatchRule::kUserName;
  std::string name;  // folded
};

// What a security event says of an account.
struct HeardAccount {
  std::string feed;
  std::vector<std::string> names;
  bool active = false;
  std::optional<absl::Time> leave_time;  // in the past
  absl::Time time;                       // when it was said
  Json document;                         // what else is known of it
};

// A user who turns inactive, is deleted, or whose end of employment has come
// departs: the owner he is matched with is taken in, see departure_intake.h.
// Activating him again brings no key back. A user without an owner is kept, so
// that a later owner of his names is refused when he has left; where he had to
// do with keys all the same, he becomes an owner, and departs.
//
// The caller's name is the feed: each sees its own users only. Thread-safe.
// Errors common to all: PERMISSION_DENIED; what ChangeRunner::Run lists.
class UserManager {
 public:
  // What the arguments refer to outlives this.
  UserManager(ChangeRunner& runner, DepartureIntake& intake, Random& random)
      : runner_(runner), intake_(intake), random_(random) {}

  // Adds a user; `wanted` brings everything but id, owner, times and rev.
  // ALREADY_EXISTS: the feed has a user of that name.
  absl::StatusOr<domain::User> Create(const Request& request,
                                      domain::User wanted);

  // NOT_FOUND, also for users of other feeds and deleted ones.
  absl::StatusOr<domain::User> Get(const Request& request,
                                   const std::string& id);

  // Returns the feed's users for which `matches` holds, from the 0-based
  // `offset` on, at most `limit`. With neither `lookup` nor `matches` reads the
  // page alone; without `lookup` reads all of the feed's users.
  absl::StatusOr<UserList> List(
      const Request& request, const std::optional<UserLookup>& lookup,
      const std::function<bool(const domain::User&)>& matches, int64_t offset,
      int64_t limit);

  // Puts what `edit` makes of the user in his place. `edit` may run again after
  // a race. Where nothing changes, nothing is written.
  //
  //   NOT_FOUND
  //   ABORTED         ETAG_MISMATCH: `rev` is given and is not his
  //   ALREADY_EXISTS  the feed has another user of that name
  //   what `edit` returns
  absl::StatusOr<domain::User> Edit(
      const Request& request, const std::string& id, std::optional<int64_t> rev,
      absl::FunctionRef<absl::StatusOr<domain::User>(const domain::User&)>
          edit);

  // Somebody's account was reported by a security event. Each of his names is a
  // user of its own in the feed, so that an owner is found by any of them. What
  // is no newer than what was heard of a name changes nothing. Returns whether
  // it would have ended an account that was enabled since.
  absl::StatusOr<bool> Hear(const Request& request, const HeardAccount& heard);

  // Inside the change that makes or renames `owner`: users of his name are
  // matched with him, and what they say of his last day counts.
  absl::Status Adopt(Change& change, domain::Owner& owner);

  domain::MatchRule match() const { return intake_.policy().match; }

  // The feed knows him no more: as inactive, and not found again. NOT_FOUND.
  absl::Status Delete(const Request& request, const std::string& id,
                      std::optional<int64_t> rev);

 private:
  // Writes `user`, who was `before` (nullptr: new), and what follows from it.
  absl::Status Settle(Change& change, const domain::User* before,
                      domain::User& user, absl::string_view source);
  // He has left: everyone ACTIVE whom he is or was matched with departs.
  absl::Status Depart(Change& change, const domain::User& user,
                      absl::string_view source);
  // His last day is known: the owner's departure is scheduled, or moved.
  absl::Status Schedule(Change& change, domain::Owner& owner,
                        const domain::User& user, absl::string_view source);
  // The feed said what is known already: his owner is still here.
  absl::Status SaidAgain(const Request& request, const domain::User& user);
  absl::Status HearOf(Change& change, const std::string& name,
                      const HeardAccount& heard, bool& overtaken);
  absl::StatusOr<std::vector<domain::Owner>> OwnersOf(ReadTransaction& txn,
                                                      const domain::User& user);
  absl::Status FindHisOwner(ReadTransaction& txn, domain::User& user);
  // Who leaves and is nobody's owner, but had to do with keys, becomes one.
  absl::Status MakeHisOwner(Change& change, domain::User& user);

  ChangeRunner& runner_;
  DepartureIntake& intake_;
  Random& random_;
};

// Returns FAILED_PRECONDITION OWNER_NOT_ACTIVE when feeds know people of the
// owner's name, and all of them have left by `now`.
absl::Status RefuseWhoHasLeft(ReadTransaction& txn, const domain::Owner& owner,
                              domain::MatchRule rule, absl::Time now);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_USER_MANAGER_H_
