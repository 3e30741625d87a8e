// The part of SqlTransaction about users, feeds and what they report.
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/storage/columns.h"
#include "server/storage/hr_statements.h"
#include "server/storage/sql_error.h"
#include "server/storage/sql_transaction.h"

namespace warder::storage {
namespace {

absl::Status NameTaken(const absl::Status& status, const domain::User& user) {
  if (!absl::IsAlreadyExists(status)) return status;
  return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
               absl::StrCat("a user of the name \"", user.user_name,
                            "\" exists in feed ", user.feed));
}

// The one row of a statement that replaces another, or the first.
template <typename Statement, typename Value>
absl::Status Put(Statement& statement, const Value& value) {
  return Guard([&]() -> absl::Status {
    statement.row().From(value);
    statement.Run();
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<std::optional<domain::User>> SqlTransaction::FindUser(
    const std::string& id) {
  return Guard([&] { return hr_->find_user.First(id); });
}

absl::StatusOr<std::vector<domain::User>> SqlTransaction::FindUsersByName(
    domain::MatchRule rule, const std::string& name) {
  return Guard([&] {
    return hr_->users_by_name.All(std::string(domain::MatchRuleName(rule)),
                                  name);
  });
}

absl::StatusOr<std::vector<domain::User>> SqlTransaction::ListUsersOf(
    const OwnerId& owner) {
  return Guard([&] { return hr_->users_of.All(owner.value()); });
}

absl::StatusOr<std::vector<domain::User>> SqlTransaction::ListUsers(
    const std::string& feed, int64_t offset, int limit) {
  return Guard([&] { return hr_->list_users.All(feed, limit, offset); });
}

absl::StatusOr<int64_t> SqlTransaction::CountUsers(const std::string& feed) {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto count, hr_->count_users.First(feed));
    return count.value_or(0);
  });
}

absl::StatusOr<std::optional<domain::Owner>> SqlTransaction::FindOwnerByName(
    domain::MatchRule rule, const std::string& name) {
  return Guard([&]() -> absl::StatusOr<std::optional<domain::Owner>> {
    if (name.empty()) return std::nullopt;
    ASSIGN_OR_RETURN(auto owner, hr_->owner_by_external_id.First(name));
    if (owner) return owner;
    if (rule == domain::MatchRule::kEmail) {
      return hr_->owner_by_contact.First(name);
    }
    return hr_->owner_by_id.First(name);
  });
}

absl::StatusOr<int64_t> SqlTransaction::CountActiveByName(
    domain::MatchRule rule, const std::string& name) {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    const Number by_email = rule == domain::MatchRule::kEmail ? 1 : 0;
    ASSIGN_OR_RETURN(
        const auto count,
        hr_->count_names.First(name, name, by_email, name, by_email));
    return name.empty() ? 0 : count.value_or(0);
  });
}

absl::StatusOr<int64_t> SqlTransaction::CountActivePeople() {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto count, hr_->count_people.First());
    return count.value_or(0);
  });
}

absl::StatusOr<std::vector<domain::Owner>> SqlTransaction::ListLapsed(
    absl::Time since, int limit) {
  return Guard([&] { return hr_->lapsed.All(ToMicros(since), limit); });
}

absl::StatusOr<std::vector<domain::Owner>> SqlTransaction::ListOverdue(
    absl::Time since, int limit) {
  return Guard([&] { return hr_->overdue.All(ToMicros(since), limit); });
}

absl::StatusOr<int64_t> SqlTransaction::CountSuspendedSince(absl::Time since) {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto count,
                     hr_->count_suspended.First(ToMicros(since)));
    return count.value_or(0);
  });
}

absl::StatusOr<std::vector<domain::Feed>> SqlTransaction::ListFeeds() {
  return Guard([&] { return hr_->list_feeds.All(); });
}

absl::StatusOr<std::optional<domain::FeedToken>> SqlTransaction::FindFeedToken(
    const std::string& id) {
  return Guard([&] { return hr_->find_token.First(id); });
}

