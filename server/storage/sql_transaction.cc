#include "server/storage/sql_transaction.h"

#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/storage/alarm_rows.h"
#include "server/storage/columns.h"
#include "server/storage/event_statements.h"
#include "server/storage/gateway_statements.h"
#include "server/storage/hr_statements.h"
#include "server/storage/rows.h"
#include "server/storage/sql_error.h"
#include "server/storage/statements.h"

namespace warder::storage {

SqlTransaction::SqlTransaction(soci::session& sql)
    : sql_(sql),
      statements_(std::make_unique<Statements>(sql)),
      hr_(std::make_unique<HrStatements>(sql)),
      events_(std::make_unique<EventStatements>(sql)),
      gateways_(std::make_unique<GatewayStatements>(sql)),
      alarms_(std::make_unique<AlarmStatements>(sql)) {}
SqlTransaction::~SqlTransaction() = default;

absl::StatusOr<std::optional<domain::Issuer>> SqlTransaction::FindIssuer(
    const IssuerId& id) {
  return Guard([&]() -> absl::StatusOr<std::optional<domain::Issuer>> {
    ASSIGN_OR_RETURN(auto issuer, statements_->find_issuer.First(id.value()));
    if (issuer) RETURN_IF_ERROR(LoadDeputies(*issuer));
    return issuer;
  });
}

absl::StatusOr<std::vector<domain::Issuer>> SqlTransaction::ListIssuers(
    const std::string& after, int limit) {
  return Guard([&]() -> absl::StatusOr<std::vector<domain::Issuer>> {
    ASSIGN_OR_RETURN(auto issuers, statements_->list_issuers.All(after, limit));
    for (domain::Issuer& issuer : issuers) {
      RETURN_IF_ERROR(LoadDeputies(issuer));
    }
    return issuers;
  });
}

absl::StatusOr<std::optional<domain::Key>> SqlTransaction::FindKey(
    const IssuerId& issuer, const KeyId& id) {
  return Guard(
      [&] { return statements_->find_key.First(issuer.value(), id.value()); });
}

absl::StatusOr<std::vector<domain::Key>> SqlTransaction::ListKeys(
    const app::KeyFilter& filter, const std::pair<IssuerId, KeyId>& after,
    int limit) {
  return Guard([&] {
    // One text per combination of filters, so that each uses its index; a
    // partial index is used only where the state stands in the text.
    std::string text = From<KeyRow>("keys WHERE (issuer, id) > (:ai, :ak)");
    absl::StrAppend(
        &text, filter.issuer ? " AND issuer = :issuer" : " AND '' = :issuer");
    absl::StrAppend(&text,
                    filter.owner ? " AND owner = :owner" : " AND '' = :owner");
    if (filter.state) {
      absl::StrAppend(&text, " AND state = '",
                      domain::KeyStateName(*filter.state), "'");
    }
    text += " ORDER BY issuer, id LIMIT :limit";
    Select<KeyRow, Text, Text, Text, Text, Number> select(sql_, text);
    return select.All(after.first.value(), after.second.value(),
                      filter.issuer ? filter.issuer->value() : "",
                      filter.owner ? filter.owner->value() : "", limit);
  });
}

absl::StatusOr<domain::IssuerDraft> SqlTransaction::LoadDraft(
    const IssuerId& id, app::KeyScope scope) {
  return Guard([&]() -> absl::StatusOr<domain::IssuerDraft> {
    ASSIGN_OR_RETURN(auto issuer, statements_->find_issuer.First(id.value()));
    if (!issuer) return NotFound(IssuerName(id));
    domain::IssuerDraft draft;
    draft.issuer = *std::move(issuer);
    RETURN_IF_ERROR(LoadDeputies(draft.issuer));
    RETURN_IF_ERROR(LoadPeople(draft));
    auto& keys = scope == app::KeyScope::kLiving ? statements_->living_keys
                                                 : statements_->unrevoked_keys;
    ASSIGN_OR_RETURN(draft.keys, keys.All(id.value()));
    ASSIGN_OR_RETURN(draft.spares, statements_->spares.All(id.value()));
    const auto add = [&](domain::Exposure exposure) {
      draft.exposures.push_back(std::move(exposure));
    };
    RETURN_IF_ERROR(statements_->exposures.Each(add, id.value()));
    if (!seen_.any_declared) {
      ASSIGN_OR_RETURN(const auto any, statements_->any_declared.First());
      seen_.any_declared = any.value_or(0) > 0;
    }
    if (*seen_.any_declared) {
      RETURN_IF_ERROR(statements_->declared_exposures.Each(add, id.value()));
    }
    RETURN_IF_ERROR(LoadCuts(draft));
    return draft;
  });
}

absl::StatusOr<std::vector<IssuerId>> SqlTransaction::ListDueIssuers(
    absl::Time now, int limit) {
  return Guard([&]() -> absl::StatusOr<std::vector<IssuerId>> {
    std::vector<IssuerId> ids;
    RETURN_IF_ERROR(statements_->due.Each(
        [&](const std::string& id) { ids.push_back(IssuerId(id)); },
        ToMicros(now), limit));
    return ids;
  });
}

absl::StatusOr<absl::Time> SqlTransaction::NextDue() {
  return Guard([&]() -> absl::StatusOr<absl::Time> {
    ASSIGN_OR_RETURN(const auto next, statements_->next_due.First());
    return next ? FromMicros(*next) : absl::InfiniteFuture();
  });
}

absl::StatusOr<std::optional<domain::AuditEvent>> SqlTransaction::LastEvent() {
  return Guard([&] { return statements_->last_event.First(); });
}

absl::StatusOr<std::vector<domain::AuditEvent>> SqlTransaction::ListEvents(
    int64_t after, int limit) {
  return Guard([&] { return statements_->list_events.All(after, limit); });
}

absl::StatusOr<int64_t> SqlTransaction::FirstEventSince(absl::Time time) {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    // Events are in order of time, so the first one is found by halving.
    ASSIGN_OR_RETURN(const auto last, statements_->last_event.First());
    int64_t low = 1, high = last ? last->sequence + 1 : 1;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      ASSIGN_OR_RETURN(const auto at, statements_->event_time.First(middle));
      if (!at || FromMicros(*at) < time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  });
}

