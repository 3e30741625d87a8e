// Every statement of the store, by name.
#ifndef WARDER_SERVER_STORAGE_STATEMENTS_H_
#define WARDER_SERVER_STORAGE_STATEMENTS_H_

#include <soci/soci.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "server/storage/rows.h"
#include "server/storage/statement.h"

namespace warder::storage {

// "SELECT <columns of Row> FROM <rest>".
template <typename Row>
std::string From(const char* rest) {
  return absl::StrCat("SELECT ", ColumnsOf<Row>(), " FROM ", rest);
}

// "INSERT INTO <table> (<columns>) VALUES (:a, ...)". A statement that fails
// takes its transaction with it, as ours do anyway: SQLite then keeps no copy
// of the pages it touches.
template <typename Row>
std::string Into(const char* table, const char* verb = "INSERT OR ROLLBACK") {
  const std::vector<std::string> columns =
      absl::StrSplit(ColumnsOf<Row>(), ", ");
  return absl::StrCat(
      verb, " INTO ", table, " (", ColumnsOf<Row>(), ") VALUES (",
      absl::StrJoin(columns, ", ",
                    [](std::string* out, const std::string& column) {
                      absl::StrAppend(out, ":", column);
                    }),
      ")");
}

// "UPDATE <table> SET <columns of Row that change> WHERE <where>".
template <typename Row>
std::string Set(const char* table, const char* where) {
  const std::vector<std::string> columns = absl::StrSplit(Row::kChanges, ", ");
  return absl::StrCat(
      "UPDATE OR ROLLBACK ", table, " SET ",
      absl::StrJoin(columns, ", ",
                    [](std::string* out, const std::string& column) {
                      absl::StrAppend(out, column, " = :", column);
                    }),
      " WHERE ", where);
}

using Text = std::string;
using Number = long long;

inline constexpr char kLiving[] =
    "keys WHERE issuer = :issuer AND state NOT IN ('RETIRED', 'REVOKED')";

// Prepared once, on one connection. Not thread-safe. The constructor throws
// what SOCI throws.
struct Statements {
  explicit Statements(soci::session& sql)
      : find_issuer(sql, From<IssuerRow>("issuers WHERE id = :id")),
        list_issuers(sql, From<IssuerRow>("issuers WHERE id > :after "
                                          "ORDER BY id LIMIT :limit")),
        deputies(sql,
                 "SELECT owner FROM issuer_deputies WHERE issuer = :issuer "
                 "ORDER BY position"),
        members(sql,
                "SELECT member FROM team_members WHERE team = :team ORDER BY "
                "position"),
        find_owner(sql, From<OwnerRow>("owners WHERE id = :id")),
        list_owners(sql, From<OwnerRow>("owners WHERE id > :after ORDER BY id "
                                        "LIMIT :limit")),
        find_key(sql, From<KeyRow>("keys WHERE issuer = :issuer AND id = :id")),
        living_keys(sql, From<KeyRow>(kLiving)),
        unrevoked_keys(sql, From<KeyRow>("keys WHERE issuer = :issuer AND "
                                         "state <> 'REVOKED'")),
        spares(sql, From<SpareRow>("spares WHERE issuer = :issuer")),
        exposures(sql, From<ExposureRow>("exposures WHERE issuer = :issuer")),
        exposures_of(sql,
                     From<ExposureRow>("exposures WHERE person = :person")),
        key_exposures(sql, From<ExposureRow>("exposures WHERE issuer = :issuer "
                                             "AND key = :key")),
        any_declared(sql,
                     "SELECT count(*) FROM (SELECT 1 FROM declared_exposures "
                     "LIMIT 1)"),
        declared_exposures(
            sql, From<DeclaredExposureRow>("declared_exposures WHERE issuer = "
                                           ":issuer")),
        declared_exposures_of(
            sql, From<DeclaredExposureRow>("declared_exposures WHERE person = "
                                           ":person")),
        declared_key_exposures(
            sql, From<DeclaredExposureRow>("declared_exposures WHERE issuer = "
                                           ":issuer AND key = :key")),
        custodies(sql,
                  From<CustodyRow>("custodies ORDER BY person, kind, from_us")),
        custodies_of(sql, From<CustodyRow>("custodies WHERE person = :person")),
        touched(sql,
                "SELECT id FROM issuers WHERE owner = :a UNION "
                "SELECT issuer FROM issuer_deputies WHERE owner = :b UNION "
                "SELECT issuer FROM exposures WHERE person = :c UNION "
                "SELECT issuer FROM declared_exposures WHERE person = :d UNION "
                "SELECT d.issuer FROM team_members m JOIN issuer_deputies d "
                "ON d.owner = m.team WHERE m.member = :e ORDER BY 1"),
        all_issuers(sql, "SELECT id FROM issuers ORDER BY id"),
        due(sql,
            "SELECT id FROM issuers WHERE next_due_us <= :now "
            "ORDER BY next_due_us LIMIT :limit"),
        next_due(sql,
                 "SELECT next_due_us FROM issuers ORDER BY next_due_us "
                 "LIMIT 1"),
        find_departure(sql,
                       From<DepartureRow>("departures WHERE owner = :owner")),
        scheduled_instant(sql,
                          "SELECT instant_us FROM departures WHERE owner = "
                          ":owner AND done = 0"),
        any_scheduled(sql,
                      "SELECT count(*) FROM (SELECT 1 FROM departures WHERE "
                      "done = 0 LIMIT 1)"),
        scheduled_custodians(sql,
                             "SELECT DISTINCT c.person FROM custodies c JOIN "
                             "departures d ON d.owner = c.person WHERE "
                             "d.done = 0"),
        scheduled(sql,
                  "SELECT owner, instant_us FROM departures WHERE done = 0 "
                  "ORDER BY instant_us"),
        last_event(sql, From<EventRow>("events ORDER BY sequence DESC "
                                       "LIMIT 1")),
        list_events(sql, From<EventRow>("events WHERE sequence > :after "
                                        "ORDER BY sequence LIMIT :limit")),
        event_time(sql,
                   "SELECT time_us FROM events WHERE sequence = :sequence"),
        events_of(sql,
                  From<EventRow>("events WHERE sequence >= :from AND "
                                 "substr(actor, instr(actor, '/') + 1) = "
                                 ":person ORDER BY sequence LIMIT :limit")),
        count_events_of(sql,
                        "SELECT count(*) FROM events WHERE sequence >= :from "
                        "AND substr(actor, instr(actor, '/') + 1) = :person"),
        events_about(sql, From<EventRow>("events WHERE resource GLOB "
                                         "'owners/*' AND resource = :resource "
                                         "ORDER BY sequence LIMIT :limit")),
        touched_keys(
            sql,
            "SELECT EXISTS (SELECT 1 FROM custodies WHERE person = :a) OR "
            "EXISTS (SELECT 1 FROM exposures WHERE person = :b) OR EXISTS "
            "(SELECT 1 FROM declared_exposures WHERE person = :c) OR EXISTS "
            "(SELECT 1 FROM events WHERE action = 'certificate.issued' AND "
            "substr(resource, instr(substr(resource, 14), '/') + 14) = :d)"),
        find_request(sql, From<RequestRow>("requests WHERE principal = :p AND "
                                           "request_id = :r")),
        count_keys(sql,
                   "SELECT 'PENDING', pending FROM key_counts UNION ALL "
                   "SELECT 'ACTIVE', active FROM key_counts UNION ALL "
                   "SELECT 'RETIRING', retiring FROM key_counts UNION ALL "
                   "SELECT 'RETIRED', retired FROM key_counts UNION ALL "
                   "SELECT 'SUSPENDED', suspended FROM key_counts UNION ALL "
                   "SELECT 'REVOKED', revoked FROM key_counts"),
        count_orphaned(sql,
                       "SELECT count(*) FROM issuers WHERE state = 'ORPHANED'"),
        count_overdue(sql,
                      "SELECT count(*) FROM owners WHERE state = 'ACTIVE' AND "
                      "overdue_us > 0"),
        insert_owner(sql, Into<OwnerRow>("owners")),
        update_owner(sql, Set<OwnerRow>("owners", "id = :key AND rev = :old")),
        insert_issuer(sql, Into<IssuerRow>("issuers")),
        update_issuer(sql,
                      Set<IssuerRow>("issuers", "id = :key AND rev = :old")),
        put_deputy(sql,
                   "INSERT OR REPLACE INTO issuer_deputies (issuer, position, "
                   "owner) VALUES (:issuer, :position, :owner)"),
        delete_deputy(sql,
                      "DELETE FROM issuer_deputies WHERE issuer = :issuer AND "
                      "position = :position"),
        insert_key(sql, Into<KeyRow>("keys")),
        update_key_owner(
            sql,
            "UPDATE OR ROLLBACK keys SET owner = :owner WHERE issuer = "
            ":issuer AND id = :id"),
        update_key(
            sql, Set<KeyRow>("keys", "issuer = :i AND id = :k AND rev = :old")),
        insert_spare(sql, Into<SpareRow>("spares")),
        delete_spare(sql,
                     "DELETE FROM spares WHERE issuer = :issuer AND id = :id"),
        insert_exposure(sql,
                        Into<ExposureRow>("exposures", "INSERT OR IGNORE")),
        end_exposures(
            sql,
            "UPDATE OR ROLLBACK exposures SET until_us = :until WHERE issuer "
            "= :issuer AND until_us = 0 AND instr(:keys, key || ' ') > 0"),
        insert_event(sql, Into<EventRow>("events")),
        insert_request(sql, Into<RequestRow>("requests")),
        prune_requests(sql, "DELETE FROM requests WHERE create_us < :before"),
        put_departure(sql,
                      Into<DepartureRow>("departures", "INSERT OR REPLACE")),
        delete_departure(sql,
                         "DELETE FROM departures WHERE owner = :owner AND "
                         "done = 0"),
        put_member(sql,
                   "INSERT OR REPLACE INTO team_members (team, position, "
                   "member) VALUES (:team, :position, :member)"),
        delete_member(sql,
                      "DELETE FROM team_members WHERE team = :team AND "
                      "position = :position"),
        insert_declared_exposure(
            sql, Into<DeclaredExposureRow>("declared_exposures")),
        insert_custody(sql, Into<CustodyRow>("custodies")) {}

