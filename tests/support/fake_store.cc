#include "tests/support/fake_store.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/domain/exposure.h"
#include "tests/support/fake_events.h"

namespace warder {
namespace {

using domain::IssuerDraft;
using domain::Key;
using domain::KeyState;

class FakeTransaction : public FakeEvents {
 public:
  explicit FakeTransaction(FakeStoreState& state)
      : FakeEvents(state), s_(state) {}

  absl::StatusOr<std::optional<domain::Issuer>> FindIssuer(
      const IssuerId& id) override {
    return Find(s_.issuers, id);
  }
  absl::StatusOr<std::vector<domain::Issuer>> ListIssuers(
      const std::string& after, int limit) override {
    return ListAfter(s_.issuers, IssuerId(after), limit);
  }
  absl::StatusOr<std::optional<domain::Owner>> FindOwner(
      const OwnerId& id) override {
    return Find(s_.owners, id);
  }
  absl::StatusOr<std::vector<domain::Owner>> ListOwners(
      const std::string& after, int limit) override {
    return ListAfter(s_.owners, OwnerId(after), limit);
  }
  absl::StatusOr<std::vector<domain::Owner>> ListLapsed(absl::Time since,
                                                        int limit) override {
    return PeopleBy(limit, &domain::Owner::confirm_time, [&](const auto& o) {
      return !o.overdue_time && o.confirm_time <= since;
    });
  }
  absl::StatusOr<std::vector<domain::Owner>> ListOverdue(absl::Time since,
                                                         int limit) override {
    return PeopleBy(limit, &domain::Owner::overdue_time, [&](const auto& o) {
      return o.overdue_time && *o.overdue_time <= since && !o.suspend_time;
    });
  }
  absl::StatusOr<int64_t> CountSuspendedSince(absl::Time since) override {
    return std::count_if(s_.owners.begin(), s_.owners.end(), [&](auto& entry) {
      return entry.second.suspend_time && *entry.second.suspend_time >= since;
    });
  }
  absl::StatusOr<std::optional<Key>> FindKey(const IssuerId& issuer,
                                             const KeyId& id) override {
    return Find(s_.keys, std::make_pair(issuer, id));
  }
  absl::StatusOr<std::vector<Key>> ListKeys(
      const app::KeyFilter& filter, const std::pair<IssuerId, KeyId>& after,
      int limit) override {
    std::vector<Key> out;
    for (auto it = s_.keys.upper_bound(after);
         it != s_.keys.end() && static_cast<int>(out.size()) < limit; ++it) {
      const Key& key = it->second;
      if (filter.issuer && key.issuer != *filter.issuer) continue;
      if (filter.state && key.state != *filter.state) continue;
      if (filter.owner && key.owner != *filter.owner) continue;
      out.push_back(key);
    }
    return out;
  }
  absl::StatusOr<IssuerDraft> LoadDraft(const IssuerId& id,
                                        app::KeyScope scope) override {
    const auto issuer = s_.issuers.find(id);
    if (issuer == s_.issuers.end()) return NotFound(IssuerName(id));
    IssuerDraft draft;
    draft.issuer = issuer->second;
    RETURN_IF_ERROR(LoadPeople(draft));
    for (const auto& [name, key] : s_.keys) {
      if (name.first != id) continue;
      const bool wanted = scope == app::KeyScope::kLiving
                              ? domain::IsLiving(key.state)
                              : key.state != KeyState::kRevoked;
      if (wanted) draft.keys.push_back(key);
    }
    for (const auto& [name, spare] : s_.spares) {
      if (name.first == id) draft.spares.push_back(spare);
    }
    for (const auto& e : s_.exposures) {
      if (e.issuer == id) draft.exposures.push_back(e);
    }
    std::set<std::string> people = {draft.issuer.owner.value()};
    for (const auto& e : draft.exposures) people.insert(e.person);
    for (const auto& custody : s_.custodies) {
      if (!IsScheduled(custody.person)) continue;
      people.insert(custody.person);
      domain::AddCustody(draft, custody);
    }
    for (const auto& [leaver, departure] : s_.departures) {
      if (!departure.done && people.count(leaver.value()) > 0) {
        draft.cuts.push_back({leaver, departure.instant});
      }
    }
    std::sort(
        draft.cuts.begin(), draft.cuts.end(),
        [](const auto& a, const auto& b) { return a.instant < b.instant; });
    return draft;
  }
  absl::Status LoadPeople(IssuerDraft& draft) override {
    draft.deputies.clear();
    draft.stand_ins.clear();
    draft.owner_leaves.reset();
    std::set<OwnerId> seen = {draft.issuer.owner};
    for (const OwnerId& id : draft.issuer.deputies) {
      seen.insert(id);
      draft.deputies.push_back(MakeDeputy(id));
    }
    const auto owner = Find(s_.owners, draft.issuer.owner);
    if (owner && owner->state == domain::OwnerState::kActive) {
      draft.owner_leaves = owner->depart_time;
    }
    auto link = owner;
    for (int i = 0; link && !link->deputy.empty() && i < 20; ++i) {
      const OwnerId next = link->deputy;
      link = Find(s_.owners, next);
      if (seen.insert(next).second) draft.stand_ins.push_back(MakeDeputy(next));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<IssuerId>> ListIssuersTouchedBy(
      const OwnerId& person) override {
    std::set<IssuerId> ids;
    for (const auto& [id, issuer] : s_.issuers) {
      if (issuer.owner == person) ids.insert(id);
      for (const auto& d : issuer.deputies) {
        if (d == person) ids.insert(id);
        const auto team = Find(s_.owners, d);
        if (team && std::count(team->members.begin(), team->members.end(),
                               person) > 0) {
          ids.insert(id);
        }
      }
      for (const auto& custody : s_.custodies) {
        if (custody.person == person.value()) ids.insert(id);
      }
    }
    for (const auto& e : s_.exposures) {
      if (e.person == person.value()) ids.insert(e.issuer);
    }
    return std::vector<IssuerId>(ids.begin(), ids.end());
  }
  absl::StatusOr<std::vector<domain::Exposure>> ListExposures(
      const OwnerId& person) override {
    std::vector<domain::Exposure> out;
    for (const auto& e : s_.exposures) {
      if (e.person == person.value()) out.push_back(e);
    }
    return out;
  }
  absl::StatusOr<std::vector<domain::Exposure>> ListKeyExposures(
      const IssuerId& issuer, const KeyId& key) override {
    std::vector<domain::Exposure> out;
    for (const auto& e : s_.exposures) {
      if (e.issuer == issuer && e.key == key) out.push_back(e);
    }
    return out;
  }
  absl::StatusOr<std::vector<domain::Custody>> ListCustodies(
      const std::string& person) override {
    std::vector<domain::Custody> out;
    for (const auto& c : s_.custodies) {
      if (person.empty() || c.person == person) out.push_back(c);
    }
    return out;
  }
  absl::StatusOr<std::vector<IssuerId>> ListDueIssuers(absl::Time now,
                                                       int limit) override {
    std::vector<std::pair<absl::Time, IssuerId>> due;
    for (const auto& [id, at] : s_.next_due) {
      if (at <= now) due.emplace_back(at, id);
    }
    std::sort(due.begin(), due.end());
    std::vector<IssuerId> ids;
    for (const auto& [at, id] : due) {
      if (static_cast<int>(ids.size()) < limit) ids.push_back(id);
    }
    return ids;
  }
  absl::StatusOr<absl::Time> NextDue() override {
    absl::Time next = absl::InfiniteFuture();
    for (const auto& [id, at] : s_.next_due) next = std::min(next, at);
    return next;
  }
  absl::StatusOr<std::optional<domain::Departure>> FindDeparture(
      const OwnerId& owner) override {
    return Find(s_.departures, owner);
  }
  absl::StatusOr<std::vector<domain::Cut>> ListScheduledDepartures() override {
    std::vector<domain::Cut> out;
    for (const auto& [id, d] : s_.departures) {
      if (!d.done) out.push_back({id, d.instant});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
      return a.instant < b.instant;
    });
    return out;
  }
  absl::StatusOr<std::optional<domain::AuditEvent>> LastEvent() override {
    if (s_.events.empty()) return std::nullopt;
    return s_.events.back();
  }
  absl::StatusOr<std::vector<domain::AuditEvent>> ListEvents(
      int64_t after, int limit) override {
    std::vector<domain::AuditEvent> out;
    for (const auto& e : s_.events) {
      if (e.sequence > after && static_cast<int>(out.size()) < limit) {
        out.push_back(e);
      }
    }
    return out;
  }
  absl::StatusOr<int64_t> FirstEventSince(absl::Time time) override {
    for (const auto& e : s_.events) {
      if (e.time >= time) return e.sequence;
    }
    return std::ssize(s_.events) + 1;
  }
  absl::StatusOr<std::pair<std::vector<domain::AuditEvent>, int64_t>>
  ListEventsOf(const std::string& person, absl::Time since,
               int limit) override {
    std::pair<std::vector<domain::AuditEvent>, int64_t> found;
    for (const auto& e : s_.events) {
      const size_t slash = e.actor.find('/');
      if (e.time < since || e.actor.substr(slash + 1) != person) continue;
      ++found.second;
      if (static_cast<int>(found.first.size()) < limit) {
        found.first.push_back(e);
      }
    }
    return found;
  }
  absl::StatusOr<std::optional<app::RequestRecord>> FindRequest(
      const std::string& principal, const std::string& request_id) override {
    return Find(s_.requests, std::make_pair(principal, request_id));
  }
  absl::StatusOr<app::StoreCounts> Count() override {
    app::StoreCounts counts;
    for (const auto& [name, key] : s_.keys) {
      ++counts.keys_by_state[std::string(domain::KeyStateName(key.state))];
    }
    for (const auto& [id, issuer] : s_.issuers) {
      if (issuer.state == domain::IssuerState::kOrphaned) {
        ++counts.orphaned_issuers;
      }
    }
    for (const auto& [id, owner] : s_.owners) {
      counts.overdue_owners += IsActive(id) && owner.overdue_time ? 1 : 0;
    }
    return counts;
  }
  absl::Status VisitPublished(
      absl::FunctionRef<void(IssuerDraft)> visit) override {
    for (const auto& [id, issuer] : s_.issuers) {
      ASSIGN_OR_RETURN(IssuerDraft full, LoadDraft(id, app::KeyScope::kLiving));
      IssuerDraft draft;
      draft.issuer = full.issuer;
      for (const Key& key : full.keys) {
        if (domain::IsPublished(key.state)) draft.keys.push_back(key);
      }
      visit(std::move(draft));
    }
    return absl::OkStatus();
  }
  absl::Status VisitEndedKeys(absl::FunctionRef<void(Key)> visit) override {
    for (const auto& [name, key] : s_.keys) {
      if (!domain::IsLiving(key.state)) visit(key);
    }
    return absl::OkStatus();
  }

  absl::Status InsertOwner(const domain::Owner& owner) override {
    if (!s_.owners.emplace(owner.id, owner).second) {
      return Exists(OwnerName(owner.id));
    }
    return absl::OkStatus();
  }
  absl::Status UpdateOwner(domain::Owner& owner) override {
    const auto it = s_.owners.find(owner.id);
    if (it == s_.owners.end() || it->second.rev != owner.rev) {
      return Conflict(OwnerName(owner.id));
    }
    if (it->second.state == domain::OwnerState::kDeparted &&
        owner.state != domain::OwnerState::kDeparted) {
      return Precondition(Reason::kWrongState, "a departed owner stays so");
    }
    if (owner.state == domain::OwnerState::kDeparted) {
      for (const auto& [name, key] : s_.keys) {
        if (key.owner == owner.id && domain::IsLiving(key.state)) {
          return Precondition(Reason::kOwnerNotActive, "still owns keys");
        }
      }
      for (const auto& [id, issuer] : s_.issuers) {
        if (issuer.owner == owner.id &&
            issuer.state == domain::IssuerState::kActive) {
          return Precondition(Reason::kOwnerNotActive, "still owns an issuer");
        }
      }
    }
    it->second = owner;
    for (const auto& [id, issuer] : s_.issuers) {
      RETURN_IF_ERROR(CheckDeputies(issuer));
    }
    it->second.rev = ++owner.rev;
    return absl::OkStatus();
  }
  absl::Status SaveDraft(IssuerDraft& draft, absl::Time next_due) override {
    domain::Issuer& issuer = draft.issuer;
    const auto it = s_.issuers.find(issuer.id);
    if (draft.changes.issuer_is_new) {
      if (it != s_.issuers.end()) return Exists(IssuerName(issuer.id));
      issuer.rev = 1;
    } else {
      if (it == s_.issuers.end() || it->second.rev != issuer.rev) {
        return Conflict(IssuerName(issuer.id));
      }
      ++issuer.rev;
    }
    if (issuer.state == domain::IssuerState::kActive &&
        !IsActive(issuer.owner)) {
      return Precondition(Reason::kOwnerNotActive, "an issuer needs an owner");
    }
    s_.issuers[issuer.id] = issuer;
    s_.next_due[issuer.id] = next_due;
    for (const KeyId& id : draft.changes.spent_spares) {
      s_.spares.erase({issuer.id, id});
    }
    for (const KeyId& id : draft.changes.updated) {
      Key& key = *draft.Find(id);
      Key& stored = s_.keys[{issuer.id, id}];
      if (stored.rev != key.rev) return Conflict(KeyName(issuer.id, id));
      if (stored.state == KeyState::kRevoked && stored != key) {
        return Precondition(Reason::kWrongState, "a revoked key stays so");
      }
      ++key.rev;
      RETURN_IF_ERROR(CheckPeople(issuer, key, /*is_new=*/false));
      stored = key;
    }
    for (const KeyId& id : draft.changes.inserted) {
      Key& key = *draft.Find(id);
      key.rev = 1;
      RETURN_IF_ERROR(CheckPeople(issuer, key, /*is_new=*/true));
      for (const auto& [at, other] : s_.keys) {
        if (at.second == id && key.kind != domain::KeyKind::kManaged) {
          return Exists(KeyName(at.first, id));
        }
      }
      for (const auto& [at, spare] : s_.spares) {
        if (at.second == id && key.kind != domain::KeyKind::kManaged) {
          return Exists(KeyName(at.first, id));
        }
      }
      if (!s_.keys.emplace(std::make_pair(issuer.id, id), key).second) {
        return Exists(KeyName(issuer.id, id));
      }
    }
    for (const auto& spare : draft.changes.new_spares) {
      s_.spares[{issuer.id, spare.id}] = spare;
    }
    for (const auto& e : draft.changes.opened) s_.exposures.push_back(e);
    for (const auto& [key, until] : draft.changes.ended) {
      for (auto& e : s_.exposures) {
        if (e.issuer == issuer.id && e.key == key && !e.until &&
            e.declared_by.empty()) {
          e.until = until;
        }
      }
    }
    if (issuer.state == domain::IssuerState::kOrphaned &&
        HasLivingKey(issuer)) {
      return Precondition(Reason::kOwnerNotActive, "orphaned with keys");
    }
    return CheckDeputies(issuer);
  }
  absl::Status AppendEvent(const domain::AuditEvent& event) override {
    s_.events.push_back(event);
    return absl::OkStatus();
  }
  absl::Status InsertRequest(const app::RequestRecord& record) override {
    s_.requests[{record.principal, record.request_id}] = record;
    return absl::OkStatus();
  }
  absl::Status PruneRequests(absl::Time before) override {
    std::erase_if(s_.requests, [&](const auto& entry) {
      return entry.second.create_time < before;
    });
    return absl::OkStatus();
  }
  absl::Status PutDeparture(const domain::Departure& departure) override {
    s_.departures[departure.owner] = departure;
    return absl::OkStatus();
  }
  absl::Status DeleteDeparture(const OwnerId& owner) override {
    if (IsScheduled(owner.value())) s_.departures.erase(owner);
    return absl::OkStatus();
  }
  absl::Status InsertDeclaredExposure(
      const domain::Exposure& exposure) override {
    for (const auto& e : s_.exposures) {
      if (e.issuer == exposure.issuer && e.key == exposure.key &&
          e.person == exposure.person && e.kind == exposure.kind &&
          e.from == exposure.from && !e.declared_by.empty()) {
        return Exists("the exposure");
      }
    }
    s_.exposures.push_back(exposure);
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<domain::User>> FindUser(
      const std::string& id) override {
    for (const domain::User& user : s_.users) {
      if (user.id == id) return user;
    }
    return std::nullopt;
  }
  absl::StatusOr<std::vector<domain::User>> FindUsersByName(
      domain::MatchRule rule, const std::string& name) override {
    return Users([&](const domain::User& user) {
      const auto names = domain::MatchNames(user, rule);
      return std::count(names.begin(), names.end(), name) > 0;
    });
  }
  absl::StatusOr<std::vector<domain::User>> ListUsersOf(
      const OwnerId& owner) override {
    return Users([&](const domain::User& user) { return user.owner == owner; });
  }
  absl::StatusOr<std::vector<domain::User>> ListUsers(const std::string& feed,
                                                      int64_t offset,
                                                      int limit) override {
    auto users = Users([&](const domain::User& user) {
      return user.feed == feed && !user.deleted;
    });
    const auto begin = std::min<int64_t>(offset, std::ssize(users));
    const auto end = std::min<int64_t>(begin + limit, std::ssize(users));
    return std::vector<domain::User>(users.begin() + begin,
                                     users.begin() + end);
  }
  absl::StatusOr<int64_t> CountUsers(const std::string& feed) override {
    return std::ssize(Users([&](const domain::User& user) {
      return user.feed == feed && !user.deleted;
    }));
  }
  absl::StatusOr<std::optional<domain::Owner>> FindOwnerByName(
      domain::MatchRule rule, const std::string& name) override {
    std::optional<domain::Owner> found;
    for (const auto& [id, owner] : s_.owners) {
      if (name.empty() || domain::MatchName(owner, rule) != name) continue;
      if (!found || owner.state == domain::OwnerState::kActive) found = owner;
    }
    return found;
  }
  absl::StatusOr<int64_t> CountActiveByName(domain::MatchRule rule,
                                            const std::string& name) override {
    int64_t count = 0;
    for (const auto& [id, owner] : s_.owners) {
      count += !name.empty() && owner.state == domain::OwnerState::kActive &&
                       domain::MatchName(owner, rule) == name
                   ? 1
                   : 0;
    }
    return count;
  }
  absl::StatusOr<int64_t> CountActivePeople() override {
    return std::count_if(s_.owners.begin(), s_.owners.end(), [](auto& entry) {
      return entry.second.state == domain::OwnerState::kActive &&
             entry.second.kind == domain::OwnerKind::kPerson;
    });
  }
  absl::StatusOr<std::vector<domain::Feed>> ListFeeds() override {
    std::vector<domain::Feed> out;
    for (const auto& [name, feed] : s_.feeds) out.push_back(feed);
    return out;
  }
  absl::StatusOr<std::optional<domain::FeedToken>> FindFeedToken(
      const std::string& id) override {
    return Find(s_.feed_tokens, id);
  }
  absl::StatusOr<std::vector<domain::FeedToken>> ListFeedTokens() override {
    std::vector<domain::FeedToken> out;
    for (const auto& [id, token] : s_.feed_tokens) out.push_back(token);
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
      return std::tie(a.feed, a.create_time) < std::tie(b.feed, b.create_time);
    });
    return out;
  }
  absl::StatusOr<std::optional<domain::HeldDeparture>> FindHeld(
      const OwnerId& owner) override {
    return Find(s_.held, owner);
  }
  absl::StatusOr<std::vector<domain::HeldDeparture>> ListHeld() override {
    std::vector<domain::HeldDeparture> out;
    for (const auto& [id, held] : s_.held) {
      if (!held.rejected) out.push_back(held);
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
      return a.report_time < b.report_time;
    });
    return out;
  }
  absl::StatusOr<std::map<OwnerId, absl::Time>> ListAbsences() override {
    return s_.absences;
  }
  absl::Status PutAbsence(const OwnerId& owner, absl::Time since) override {
    s_.absences[owner] = since;
    return absl::OkStatus();
  }
  absl::Status DeleteAbsence(const OwnerId& owner) override {
    s_.absences.erase(owner);
    return absl::OkStatus();
  }
  absl::StatusOr<int64_t> CountFeedDepartures(
      absl::Time since, const std::string& reported_by) override {
    int64_t count = 0;
    for (const auto& [id, d] : s_.departures) {
      count += d.source != "rpc" && d.report_time >= since &&
                       d.reported_by == reported_by
                   ? 1
                   : 0;
    }
    for (const auto& [id, held] : s_.held) {
      count += !held.rejected && held.report_time >= since &&
                       held.reported_by == reported_by
                   ? 1
                   : 0;
    }
    return count;
  }
  absl::Status InsertUser(const domain::User& user) override {
    RETURN_IF_ERROR(CheckUserName(user));
    s_.users.push_back(user);
    return absl::OkStatus();
  }
  absl::Status UpdateUser(domain::User& user) override {
    for (domain::User& stored : s_.users) {
      if (stored.id != user.id || stored.rev != user.rev) continue;
      RETURN_IF_ERROR(CheckUserName(user));
      ++user.rev;
      stored = user;
      return absl::OkStatus();
    }
    return Conflict("users/" + user.id);
  }
  absl::Status PutFeed(const domain::Feed& feed) override {
    s_.feeds[feed.name] = feed;
    return absl::OkStatus();
  }
  absl::Status PutFeedToken(const domain::FeedToken& token) override {
    s_.feed_tokens[token.id] = token;
    return absl::OkStatus();
  }
  absl::Status PutHeld(const domain::HeldDeparture& held) override {
    s_.held[held.owner] = held;
    return absl::OkStatus();
  }
  absl::Status DeleteHeld(const OwnerId& owner) override {
    s_.held.erase(owner);
    return absl::OkStatus();
  }
  absl::Status InsertCustody(const domain::Custody& custody) override {
    for (const auto& c : s_.custodies) {
      if (c.person == custody.person && c.kind == custody.kind &&
          c.from == custody.from) {
        return Exists("the custody");
      }
    }
    s_.custodies.push_back(custody);
    return absl::OkStatus();
  }

