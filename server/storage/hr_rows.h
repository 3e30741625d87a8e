// Columns of what HR's feeds tell, and the structs they become. See rows.h.
#ifndef WARDER_SERVER_STORAGE_HR_ROWS_H_
#define WARDER_SERVER_STORAGE_HR_ROWS_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/domain/user.h"

namespace warder::storage {

struct UserRow {
  static constexpr char kFixed[] = "id, feed, create_us";
  static constexpr char kChanges[] =
      "external_id, user_name, emails, active, leave_us, time_zone, document, "
      "owner, deleted, update_us, rev";
  std::string id, feed, external_id, user_name, emails, time_zone, document,
      owner;
  long long create_us = 0, active = 0, leave_us = 0, deleted = 0, update_us = 0,
            rev = 0;

  template <typename F>
  void ForEachFixed(F f) {
    f(id), f(feed), f(create_us);
  }
  template <typename F>
  void ForEachChange(F f) {
    f(external_id), f(user_name), f(emails), f(active), f(leave_us),
        f(time_zone), f(document), f(owner), f(deleted), f(update_us), f(rev);
  }
  void From(const domain::User& user);
  absl::StatusOr<domain::User> To() const;
};

struct FeedRow {
  static constexpr char kColumns[] =
      "name, first_seen_us, last_seen_us, silent_since_us";
  std::string name;
  long long first_seen_us = 0, last_seen_us = 0, silent_since_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(name), f(first_seen_us), f(last_seen_us), f(silent_since_us);
  }
  void From(const domain::Feed& feed);
  absl::StatusOr<domain::Feed> To() const;
};

struct FeedTokenRow {
  static constexpr char kColumns[] =
      "id, feed, hash, created_by, create_us, expire_us, revoke_us";
  std::string id, feed, hash, created_by;
  long long create_us = 0, expire_us = 0, revoke_us = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(id), f(feed), f(hash), f(created_by), f(create_us), f(expire_us),
        f(revoke_us);
  }
  void From(const domain::FeedToken& token);
  absl::StatusOr<domain::FeedToken> To() const;
};

struct HeldDepartureRow {
  static constexpr char kColumns[] =
      "owner, instant_us, report_us, reported_by, source, time_zone, rejected";
  std::string owner, reported_by, source, time_zone;
  long long instant_us = 0, report_us = 0, rejected = 0;

  template <typename F>
  void ForEachColumn(F f) {
    f(owner), f(instant_us), f(report_us), f(reported_by), f(source),
        f(time_zone), f(rejected);
  }
  void From(const domain::HeldDeparture& held);
  absl::StatusOr<domain::HeldDeparture> To() const;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_HR_ROWS_H_
