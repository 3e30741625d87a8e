// The statements about users, feeds and what they report, by name.
#ifndef WARDER_SERVER_STORAGE_HR_STATEMENTS_H_
#define WARDER_SERVER_STORAGE_HR_STATEMENTS_H_

#include <soci/soci.h>

#include "server/storage/hr_rows.h"
#include "server/storage/statements.h"

namespace warder::storage {

// As Statements.
struct HrStatements {
  explicit HrStatements(soci::session& sql)
      : find_user(sql, From<UserRow>("users WHERE id = :id")),
        users_by_name(sql, From<UserRow>("users WHERE id IN (SELECT user FROM "
                                         "user_names WHERE kind = :kind AND "
                                         "name = :name) ORDER BY seq")),
        users_of(sql,
                 From<UserRow>("users WHERE owner = :owner AND owner <> ''")),
        list_users(sql, From<UserRow>("users WHERE feed = :feed AND deleted = "
                                      "0 ORDER BY seq LIMIT :limit OFFSET "
                                      ":offset")),
        count_users(sql,
                    "SELECT count(*) FROM users WHERE feed = :feed AND "
                    "deleted = 0"),
        owner_by_external_id(
            sql, From<OwnerRow>("owners WHERE lower(external_id) = :name AND "
                                "external_id <> '' ORDER BY state LIMIT 1")),
        owner_by_contact(
            sql, From<OwnerRow>("owners WHERE lower(contact) = :name AND "
                                "contact <> '' AND external_id = '' ORDER BY "
                                "state LIMIT 1")),
        owner_by_id(sql,
                    From<OwnerRow>("owners WHERE id = :name AND external_id = "
                                   "''")),
        count_names(sql,
                    "SELECT (SELECT count(*) FROM owners WHERE "
                    "lower(external_id) = :a AND external_id <> '' AND state = "
                    "'ACTIVE') + (SELECT count(*) FROM owners WHERE id = :b "
                    "AND external_id = '' AND state = 'ACTIVE' AND :c = 0) + "
                    "(SELECT count(*) FROM owners WHERE lower(contact) = :d "
                    "AND contact <> '' AND external_id = '' AND state = "
                    "'ACTIVE' AND :e = 1)"),
        count_people(sql, "SELECT active FROM owner_counts"),
        lapsed(sql, From<OwnerRow>("owners WHERE state = 'ACTIVE' AND kind "
                                   "= 'PERSON' AND overdue_us = 0 AND "
                                   "confirm_us <= :since ORDER BY "
                                   "confirm_us LIMIT :limit")),
        overdue(sql, From<OwnerRow>("owners WHERE state = 'ACTIVE' AND "
                                    "overdue_us > 0 AND overdue_us <= :since "
                                    "AND suspend_us = 0 ORDER BY overdue_us "
                                    "LIMIT :limit")),
        count_suspended(sql,
                        "SELECT count(*) FROM owners WHERE suspend_us > 0 AND "
                        "suspend_us >= :since"),
        list_feeds(sql, From<FeedRow>("feeds ORDER BY name")),
        find_token(sql, From<FeedTokenRow>("feed_tokens WHERE id = :id")),
        list_tokens(sql,
                    From<FeedTokenRow>("feed_tokens ORDER BY feed, create_us")),
        find_held(sql, From<HeldDepartureRow>("held_departures WHERE owner = "
                                              ":owner")),
        list_held(sql, From<HeldDepartureRow>("held_departures WHERE rejected "
                                              "= 0 ORDER BY report_us")),
        count_feed_departures(
            sql,
            "SELECT (SELECT count(*) FROM departures WHERE source NOT IN ('rpc', 'drill') "
            "AND report_us >= :a AND reported_by = :b) + (SELECT count(*) FROM "
            "held_departures WHERE rejected = 0 AND report_us >= :c AND "
            "reported_by = :d)"),
        list_absences(sql, "SELECT owner, since_us FROM absences"),
        insert_user(sql, Into<UserRow>("users")),
        update_user(sql, Set<UserRow>("users", "id = :key AND rev = :old")),
        delete_names(sql, "DELETE FROM user_names WHERE user = :user"),
        insert_name(sql,
                    "INSERT OR IGNORE INTO user_names (kind, name, user) "
                    "VALUES (:kind, :name, :user)"),
        put_feed(sql, Into<FeedRow>("feeds", "INSERT OR REPLACE")),
        put_token(sql, Into<FeedTokenRow>("feed_tokens", "INSERT OR REPLACE")),
        put_held(sql, Into<HeldDepartureRow>("held_departures",
                                             "INSERT OR REPLACE")),
        delete_held(sql, "DELETE FROM held_departures WHERE owner = :owner"),
        put_absence(sql,
                    "INSERT OR REPLACE INTO absences (owner, since_us) VALUES "
                    "(:owner, :since)"),
        delete_absence(sql, "DELETE FROM absences WHERE owner = :owner") {}

  Select<UserRow, Text> find_user;
  Select<UserRow, Text, Text> users_by_name;
  Select<UserRow, Text> users_of;
  Select<UserRow, Text, Number, Number> list_users;
  Select<One<Number>, Text> count_users;
  Select<OwnerRow, Text> owner_by_external_id;
  Select<OwnerRow, Text> owner_by_contact;
  Select<OwnerRow, Text> owner_by_id;
  // The name thrice, and whether it is by e-mail.
  Select<One<Number>, Text, Text, Number, Text, Number> count_names;
  Select<One<Number>> count_people;
  Select<OwnerRow, Number, Number> lapsed;
  Select<OwnerRow, Number, Number> overdue;
  Select<One<Number>, Number> count_suspended;
  Select<FeedRow> list_feeds;
  Select<FeedTokenRow, Text> find_token;
  Select<FeedTokenRow> list_tokens;
  Select<HeldDepartureRow, Text> find_held;
  Select<HeldDepartureRow> list_held;
  Select<One<Number>, Number, Text, Number, Text> count_feed_departures;
  Select<CountRow> list_absences;  // owner and instant
  Write<UserRow> insert_user;
  Update<UserRow, Text, Number> update_user;
  Write<NoRow, Text> delete_names;
  Write<NoRow, Text, Text, Text> insert_name;
  Write<FeedRow> put_feed;
  Write<FeedTokenRow> put_token;
  Write<HeldDepartureRow> put_held;
  Write<NoRow, Text> delete_held;
  Write<NoRow, Text, Number> put_absence;
  Write<NoRow, Text> delete_absence;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_HR_STATEMENTS_H_
