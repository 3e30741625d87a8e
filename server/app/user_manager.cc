#include "server/app/user_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/app/attestation_manager.h"
#include "server/app/etag.h"
#include "server/app/touched_person.h"
#include "server/base/error.h"
#include "server/base/log.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

constexpr int kScan = 200;
constexpr int kAttempts = 5;
// How the news came, see domain::Departure.
constexpr absl::string_view kScim = "scim";
constexpr absl::string_view kSecurityEvent = "security-event";

std::string UserName(const std::string& id) {
  return absl::StrCat("users/", id);
}

absl::StatusOr<domain::User> FindHis(ReadTransaction& txn,
                                     const Request& request,
                                     const std::string& id) {
  ASSIGN_OR_RETURN(auto user, txn.FindUser(id));
  if (!user || user->deleted || user->feed != request.caller.name) {
    return NotFound(UserName(id.substr(0, 64)));
  }
  return *std::move(user);
}

absl::Status CheckRev(const domain::User& user, std::optional<int64_t> rev) {
  if (!rev || *rev == user.rev) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, Reason::kEtagMismatch,
               absl::StrCat(UserName(user.id), " has version ", user.rev,
                            ", not ", *rev, "; read it again"));
}

bool Same(domain::User a, const domain::User& b) {
  a.rev = b.rev;
  a.update_time = b.update_time;
  return a == b;
}

// When what `user` says now was true, where security events told of him.
absl::Time HeardTime(const domain::User& user) {
  const auto document = ParseJsonObject(user.document);
  if (!document.ok()) return absl::InfinitePast();
  const auto text = JsonString(*document, "heard_time");
  if (!text.ok()) return absl::InfinitePast();
  return ParseTime(*text).value_or(absl::InfinitePast());
}

std::string DetailOf(const domain::User& user) {
  Json detail = {{"feed", user.feed},
                 {"user_name", user.user_name},
                 {"external_id", user.external_id},
                 {"active", user.active},
                 {"deleted", user.deleted}};
  if (!user.owner.empty()) detail["owner"] = OwnerName(user.owner);
  if (user.leave_time) detail["leaves"] = TimeText(*user.leave_time);
  return WriteJson(detail);
}

}  // namespace

absl::Status RefuseWhoHasLeft(ReadTransaction& txn, const domain::Owner& owner,
                              domain::MatchRule rule, absl::Time now) {
  const std::string name = domain::MatchName(owner, rule);
  if (name.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto users, txn.FindUsersByName(rule, name));
  const bool all_left =
      std::all_of(users.begin(), users.end(),
                  [&](const auto& user) { return domain::HasLeft(user, now); });
  if (users.empty() || !all_left) return absl::OkStatus();
  return Precondition(
      Reason::kOwnerNotActive,
      absl::StrCat(OwnerName(owner.id), ": feed ", users.back().feed,
                   " says that \"", name, "\" has left, since ",
                   TimeText(users.back().update_time),
                   "; who has left answers for no key"));
}

