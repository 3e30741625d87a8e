// The statements about gateways and what they confirm, by name.
#ifndef WARDER_SERVER_STORAGE_GATEWAY_STATEMENTS_H_
#define WARDER_SERVER_STORAGE_GATEWAY_STATEMENTS_H_

#include <soci/soci.h>

#include "server/storage/gateway_rows.h"
#include "server/storage/statements.h"

namespace warder::storage {

// As Statements.
struct GatewayStatements {
  explicit GatewayStatements(soci::session& sql)
      : find(sql, From<GatewayRow>("gateways WHERE id = :id")),
        list(sql, From<GatewayRow>("gateways WHERE id > :after ORDER BY id "
                                   "LIMIT :limit")),
        any(sql, "SELECT count(*) FROM (SELECT 1 FROM gateways LIMIT 1)"),
        list_of(sql, From<GatewayRow>("gateways WHERE id IN (SELECT gateway "
                                      "FROM gateway_issuers WHERE issuer = "
                                      ":issuer) ORDER BY id")),
        insert(sql, Into<GatewayRow>("gateways")),
        update(sql,
               Set<GatewayRow>("gateways", "id = :key AND rev = :old_rev")),
        remove(sql, "DELETE FROM gateways WHERE id = :id"),
        insert_issuer(sql,
                      "INSERT INTO gateway_issuers (issuer, gateway) VALUES "
                      "(:issuer, :gateway)"),
        remove_issuers(sql,
                       "DELETE FROM gateway_issuers WHERE gateway = :gateway"),
        remove_views(sql, "DELETE FROM gateway_views WHERE gateway = :gateway"),
        views(sql, From<GatewayViewRow>("gateway_views ORDER BY gateway, "
                                        "issuer")),
        views_by(sql, From<GatewayViewRow>("gateway_views WHERE gateway = "
                                           ":gateway ORDER BY issuer")),
        views_of(sql, From<GatewayViewRow>("gateway_views WHERE issuer = "
                                           ":issuer ORDER BY gateway")),
        view(sql, From<GatewayViewRow>("gateway_views WHERE gateway = :gateway "
                                       "AND issuer = :issuer")),
        put_view(sql,
                 Into<GatewayViewRow>("gateway_views", "INSERT OR REPLACE")),
        instances(sql, From<GatewayInstanceRow>("gateway_instances ORDER BY "
                                                "gateway, name")),
        put_instance(sql, Into<GatewayInstanceRow>("gateway_instances",
                                                   "INSERT OR REPLACE")),
        remove_instance(sql,
                        "DELETE FROM gateway_instances WHERE gateway = "
                        ":gateway AND name = :name"),
        find_revocation(sql, From<RevocationRow>("revocations WHERE key = "
                                                 ":key")),
        due(sql, From<RevocationRow>("revocations WHERE close_us = 0 AND "
                                     "next_us <= :now ORDER BY next_us LIMIT "
                                     ":limit")),
        next_due(sql,
                 "SELECT next_us FROM revocations WHERE close_us = 0 ORDER BY "
                 "next_us LIMIT 1"),
        open_of(sql, From<RevocationRow>("revocations WHERE close_us = 0 AND "
                                         "issuer = :issuer ORDER BY "
                                         "revoke_us")),
        insert_revocation(sql, Into<RevocationRow>("revocations")),
        update_revocation(sql, Set<RevocationRow>("revocations",
                                                  "key = :key AND rev = "
                                                  ":old_rev")),
        confirmations(sql, From<ConfirmationRow>("confirmations WHERE key = "
                                                 ":key ORDER BY gateway")),
        count_overdue(sql,
                      "SELECT count(*) FROM confirmations WHERE state = "
                      "'OVERDUE'"),
        unstated(sql, From<RevocationRow>("revocations WHERE close_us <> 0 AND "
                                          "statement = '' ORDER BY revoke_us "
                                          "LIMIT :limit")),
        open_confirmations_of(
            sql, From<ConfirmationRow>("confirmations WHERE gateway = :gateway "
                                       "AND state NOT IN ('ENFORCED', "
                                       "'UNREGISTERED') ORDER BY key")),
        find_canary(sql, From<CanaryRow>("canaries WHERE key = :key AND "
                                         "audience = :audience AND from_us <= "
                                         ":now AND until_us > :until ORDER BY "
                                         "from_us DESC LIMIT 1")),
        any_canary(
            sql,
            "SELECT count(*) FROM (SELECT 1 FROM canaries WHERE key = "
            ":key AND audience = :audience AND until_us > :now LIMIT 1)"),
        insert_canary(sql, Into<CanaryRow>("canaries")),
        remove_canaries(sql, "DELETE FROM canaries WHERE until_us <= :until"),
        // From the canaries, which are few, to what they ask; who is not known
        // to refuse comes first.
        targets(sql,
                "SELECT c.key, c.gateway FROM (SELECT DISTINCT key FROM "
                "canaries WHERE until_us > :now) k CROSS JOIN confirmations c "
                "ON c.key = k.key CROSS JOIN gateways g ON g.id = c.gateway "
                "WHERE g.probe <> '' AND c.state <> 'UNREGISTERED' ORDER BY "
                "c.state = 'ENFORCED', c.key, c.gateway LIMIT :limit"),
        insert_drill(sql, Into<DrillRow>("drills")),
        find_drill(sql, From<DrillRow>("drills WHERE id = :id")),
        drills(sql, From<DrillRow>("drills WHERE (start_us, id) < (:time, "
                                   ":id) ORDER BY start_us DESC, id DESC "
                                   "LIMIT :limit")),
        insert_confirmation(sql, Into<ConfirmationRow>("confirmations")),
        update_confirmation(
            sql, Set<ConfirmationRow>("confirmations",
                                      "key = :key AND gateway = :gateway AND "
                                      "rev = :old_rev")) {}