 private:
  template <typename Map, typename Id>
  static std::vector<typename Map::mapped_type> ListAfter(const Map& map,
                                                          const Id& after,
                                                          int limit) {
    std::vector<typename Map::mapped_type> out;
    for (auto it = map.upper_bound(after);
         it != map.end() && static_cast<int>(out.size()) < limit; ++it) {
      out.push_back(it->second);
    }
    return out;
  }
  bool IsActive(const OwnerId& id) const {
    const auto it = s_.owners.find(id);
    return it != s_.owners.end() &&
           it->second.state == domain::OwnerState::kActive;
  }
  // ACTIVE people for whom `wanted` holds, in order of `member`.
  template <typename Member, typename Wanted>
  std::vector<domain::Owner> PeopleBy(int limit, Member member,
                                      Wanted wanted) const {
    std::vector<domain::Owner> people;
    for (const auto& [id, owner] : s_.owners) {
      if (IsActive(id) && owner.kind == domain::OwnerKind::kPerson &&
          wanted(owner)) {
        people.push_back(owner);
      }
    }
    std::stable_sort(people.begin(), people.end(),
                     [&](auto& a, auto& b) { return a.*member < b.*member; });
    if (std::ssize(people) > limit) {
      people.resize(static_cast<size_t>(limit), domain::Owner{});
    }
    return people;
  }
  template <typename Wanted>
  std::vector<domain::User> Users(Wanted wanted) const {
    std::vector<domain::User> out;
    std::copy_if(s_.users.begin(), s_.users.end(), std::back_inserter(out),
                 wanted);
    return out;
  }
  absl::Status CheckUserName(const domain::User& user) const {
    for (const domain::User& other : s_.users) {
      if (other.id != user.id && other.feed == user.feed && !other.deleted &&
          !user.deleted &&
          domain::FoldName(other.user_name) ==
              domain::FoldName(user.user_name)) {
        return Exists(user.user_name);
      }
    }
    return absl::OkStatus();
  }
  domain::Deputy MakeDeputy(const OwnerId& id) const {
    domain::Deputy deputy{.id = id, .active = IsActive(id)};
    const auto owner = Find(s_.owners, id);
    if (!owner) return deputy;
    if (deputy.active) deputy.leaves = owner->depart_time;
    if (owner->suspend_time) deputy.active = false;
    deputy.team = owner->kind == domain::OwnerKind::kTeam;
    for (const OwnerId& member : owner->members) {
      deputy.members.push_back(MakeDeputy(member));
    }
    return deputy;
  }
  bool IsScheduled(const std::string& person) const {
    const auto it = s_.departures.find(OwnerId(person));
    return it != s_.departures.end() && !it->second.done;
  }
  bool HasLivingDeputy(const domain::Issuer& issuer) const {
    return std::any_of(
        issuer.deputies.begin(), issuer.deputies.end(), [&](const OwnerId& id) {
          const auto owner = Find(s_.owners, id);
          if (!owner || owner->kind == domain::OwnerKind::kPerson) {
            return IsActive(id);
          }
          return std::any_of(owner->members.begin(), owner->members.end(),
                             [&](const OwnerId& m) {
                               return IsActive(m) && m != issuer.owner;
                             });
        });
  }
  absl::Status CheckPeople(const domain::Issuer& issuer, const Key& key,
                           bool is_new) const {
    if (!domain::IsLiving(key.state)) return absl::OkStatus();
    if (!IsActive(key.owner)) {
      return Precondition(Reason::kOwnerNotActive, "a key needs an owner");
    }
    if (is_new && (issuer.state == domain::IssuerState::kOrphaned ||
                   (!issuer.deputy_vacant && !HasLivingDeputy(issuer)))) {
      return Precondition(Reason::kDeputyRequired, "a key needs a deputy");
    }
    return absl::OkStatus();
  }
  absl::Status CheckDeputies(const domain::Issuer& issuer) const {
    if (issuer.deputy_vacant || HasLivingDeputy(issuer)) {
      return absl::OkStatus();
    }
    if (!HasLivingKey(issuer)) return absl::OkStatus();
    return Precondition(Reason::kDeputyRequired, "the last deputy");
  }
  bool HasLivingKey(const domain::Issuer& issuer) const {
    return std::any_of(s_.keys.begin(), s_.keys.end(), [&](const auto& entry) {
      return entry.first.first == issuer.id &&
             domain::IsLiving(entry.second.state);
    });
  }

  FakeStoreState& s_;
};

}  // namespace

absl::Status FakeStore::Mutate(
    absl::FunctionRef<absl::Status(app::Transaction&)> body) {
  MutexLock lock(&mu_);
  FakeStoreState copy = state_;
  FakeTransaction txn(copy);
  RETURN_IF_ERROR(body(txn));
  RETURN_IF_ERROR(failure_);
  state_ = std::move(copy);
  return absl::OkStatus();
}

absl::Status FakeStore::Read(
    absl::FunctionRef<absl::Status(app::ReadTransaction&)> body) {
  MutexLock lock(&mu_);
  if (reads_fail_) return failure_;
  FakeTransaction txn(state_);
  return body(txn);
}

void FakeStore::FailWith(absl::Status status, bool reads_too) {
  MutexLock lock(&mu_);
  failure_ = std::move(status);
  reads_fail_ = reads_too;
}

}  // namespace warder
