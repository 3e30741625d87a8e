#include "server/storage/hr_rows.h"

#include "server/base/strict_json.h"
#include "server/storage/columns.h"

namespace warder::storage {

void UserRow::From(const domain::User& user) {
  id = user.id;
  feed = user.feed;
  external_id = user.external_id;
  user_name = user.user_name;
  emails = WriteJson(user.emails);
  active = user.active ? 1 : 0;
  leave_us = OptionalMicros(user.leave_time);
  time_zone = user.time_zone;
  document = user.document;
  owner = user.owner.value();
  deleted = user.deleted ? 1 : 0;
  create_us = ToMicros(user.create_time);
  update_us = ToMicros(user.update_time);
  rev = user.rev;
}

absl::StatusOr<domain::User> UserRow::To() const {
  domain::User user{.id = id,
                    .feed = feed,
                    .external_id = external_id,
                    .user_name = user_name,
                    .emails = {},
                    .active = active != 0,
                    .leave_time = OptionalTime(leave_us),
                    .time_zone = time_zone,
                    .document = document,
                    .owner = OwnerId(owner),
                    .deleted = deleted != 0,
                    .create_time = FromMicros(create_us),
                    .update_time = FromMicros(update_us),
                    .rev = rev};
  const auto list = ParseJson(emails, kOwnLimits);
  if (!list.ok() || !list->is_array()) return Damaged("unreadable e-mails");
  for (const Json& email : *list) {
    if (email.is_string()) user.emails.push_back(email.get<std::string>());
  }
  return user;
}

void FeedRow::From(const domain::Feed& feed) {
  name = feed.name;
  first_seen_us = ToMicros(feed.first_seen);
  last_seen_us = ToMicros(feed.last_seen);
  silent_since_us = OptionalMicros(feed.silent_since);
}

absl::StatusOr<domain::Feed> FeedRow::To() const {
  return domain::Feed{.name = name,
                      .first_seen = FromMicros(first_seen_us),
                      .last_seen = FromMicros(last_seen_us),
                      .silent_since = OptionalTime(silent_since_us)};
}

void FeedTokenRow::From(const domain::FeedToken& token) {
  id = token.id;
  feed = token.feed;
  hash = token.hash;
  created_by = token.created_by;
  create_us = ToMicros(token.create_time);
  expire_us = ToMicros(token.expire_time);
  revoke_us = OptionalMicros(token.revoke_time);
}

absl::StatusOr<domain::FeedToken> FeedTokenRow::To() const {
  return domain::FeedToken{.id = id,
                           .feed = feed,
                           .hash = hash,
                           .created_by = created_by,
                           .create_time = FromMicros(create_us),
                           .expire_time = FromMicros(expire_us),
                           .revoke_time = OptionalTime(revoke_us)};
}

void HeldDepartureRow::From(const domain::HeldDeparture& held) {
  owner = held.owner.value();
  instant_us = OptionalMicros(held.instant);
  report_us = ToMicros(held.report_time);
  reported_by = held.reported_by;
  source = held.source;
  time_zone = held.time_zone;
  rejected = held.rejected ? 1 : 0;
}

absl::StatusOr<domain::HeldDeparture> HeldDepartureRow::To() const {
  return domain::HeldDeparture{.owner = OwnerId(owner),
                               .instant = OptionalTime(instant_us),
                               .report_time = FromMicros(report_us),
                               .reported_by = reported_by,
                               .source = source,
                               .time_zone = time_zone,
                               .rejected = rejected != 0};
}

}  // namespace warder::storage