  Select<IssuerRow, Text> find_issuer;
  Select<IssuerRow, Text, Number> list_issuers;
  Select<One<Text>, Text> deputies;
  Select<One<Text>, Text> members;
  Select<OwnerRow, Text> find_owner;
  Select<OwnerRow, Text, Number> list_owners;
  Select<KeyRow, Text, Text> find_key;
  Select<KeyRow, Text> living_keys;
  Select<KeyRow, Text> unrevoked_keys;
  Select<SpareRow, Text> spares;
  Select<ExposureRow, Text> exposures;
  Select<ExposureRow, Text> exposures_of;
  Select<ExposureRow, Text, Text> key_exposures;
  Select<One<Number>> any_declared;
  Select<DeclaredExposureRow, Text> declared_exposures;
  Select<DeclaredExposureRow, Text> declared_exposures_of;
  Select<DeclaredExposureRow, Text, Text> declared_key_exposures;
  Select<CustodyRow> custodies;
  Select<CustodyRow, Text> custodies_of;
  Select<One<Text>, Text, Text, Text, Text, Text> touched;
  Select<One<Text>> all_issuers;
  Select<One<Text>, Number, Number> due;
  Select<One<Number>> next_due;
  Select<DepartureRow, Text> find_departure;
  Select<One<Number>, Text> scheduled_instant;
  Select<One<Number>> any_scheduled;
  Select<One<Text>> scheduled_custodians;
  Select<CountRow> scheduled;  // owner and instant
  Select<EventRow> last_event;
  Select<EventRow, Number, Number> list_events;
  Select<One<Number>, Number> event_time;
  Select<EventRow, Number, Text, Number> events_of;
  Select<One<Number>, Number, Text> count_events_of;
  Select<EventRow, Text, Number> events_about;
  Select<One<Number>, Text, Text, Text, Text> touched_keys;
  Select<RequestRow, Text, Text> find_request;
  Select<CountRow> count_keys;
  Select<One<Number>> count_orphaned;
  Select<One<Number>> count_overdue;
  Write<OwnerRow> insert_owner;
  Update<OwnerRow, Text, Number> update_owner;
  Write<IssuerRow> insert_issuer;
  Update<IssuerRow, Text, Number> update_issuer;
  Write<NoRow, Text, Number, Text> put_deputy;
  Write<NoRow, Text, Number> delete_deputy;
  Write<KeyRow> insert_key;
  Write<NoRow, Text, Text, Text> update_key_owner;
  Update<KeyRow, Text, Text, Number> update_key;
  Write<SpareRow> insert_spare;
  Write<NoRow, Text, Text> delete_spare;
  Write<ExposureRow> insert_exposure;
  Write<NoRow, Number, Text, Text> end_exposures;
  Write<EventRow> insert_event;
  Write<RequestRow> insert_request;
  Write<NoRow, Number> prune_requests;
  Write<DepartureRow> put_departure;
  Write<NoRow, Text> delete_departure;
  Write<NoRow, Text, Number, Text> put_member;
  Write<NoRow, Text, Number> delete_member;
  Write<DeclaredExposureRow> insert_declared_exposure;
  Write<CustodyRow> insert_custody;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_STATEMENTS_H_