absl::Status UserManager::FindHisOwner(ReadTransaction& txn,
                                       domain::User& user) {
  if (!user.owner.empty()) {
    ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(user.owner));
    // Once matched he stays so, also under another name; a person who came back
    // is another owner.
    if (owner && owner->state == domain::OwnerState::kActive) {
      return absl::OkStatus();
    }
  }
  const domain::MatchRule rule = intake_.policy().match;
  for (const std::string& name : domain::MatchNames(user, rule)) {
    ASSIGN_OR_RETURN(const auto owner, txn.FindOwnerByName(rule, name));
    if (!owner || owner->kind == domain::OwnerKind::kTeam) continue;
    user.owner = owner->id;
    if (owner->state == domain::OwnerState::kActive) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status UserManager::MakeHisOwner(Change& change, domain::User& user) {
  std::vector<std::string> names =
      domain::MatchNames(user, intake_.policy().match);
  names.push_back(domain::FoldName(user.user_name));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const auto made, MakeOwnerIfTouched(change, name));
    if (!made) continue;
    user.owner = made->id;
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<domain::Owner>> UserManager::OwnersOf(
    ReadTransaction& txn, const domain::User& user) {
  std::vector<domain::Owner> owners;
  const auto add = [&](const std::optional<domain::Owner>& owner) {
    if (!owner || owner->state != domain::OwnerState::kActive ||
        owner->kind == domain::OwnerKind::kTeam) {
      return;
    }
    for (const domain::Owner& known : owners) {
      if (known.id == owner->id) return;
    }
    owners.push_back(*owner);
  };
  if (!user.owner.empty()) {
    ASSIGN_OR_RETURN(const auto kept, txn.FindOwner(user.owner));
    add(kept);
  }
  const domain::MatchRule rule = intake_.policy().match;
  for (const std::string& name : domain::MatchNames(user, rule)) {
    ASSIGN_OR_RETURN(const auto owner, txn.FindOwnerByName(rule, name));
    add(owner);
  }
  return owners;
}

absl::Status UserManager::Settle(Change& change, const domain::User* before,
                                 domain::User& user, absl::string_view source) {
  RETURN_IF_ERROR(FindHisOwner(change.txn(), user));
  if (user.owner.empty() &&
      (domain::HasLeft(user, change.now()) || user.leave_time)) {
    RETURN_IF_ERROR(MakeHisOwner(change, user));
  }
  user.update_time = change.now();
  if (before == nullptr) {
    RETURN_IF_ERROR(change.txn().InsertUser(user));
  } else {
    RETURN_IF_ERROR(change.txn().UpdateUser(user));
  }
  const absl::Time now = change.now();
  const bool left = domain::HasLeft(user, now);
  const bool had_left = before != nullptr && domain::HasLeft(*before, now);
  change.Record(before == nullptr   ? "user.created"
                : user.deleted      ? "user.deleted"
                : left && !had_left ? "user.left"
                : !left && had_left ? "user.reactivated"
                                    : "user.updated",
                UserName(user.id), DetailOf(user));
  if (left) return Depart(change, user, source);
  if (user.owner.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto owner, change.txn().FindOwner(user.owner));
  if (!owner || owner->state != domain::OwnerState::kActive) {
    return absl::OkStatus();  // nothing brings his keys back
  }
  // An event says when it was told, and may be an old one's replay.
  if (source == kScim && NeedsConfirming(intake_.policy(), *owner, now)) {
    RETURN_IF_ERROR(ConfirmIn(change, *owner));
  }
  if (user.leave_time) return Schedule(change, *owner, user, source);
  if (before == nullptr || (!before->leave_time && !had_left)) {
    return absl::OkStatus();
  }
  // Another user of his may say otherwise.
  ASSIGN_OR_RETURN(const auto others, change.txn().ListUsersOf(owner->id));
  for (const domain::User& other : others) {
    if (other.id != user.id &&
        (domain::HasLeft(other, now) || other.leave_time)) {
      return absl::OkStatus();
    }
  }
  return intake_.TakeBack(change, owner->id);
}

absl::Status UserManager::Depart(Change& change, const domain::User& user,
                                 absl::string_view source) {
  // Who is inactive has left, whatever day was planned.
  ReportDepartureCommand report{.owner = OwnerId(),
                                .instant = std::nullopt,
                                .source = std::string(source),
                                .time_zone = "",
                                .plan = std::nullopt};
  if (user.leave_time && *user.leave_time <= change.now()) {
    report.instant = user.leave_time;
    report.time_zone = user.time_zone;
  }
  ASSIGN_OR_RETURN(auto owners, OwnersOf(change.txn(), user));
  if (owners.size() > 1) {
    // Ends too much rather than too little, and says so.
    Log(LogLevel::kError, "user.matches_several_owners",
        {{"user", UserName(user.id)},
         {"owners", absl::StrCat(owners.size())},
         {"next",
          "all of them depart; give each owner an external_id of his own"}});
  }
  for (domain::Owner& owner : owners) {
    report.owner = owner.id;
    RETURN_IF_ERROR(intake_.TakeIn(change, owner, report).status());
  }
  return absl::OkStatus();
}

absl::Status UserManager::Schedule(Change& change, domain::Owner& owner,
                                   const domain::User& user,
                                   absl::string_view source) {
  ASSIGN_OR_RETURN(const auto known, change.txn().FindDeparture(owner.id));
  if (known) {
    const bool later = *user.leave_time >= known->instant;
    // Nobody but the feed that said it makes it later; and he himself never.
    if (*user.leave_time == known->instant ||
        (later && (known->source == "rpc" ||
                   known->reported_by != change.actor().principal))) {
      return absl::OkStatus();
    }
    if (later && change.actor().person == owner.id.value()) {
      return Error(absl::StatusCode::kPermissionDenied,
                   Reason::kTwoPeopleRequired,
                   absl::StrCat(OwnerName(owner.id),
                                " does not postpone his own departure"));
    }
  }
  return intake_
      .TakeIn(change, owner,
              {.owner = owner.id,
               .instant = user.leave_time,
               .source = std::string(source),
               .time_zone = user.time_zone,
               .plan = std::nullopt})
      .status();
}

absl::Status UserManager::Adopt(Change& change, domain::Owner& owner) {
  const domain::MatchRule rule = intake_.policy().match;
  const std::string name = domain::MatchName(owner, rule);
  if (name.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto users, change.txn().FindUsersByName(rule, name));
  for (domain::User& user : users) {
    if (domain::HasLeft(user, change.now())) continue;
    if (user.owner != owner.id) {
      ASSIGN_OR_RETURN(const auto kept, change.txn().FindOwner(user.owner));
      if (kept && kept->state == domain::OwnerState::kActive) continue;
      user.owner = owner.id;
      RETURN_IF_ERROR(change.txn().UpdateUser(user));
    }
    if (user.leave_time) RETURN_IF_ERROR(Schedule(change, owner, user, kScim));
  }
  return absl::OkStatus();
}

absl::StatusOr<domain::User> UserManager::Create(const Request& request,
                                                 domain::User wanted) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, "users")
          .status());
  wanted.id = RandomToken(random_, 16);
  wanted.feed = request.caller.name;
  wanted.rev = 1;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        wanted.create_time = change.now();
        wanted.owner = OwnerId();
        return Settle(change, nullptr, wanted, kScim);
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return wanted;
}