  Select<GatewayRow, Text> find;
  Select<GatewayRow, Text, Number> list;
  Select<One<Number>> any;
  Select<GatewayRow, Text> list_of;
  Write<GatewayRow> insert;
  Update<GatewayRow, Text, Number> update;
  Write<NoRow, Text> remove;
  Write<NoRow, Text, Text> insert_issuer;
  Write<NoRow, Text> remove_issuers;
  Write<NoRow, Text> remove_views;
  Select<GatewayViewRow> views;
  Select<GatewayViewRow, Text> views_by;
  Select<GatewayViewRow, Text> views_of;
  Select<GatewayViewRow, Text, Text> view;
  Write<GatewayViewRow> put_view;
  Select<GatewayInstanceRow> instances;
  Write<GatewayInstanceRow> put_instance;
  Write<NoRow, Text, Text> remove_instance;
  Select<RevocationRow, Text> find_revocation;
  Select<RevocationRow, Number, Number> due;
  Select<One<Number>> next_due;
  Select<RevocationRow, Text> open_of;
  Write<RevocationRow> insert_revocation;
  Update<RevocationRow, Text, Number> update_revocation;
  Select<ConfirmationRow, Text> confirmations;
  Select<One<Number>> count_overdue;
  Select<RevocationRow, Number> unstated;
  Select<ConfirmationRow, Text> open_confirmations_of;
  Select<CanaryRow, Text, Text, Number, Number> find_canary;
  Select<One<Number>, Text, Text, Number> any_canary;
  Write<CanaryRow> insert_canary;
  Write<NoRow, Number> remove_canaries;
  Select<ProbeTargetRow, Number, Number> targets;
  Write<DrillRow> insert_drill;
  Select<DrillRow, Text> find_drill;
  Select<DrillRow, Number, Text, Number> drills;
  Write<ConfirmationRow> insert_confirmation;
  Update<ConfirmationRow, Text, Text, Number> update_confirmation;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_GATEWAY_STATEMENTS_H_