absl::StatusOr<std::pair<std::vector<domain::AuditEvent>, int64_t>>
SqlTransaction::ListEventsOf(const std::string& person, absl::Time since,
                             int limit) {
  using Found = std::pair<std::vector<domain::AuditEvent>, int64_t>;
  return Guard([&]() -> absl::StatusOr<Found> {
    ASSIGN_OR_RETURN(const int64_t first, FirstEventSince(since));
    Found found;
    ASSIGN_OR_RETURN(found.first,
                     statements_->events_of.All(first, person, limit));
    ASSIGN_OR_RETURN(const auto count,
                     statements_->count_events_of.First(first, person));
    found.second = count.value_or(0);
    return found;
  });
}

absl::StatusOr<std::optional<app::RequestRecord>> SqlTransaction::FindRequest(
    const std::string& principal, const std::string& request_id) {
  return Guard(
      [&] { return statements_->find_request.First(principal, request_id); });
}

absl::StatusOr<app::StoreCounts> SqlTransaction::Count() {
  return Guard([&]() -> absl::StatusOr<app::StoreCounts> {
    app::StoreCounts counts;
    RETURN_IF_ERROR(statements_->count_keys.Each(
        [&](const std::pair<std::string, int64_t>& count) {
          counts.keys_by_state[count.first] = count.second;
        }));
    ASSIGN_OR_RETURN(const auto orphaned, statements_->count_orphaned.First());
    counts.orphaned_issuers = orphaned.value_or(0);
    ASSIGN_OR_RETURN(const auto overdue, statements_->count_overdue.First());
    counts.overdue_owners = overdue.value_or(0);
    return counts;
  });
}

absl::Status SqlTransaction::VisitPublished(
    absl::FunctionRef<void(domain::IssuerDraft)> visit) {
  return Guard([&]() -> absl::Status {
    // Two cursors in step: issuers, and their published keys, both by issuer.
    // The plus keeps the engine off the partial indexes: one pass in order of
    // the table beats look-ups and a sort.
    Select<PublishedKeyRow> keys(
        sql_,
        From<PublishedKeyRow>("keys WHERE +state IN ('PENDING', 'ACTIVE', "
                              "'RETIRING') ORDER BY issuer, id"));
    Select<IssuerRow> issuers(sql_, From<IssuerRow>("issuers ORDER BY id"));
    keys.Start();
    issuers.Start();
    ASSIGN_OR_RETURN(std::optional<domain::Key> key, keys.Next());
    while (true) {
      ASSIGN_OR_RETURN(std::optional<domain::Issuer> issuer, issuers.Next());
      if (!issuer) return absl::OkStatus();
      domain::IssuerDraft draft;
      draft.issuer = *std::move(issuer);
      draft.keys.reserve(domain::kMaxPublishedKeys);
      // A key whose issuer is missing hides nobody else's.
      while (key && key->issuer < draft.issuer.id) {
        ASSIGN_OR_RETURN(key, keys.Next());
      }
      while (key && key->issuer == draft.issuer.id) {
        draft.keys.push_back(*std::move(key));
        ASSIGN_OR_RETURN(key, keys.Next());
      }
      visit(std::move(draft));
    }
  });
}

absl::Status SqlTransaction::VisitEndedKeys(
    absl::FunctionRef<void(domain::Key)> visit) {
  return Guard([&]() -> absl::Status {
    Select<KeyRow> keys(sql_, From<KeyRow>("keys WHERE +state IN ('RETIRED', "
                                           "'REVOKED') ORDER BY issuer, id"));
    return keys.Each([&](domain::Key key) { visit(std::move(key)); });
  });
}

