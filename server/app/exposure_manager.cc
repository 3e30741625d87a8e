#include "server/app/exposure_manager.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/app/touched_person.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

template <typename Fact>
absl::Status CheckFact(const Fact& fact, absl::Time now) {
  RETURN_IF_ERROR(ParseCallerName("person", fact.person).status());
  if (fact.from > now) {
    return FieldError("from_time",
                      absl::StrCat(TimeText(fact.from), " lies in the future"));
  }
  if (fact.until && *fact.until <= fact.from) {
    return FieldError("until_time", absl::StrCat(TimeText(*fact.until),
                                                 " is not after from_time ",
                                                 TimeText(fact.from)));
  }
  if (fact.note.size() > 256) {
    return FieldError("note",
                      absl::StrCat(fact.note.size(), " bytes; at most 256"));
  }
  return absl::OkStatus();
}

absl::Status AlreadyKnown(const absl::Status& status,
                          absl::string_view person) {
  if (!absl::IsAlreadyExists(status)) return status;
  return Error(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
               absl::StrCat("the same is recorded of ", person,
                            " already, from the same instant"));
}

template <typename Fact>
std::string DetailOf(const Fact& fact, absl::string_view kind) {
  Json detail = {{"person", fact.person},
                 {"kind", kind},
                 {"from", TimeText(fact.from)},
                 {"note", fact.note}};
  if (fact.until) detail["until"] = TimeText(*fact.until);
  return WriteJson(detail);
}

// Sorts, and cuts out the page that begins at the token's place.
absl::StatusOr<Page<domain::Exposure>> PageOf(std::vector<domain::Exposure> all,
                                              const std::string& parent,
                                              const PageRequest& page) {
  ASSIGN_OR_RETURN(const int size, PageSize(page));
  ASSIGN_OR_RETURN(const std::string token,
                   ParsePageToken("exposures", parent, page.token));
  size_t begin = 0;
  if (!token.empty() && !absl::SimpleAtoi(token, &begin)) {
    return FieldError("page_token", "is not one of this list");
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.issuer, a.key, a.from, a.person, a.kind) <
           std::tie(b.issuer, b.key, b.from, b.person, b.kind);
  });
  Page<domain::Exposure> result;
  begin = std::min(begin, all.size());
  const size_t end = std::min(all.size(), begin + static_cast<size_t>(size));
  for (size_t i = begin; i < end; ++i) {
    result.items.push_back(std::move(all[i]));
  }
  if (end < all.size()) {
    result.next_token = MakePageToken("exposures", parent, absl::StrCat(end));
  }
  return result;
}

}  // namespace

absl::Status RecordCustody(Change& change, const domain::Custody& custody) {
  RETURN_IF_ERROR(
      AlreadyKnown(change.txn().InsertCustody(custody), custody.person));
  change.Record("custody.recorded", OwnerName(OwnerId(custody.person)),
                DetailOf(custody, domain::CustodyKindName(custody.kind)));
  return absl::OkStatus();
}

absl::Status RecordCustody(Transaction& txn, ChainWriter& chain,
                           const domain::Custody& custody, absl::Time now,
                           const domain::Actor& actor) {
  RETURN_IF_ERROR(AlreadyKnown(txn.InsertCustody(custody), custody.person));
  domain::AuditEvent event;
  event.time = now;
  event.actor = actor.principal;
  event.action = "custody.recorded";
  event.resource = OwnerName(OwnerId(custody.person));
  event.detail = DetailOf(custody, domain::CustodyKindName(custody.kind));
  return chain.Append(std::move(event));
}

absl::StatusOr<ExposurePage> ExposureManager::OfPerson(
    const Request& request, const OwnerId& person, const PageRequest& page) {
  const std::string name = OwnerName(person);
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadExposures, name));
  if (access == Access::kOwn && person.value() != request.caller.name) {
    return runner_.Denied(request, name, NotFound(name));
  }
  std::vector<domain::Exposure> all;
  ExposurePage result;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(all, txn.ListExposures(person));
    if (page.token.empty()) {
      ASSIGN_OR_RETURN(result.custodies, txn.ListCustodies(person.value()));
    }
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(result.exposures, PageOf(std::move(all), name, page));
  return result;
}