absl::StatusOr<std::vector<domain::FeedToken>>
SqlTransaction::ListFeedTokens() {
  return Guard([&] { return hr_->list_tokens.All(); });
}

absl::StatusOr<std::optional<domain::HeldDeparture>> SqlTransaction::FindHeld(
    const OwnerId& owner) {
  return Guard([&] { return hr_->find_held.First(owner.value()); });
}

absl::StatusOr<std::vector<domain::HeldDeparture>> SqlTransaction::ListHeld() {
  return Guard([&] { return hr_->list_held.All(); });
}

absl::StatusOr<std::map<OwnerId, absl::Time>> SqlTransaction::ListAbsences() {
  return Guard([&]() -> absl::StatusOr<std::map<OwnerId, absl::Time>> {
    std::map<OwnerId, absl::Time> absences;
    RETURN_IF_ERROR(hr_->list_absences.Each(
        [&](const std::pair<std::string, int64_t>& absence) {
          absences[OwnerId(absence.first)] = FromMicros(absence.second);
        }));
    return absences;
  });
}

absl::StatusOr<int64_t> SqlTransaction::CountFeedDepartures(
    absl::Time since, const std::string& reported_by) {
  return Guard([&]() -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto count, hr_->count_feed_departures.First(
                                           ToMicros(since), reported_by,
                                           ToMicros(since), reported_by));
    return count.value_or(0);
  });
}

absl::Status SqlTransaction::SaveUserNames(const domain::User& user) {
  hr_->delete_names.Run(user.id);
  for (const domain::MatchRule rule :
       {domain::MatchRule::kExternalId, domain::MatchRule::kUserName,
        domain::MatchRule::kEmail}) {
    for (const std::string& name : domain::MatchNames(user, rule)) {
      hr_->insert_name.Run(std::string(domain::MatchRuleName(rule)), name,
                           user.id);
    }
  }
  return absl::OkStatus();
}

absl::Status SqlTransaction::InsertUser(const domain::User& user) {
  return NameTaken(Guard([&]() -> absl::Status {
                     hr_->insert_user.row().From(user);
                     hr_->insert_user.Run();
                     return SaveUserNames(user);
                   }),
                   user);
}

absl::Status SqlTransaction::UpdateUser(domain::User& user) {
  return NameTaken(
      Guard([&]() -> absl::Status {
        ASSIGN_OR_RETURN(const auto before, hr_->find_user.First(user.id));
        auto& update = hr_->update_user;
        update.row().From(user);
        update.row().rev = user.rev + 1;
        if (!before || update.Run(user.id, user.rev) != 1) {
          return Conflict(absl::StrCat("users/", user.id));
        }
        ++user.rev;
        const bool renamed = before->external_id != user.external_id ||
                             before->user_name != user.user_name ||
                             before->emails != user.emails;
        return renamed ? SaveUserNames(user) : absl::OkStatus();
      }),
      user);
}

absl::Status SqlTransaction::PutFeed(const domain::Feed& feed) {
  return Put(hr_->put_feed, feed);
}

absl::Status SqlTransaction::PutFeedToken(const domain::FeedToken& token) {
  return Put(hr_->put_token, token);
}

absl::Status SqlTransaction::PutHeld(const domain::HeldDeparture& held) {
  return Put(hr_->put_held, held);
}

absl::Status SqlTransaction::DeleteHeld(const OwnerId& owner) {
  return Guard([&]() -> absl::Status {
    hr_->delete_held.Run(owner.value());
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::PutAbsence(const OwnerId& owner,
                                        absl::Time since) {
  return Guard([&]() -> absl::Status {
    hr_->put_absence.Run(owner.value(), ToMicros(since));
    return absl::OkStatus();
  });
}

absl::Status SqlTransaction::DeleteAbsence(const OwnerId& owner) {
  return Guard([&]() -> absl::Status {
    hr_->delete_absence.Run(owner.value());
    return absl::OkStatus();
  });
}

}  // namespace warder::storage