absl::Status UserManager::HearOf(Change& change, const std::string& name,
                                 const HeardAccount& heard, bool& overtaken) {
  ASSIGN_OR_RETURN(auto namesakes,
                   change.txn().FindUsersByName(domain::MatchRule::kUserName,
                                                domain::FoldName(name)));
  std::erase_if(namesakes, [&](const domain::User& other) {
    return other.feed != heard.feed;
  });
  domain::User user;
  user.feed = heard.feed;
  // Whatever the rule compares, it is compared with this.
  user.user_name = user.external_id = name;
  user.emails = {name};
  user.active = heard.active;
  user.leave_time = heard.leave_time;
  Json document = heard.document;
  document["heard_time"] = TimeText(heard.time);
  user.document = WriteJson(document);
  if (namesakes.empty()) {
    user.id = RandomToken(random_, 16);
    user.create_time = change.now();
    user.rev = 1;
    return Settle(change, nullptr, user, kSecurityEvent);
  }
  const domain::User& before = namesakes.front();
  const absl::Time last = HeardTime(before);
  // Replayed or overtaken. Of two words of one second the worse counts.
  if (heard.time < last ||
      (heard.time == last && (user.active || !before.active))) {
    overtaken = overtaken || (before.active && !user.active);
    return absl::OkStatus();
  }
  user.id = before.id;
  user.owner = before.owner;
  user.create_time = before.create_time;
  user.rev = before.rev;
  return Settle(change, &before, user, kSecurityEvent);
}

absl::StatusOr<bool> UserManager::Hear(const Request& request,
                                       const HeardAccount& heard) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, "users")
          .status());
  bool overtaken = false;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) -> absl::Status {
        overtaken = false;
        for (const std::string& name : heard.names) {
          RETURN_IF_ERROR(HearOf(change, name, heard, overtaken));
        }
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return overtaken;
}

