// The statements about what goes out and who is believed, by name.
#ifndef WARDER_SERVER_STORAGE_EVENT_STATEMENTS_H_
#define WARDER_SERVER_STORAGE_EVENT_STATEMENTS_H_

#include <soci/soci.h>

#include "server/storage/event_rows.h"
#include "server/storage/statements.h"

namespace warder::storage {

// As Statements.
struct EventStatements {
  explicit EventStatements(soci::session& sql)
      : list_subscriptions(sql,
                           From<SubscriptionRow>("subscriptions ORDER BY id")),
        find_subscription(sql, From<SubscriptionRow>("subscriptions WHERE id = "
                                                     ":id")),
        insert_subscription(sql, Into<SubscriptionRow>("subscriptions")),
        update_subscription(sql,
                            Set<SubscriptionRow>("subscriptions", "id = :key")),
        move_cursor(sql,
                    "UPDATE subscriptions SET cursor = :cursor WHERE id = :id "
                    "AND cursor = :old"),
        delete_subscription(sql, "DELETE FROM subscriptions WHERE id = :id"),
        list_deliveries(
            sql, From<DeliveryRow>("deliveries WHERE subscription = :s "
                                   "AND dead_letter = :dead AND sequence > "
                                   ":after ORDER BY sequence LIMIT "
                                   ":limit")),
        find_delivery(sql, From<DeliveryRow>("deliveries WHERE subscription = "
                                             ":s AND sequence = :sequence")),
        count_deliveries(sql,
                         "SELECT count(*) FROM deliveries WHERE subscription = "
                         ":s AND dead_letter = :dead"),
        put_delivery(sql, Into<DeliveryRow>("deliveries", "INSERT OR REPLACE")),
        delete_delivery(sql,
                        "DELETE FROM deliveries WHERE subscription = :s AND "
                        "sequence = :sequence"),
        list_transmitters(sql,
                          From<TransmitterRow>("transmitters ORDER BY id")),
        find_transmitter(sql, From<TransmitterRow>("transmitters WHERE id = "
                                                   ":id")),
        put_transmitter(
            sql, Into<TransmitterRow>("transmitters", "INSERT OR REPLACE")),
        delete_transmitter(sql, "DELETE FROM transmitters WHERE id = :id") {}

  Select<SubscriptionRow> list_subscriptions;
  Select<SubscriptionRow, Text> find_subscription;
  Write<SubscriptionRow> insert_subscription;
  Update<SubscriptionRow, Text> update_subscription;
  Write<NoRow, Number, Text, Number> move_cursor;
  Write<NoRow, Text> delete_subscription;
  Select<DeliveryRow, Text, Number, Number, Number> list_deliveries;
  Select<DeliveryRow, Text, Number> find_delivery;
  Select<One<Number>, Text, Number> count_deliveries;
  Write<DeliveryRow> put_delivery;
  Write<NoRow, Text, Number> delete_delivery;
  Select<TransmitterRow> list_transmitters;
  Select<TransmitterRow, Text> find_transmitter;
  Write<TransmitterRow> put_transmitter;
  Write<NoRow, Text> delete_transmitter;
};

}  // namespace warder::storage

#endif  // WARDER_SERVER_STORAGE_EVENT_STATEMENTS_H_
