// Who speaks for HR: bearer tokens of feeds, and when each was last heard of.
#ifndef WARDER_SERVER_APP_FEED_ACCESS_H_
#define WARDER_SERVER_APP_FEED_ACCESS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/app/change_runner.h"
#include "server/app/departure_intake.h"
#include "server/base/mutex.h"
#include "server/base/random.h"
#include "server/domain/user.h"

namespace warder::app {

struct NewFeedToken {
  domain::FeedToken token;
  std::string secret;  // the bearer token; shown once, kept nowhere
};

// Thread-safe. Errors common to all with a Request: PERMISSION_DENIED; what
// ChangeRunner::Run lists.
class FeedAccess {
 public:
  // What the arguments refer to outlives this.
  FeedAccess(ChangeRunner& runner, Random& random, const HrPolicy& policy)
      : runner_(runner), random_(random), policy_(policy) {}

  // Makes a token for `feed`. Former tokens of the feed end after `overlap`
  // where one is given, and live on where none is.
  //
  //   INVALID_ARGUMENT  feed, lifetime (1 hour to 398 days), overlap
  absl::StatusOr<NewFeedToken> CreateToken(
      const Request& request, const std::string& feed, absl::Duration lifetime,
      std::optional<absl::Duration> overlap);
  absl::StatusOr<std::vector<domain::FeedToken>> ListTokens(
      const Request& request);
  // NOT_FOUND. A token revoked before stays so.
  absl::StatusOr<domain::FeedToken> RevokeToken(const Request& request,
                                                const std::string& id);
  absl::StatusOr<std::vector<domain::Feed>> ListFeeds(const Request& request);

  // Returns the caller of a bearer token: role hr, named as the feed.
  // UNAUTHENTICATED, the same for every cause; the audit log says which.
  absl::StatusOr<Caller> Authenticate(absl::string_view bearer);

  // Notes that a feed was heard of, in memory; Beat stores it.
  void Heard(const std::string& feed);
  // As Heard, for one that speaks when there is something to say: its silence
  // is an alarm only once it `beats` (SSF verification events). `at`: when it
  // spoke.
  void HeardAt(const std::string& feed, absl::Time at, bool beats);
  // Stores who was heard of, and raises an alarm for a feed gone silent.
  absl::Status Beat();

 private:
  // A feed that has a token is missed when it never speaks.
  absl::Status Expect(Change& change, const std::string& feed);

  ChangeRunner& runner_;
  Random& random_;
  const HrPolicy& policy_;
  Mutex mu_;
  struct News {
    absl::Time at = absl::InfinitePast();
    bool beats = false;
  };
  std::map<std::string, News> heard_ ABSL_GUARDED_BY(mu_);
};

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_FEED_ACCESS_H_