absl::StatusOr<domain::User> UserManager::Get(const Request& request,
                                              const std::string& id) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadOwners, "users").status());
  domain::User user;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(user, FindHis(txn, request, id));
    return absl::OkStatus();
  }));
  return user;
}

absl::StatusOr<UserList> UserManager::List(
    const Request& request, const std::optional<UserLookup>& lookup,
    const std::function<bool(const domain::User&)>& matches, int64_t offset,
    int64_t limit) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReadOwners, "users").status());
  const std::string& feed = request.caller.name;
  UserList list;
  const auto consider = [&](domain::User user) {
    if (user.deleted || user.feed != feed) return;
    if (matches && !matches(user)) return;
    if (list.total >= offset && list.total < offset + limit) {
      list.users.push_back(std::move(user));
    }
    ++list.total;
  };
  if (!lookup && !matches) {
    RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(list.total, txn.CountUsers(feed));
      if (limit == 0) return absl::OkStatus();
      ASSIGN_OR_RETURN(list.users,
                       txn.ListUsers(feed, offset, static_cast<int>(limit)));
      return absl::OkStatus();
    }));
    return list;
  }
  // A filter is asked outside the transaction: nobody waits for it.
  for (int64_t from = 0;; from += kScan) {
    std::vector<domain::User> users;
    RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
      if (lookup) {
        ASSIGN_OR_RETURN(users,
                         txn.FindUsersByName(lookup->kind, lookup->name));
      } else {
        ASSIGN_OR_RETURN(users, txn.ListUsers(feed, from, kScan));
      }
      return absl::OkStatus();
    }));
    const bool more = !lookup && std::ssize(users) == kScan;
    for (domain::User& user : users) consider(std::move(user));
    if (!more) return list;
  }
}

absl::Status UserManager::SaidAgain(const Request& request,
                                    const domain::User& user) {
  const absl::Time now = runner_.clock_guard().Read().trusted;
  if (domain::HasLeft(user, now) || user.owner.empty()) return absl::OkStatus();
  std::optional<domain::Owner> owner;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(owner, txn.FindOwner(user.owner));
    return absl::OkStatus();
  }));
  if (!owner || !NeedsConfirming(intake_.policy(), *owner, now)) {
    return absl::OkStatus();
  }
  return runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        ASSIGN_OR_RETURN(owner, change.txn().FindOwner(user.owner));
        return ConfirmIn(change, *owner);
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); });
}

absl::StatusOr<domain::User> UserManager::Edit(
    const Request& request, const std::string& id, std::optional<int64_t> rev,
    absl::FunctionRef<absl::StatusOr<domain::User>(const domain::User&)> edit) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kReportDeparture, "users")
          .status());
  absl::Status last;
  // Edited outside the transaction, so that nobody waits for a large document.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    domain::User before;
    RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
      ASSIGN_OR_RETURN(before, FindHis(txn, request, id));
      return absl::OkStatus();
    }));
    RETURN_IF_ERROR(CheckRev(before, rev));
    ASSIGN_OR_RETURN(const domain::User edited, edit(before));
    if (Same(edited, before)) {
      RETURN_IF_ERROR(SaidAgain(request, before));
      return before;
    }
    domain::User user;
    last = runner_.Run(
        request, ChangeRunner::Urgency::kUrgent,
        [&](Change& change) {
          user = edited;
          return Settle(change, &before, user, kScim);
        },
        [](ReadTransaction&, const std::string&) { return absl::OkStatus(); });
    if (last.ok()) return user;
    if (ReasonOf(last) != ReasonName(Reason::kConflict)) return last;
  }
  return last;
}

absl::Status UserManager::Delete(const Request& request, const std::string& id,
                                 std::optional<int64_t> rev) {
  return Edit(request, id, rev,
              [](const domain::User& before) -> absl::StatusOr<domain::User> {
                domain::User gone = before;
                gone.deleted = true;
                gone.active = false;
                return gone;
              })
      .status();
}

}  // namespace warder::app