absl::Status SqlTransaction::SaveIssuer(domain::IssuerDraft& draft,
                                        absl::Time next_due) {
  domain::Issuer& issuer = draft.issuer;
  if (draft.changes.issuer_is_new) {
    issuer.rev = 1;
    statements_->insert_issuer.row().From(issuer, next_due);
    absl::Status status = Guard([&]() -> absl::Status {
      statements_->insert_issuer.Run();
      return absl::OkStatus();
    });
    if (!absl::IsAlreadyExists(status)) return status;
    return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                 absl::StrCat(IssuerName(issuer.id), " already exists"));
  }
  auto& update = statements_->update_issuer;
  update.row().From(issuer, next_due);
  update.row().rev = issuer.rev + 1;
  if (update.Run(issuer.id.value(), issuer.rev) != 1) {
    return Conflict(IssuerName(issuer.id));
  }
  ++issuer.rev;
  return absl::OkStatus();
}

absl::Status SqlTransaction::SaveDeputies(const domain::IssuerDraft& draft) {
  if (!draft.changes.deputies && !draft.changes.issuer_is_new) {
    return absl::OkStatus();
  }
  const std::string& issuer = draft.issuer.id.value();
  const auto& deputies = draft.issuer.deputies;
  for (size_t i = 0; i < deputies.size(); ++i) {
    statements_->put_deputy.Run(issuer, static_cast<Number>(i),
                                deputies[i].value());
  }
  // Row by row: a DELETE of several builds a table of them first.
  auto after = static_cast<Number>(deputies.size());
  while (statements_->delete_deputy.Run(issuer, after) > 0) ++after;
  return absl::OkStatus();
}

absl::Status SqlTransaction::UpdateKeys(domain::IssuerDraft& draft) {
  const std::string& issuer = draft.issuer.id.value();
  // Keys that end or stop signing first: one ACTIVE key per algorithm.
  std::vector<domain::Key*> updates;
  for (const KeyId& id : draft.changes.updated) {
    updates.push_back(draft.Find(id));
  }
  std::stable_sort(updates.begin(), updates.end(),
                   [](const domain::Key* a, const domain::Key* b) {
                     return (a->state != domain::KeyState::kActive) >
                            (b->state != domain::KeyState::kActive);
                   });
  for (domain::Key* key : updates) {
    auto& update = statements_->update_key;
    update.row().From(*key);
    update.row().rev = key->rev + 1;
    if (update.Run(issuer, key->id.value(), key->rev) != 1) {
      return Conflict(KeyName(key->issuer, key->id));
    }
    ++key->rev;
    if (draft.changes.handed_over) {
      statements_->update_key_owner.Run(key->owner.value(), issuer,
                                        key->id.value());
    }
  }
  return absl::OkStatus();
}

void SqlTransaction::InsertKeys(domain::IssuerDraft& draft) {
  for (const KeyId& id : draft.changes.inserted) {
    domain::Key* key = draft.Find(id);
    key->rev = 1;
    statements_->insert_key.row().From(*key);
    statements_->insert_key.Run();
  }
}

void SqlTransaction::EndExposures(const domain::IssuerDraft& draft) {
  // One statement for all keys that end at one instant.
  std::map<absl::Time, std::string> ended;
  for (const auto& [key, until] : draft.changes.ended) {
    absl::StrAppend(&ended[until], key.value(), " ");
  }
  for (const auto& [until, keys] : ended) {
    statements_->end_exposures.Run(ToMicros(until), draft.issuer.id.value(),
                                   keys);
  }
}

absl::Status SqlTransaction::SaveDraft(domain::IssuerDraft& draft,
                                       absl::Time next_due) {
  return Guard([&]() -> absl::Status {
    const std::string& issuer = draft.issuer.id.value();
    // In an order in which the orphan rules of the schema hold at every step:
    // keys that end, then people, then keys that begin.
    RETURN_IF_ERROR(UpdateKeys(draft));
    const bool people_first =
        !draft.changes.issuer_is_new && !draft.issuer.deputy_vacant;
    if (people_first) RETURN_IF_ERROR(SaveDeputies(draft));
    RETURN_IF_ERROR(SaveIssuer(draft, next_due));
    if (!people_first) RETURN_IF_ERROR(SaveDeputies(draft));
    for (const KeyId& id : draft.changes.spent_spares) {
      statements_->delete_spare.Run(issuer, id.value());
    }
    InsertKeys(draft);
    for (const domain::Spare& spare : draft.changes.new_spares) {
      statements_->insert_spare.row().From(spare);
      statements_->insert_spare.Run();
    }
    for (const domain::Exposure& exposure : draft.changes.opened) {
      statements_->insert_exposure.row().From(exposure);
      statements_->insert_exposure.Run();
    }
    EndExposures(draft);
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::AppendEvent(const domain::AuditEvent& event) {
  return Guard([&]() -> absl::Status {
    statements_->insert_event.row().From(event);
    statements_->insert_event.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::InsertRequest(const app::RequestRecord& record) {
  return Guard([&]() -> absl::Status {
    statements_->insert_request.row().From(record);
    statements_->insert_request.Run();
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::PruneRequests(absl::Time before) {
  return Guard([&]() -> absl::Status {
    statements_->prune_requests.Run(ToMicros(before));
    return absl::OkStatus();
  });
}

}  // namespace warder::storage