absl::StatusOr<ExposurePage> ExposureManager::OfKey(const Request& request,
                                                    const IssuerId& issuer,
                                                    const KeyId& id,
                                                    const PageRequest& page) {
  const std::string name = KeyName(issuer, id);
  ASSIGN_OR_RETURN(
      const Access access,
      runner_.Authorize(request, Permission::kReadExposures, name));
  std::vector<domain::Exposure> all;
  ExposurePage result;
  bool own = false;
  RETURN_IF_ERROR(runner_.store().Read([&](ReadTransaction& txn) {
    ASSIGN_OR_RETURN(const auto key, txn.FindKey(issuer, id));
    if (!key) return NotFound(name);
    own = key->owner.value() == request.caller.name;
    ASSIGN_OR_RETURN(all, txn.ListKeyExposures(issuer, id));
    if (!page.token.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(result.custodies, txn.ListCustodies(""));
    std::erase_if(result.custodies, [&](const domain::Custody& custody) {
      return custody.until && *custody.until <= key->create_time;
    });
    return absl::OkStatus();
  }));
  if (access == Access::kOwn && !own) {
    return runner_.Denied(request, name, NotFound(name));
  }
  ASSIGN_OR_RETURN(result.exposures, PageOf(std::move(all), name, page));
  return result;
}

absl::Status ExposureManager::DepartIfLeft(Change& change,
                                           const std::string& person) {
  bool left = false;
  for (const auto rule :
       {domain::MatchRule::kExternalId, domain::MatchRule::kUserName}) {
    ASSIGN_OR_RETURN(const auto users,
                     change.txn().FindUsersByName(rule, person));
    left = left || (!users.empty() &&
                    std::all_of(users.begin(), users.end(), [&](auto& user) {
                      return domain::HasLeft(user, change.now());
                    }));
  }
  if (!left) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto owner, MakeOwnerIfTouched(change, person));
  if (!owner) return absl::OkStatus();
  ReportDepartureCommand report;
  report.owner = owner->id;
  return departures_.ReportIn(change, *owner, report).status();
}

absl::Status ExposureManager::Reach(Change& change, const std::string& person) {
  ASSIGN_OR_RETURN(auto owner, change.txn().FindOwner(OwnerId(person)));
  if (!owner) return DepartIfLeft(change, person);
  if (owner->state != domain::OwnerState::kDeparted) {
    return absl::OkStatus();
  }
  return departures_.ReachFurtherIn(change, *owner);
}

absl::StatusOr<domain::Exposure> ExposureManager::Declare(
    const Request& request, domain::Exposure exposure) {
  const std::string name = KeyName(exposure.issuer, exposure.key);
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteExposures, name).status());
  exposure.declared_by = request.caller.Principal();
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        RETURN_IF_ERROR(CheckFact(exposure, change.now()));
        ASSIGN_OR_RETURN(const auto key,
                         change.txn().FindKey(exposure.issuer, exposure.key));
        if (!key) return NotFound(name);
        RETURN_IF_ERROR(AlreadyKnown(
            change.txn().InsertDeclaredExposure(exposure), exposure.person));
        change.Record(
            "exposure.declared", name,
            DetailOf(exposure, domain::ExposureKindName(exposure.kind)));
        change.SetResult(name);
        return Reach(change, exposure.person);
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return exposure;
}

absl::StatusOr<domain::Custody> ExposureManager::DeclareCustody(
    const Request& request, domain::Custody custody) {
  const std::string name = OwnerName(OwnerId(custody.person));
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kWriteExposures, name).status());
  custody.declared_by = request.caller.Principal();
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kUrgent,
      [&](Change& change) {
        RETURN_IF_ERROR(CheckFact(custody, change.now()));
        RETURN_IF_ERROR(RecordCustody(change, custody));
        change.SetResult(name);
        return Reach(change, custody.person);
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return custody;
}

}  // namespace warder::app
