#include "server/app/subject_manager.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/utf8.h"

namespace warder::app {
namespace {

SubjectSetFacts FactsOf(const ledger::LoadedSubjects& subjects) {
  return {.count = subjects.set.count(),
          .load_time = subjects.load_time,
          .loaded_by = subjects.loaded_by,
          .size_bytes = subjects.set.size_bytes()};
}

void RecordCounts(absl::string_view action, const IssuerId& issuer,
                  size_t count, const ledger::SubjectsPtr& before,
                  Change& change) {
  change.Record(action, SubjectSetName(issuer),
                WriteJson({{"issuer", IssuerName(issuer)},
                           {"count", count},
                           {"count_before",
                            before == nullptr ? 0 : before->set.count()}}));
  change.SetResult(SubjectSetName(issuer));
}

// Fewer by a tenth are half of a file, as a rule.
absl::Status CheckCount(const IssuerId& issuer,
                        const ledger::LoadedSubjects& subjects,
                        const ledger::SubjectsPtr& before, bool allow_fewer) {
  if (allow_fewer || before == nullptr ||
      subjects.set.count() * 10 >= before->set.count() * 9) {
    return absl::OkStatus();
  }
  return Precondition(
      Reason::kWrongState,
      absl::StrCat(SubjectSetName(issuer), ": ", subjects.set.count(),
                   " subjects came, and ", before->set.count(),
                   " are loaded; if so many are gone, load them with "
                   "--allow-fewer"));
}

}  // namespace

std::string SubjectSetName(const IssuerId& issuer) {
  return absl::StrCat(IssuerName(issuer), "/subjectSet");
}

absl::Status SubjectManager::Admit(const Request& request,
                                   Permission permission,
                                   const IssuerId& issuer) {
  RETURN_IF_ERROR(
      runner_.Authorize(request, permission, SubjectSetName(issuer)).status());
  if (runner_.publisher().Find(issuer.value()) == nullptr) {
    return NotFound(IssuerName(issuer));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint64_t>> SubjectManager::ReadAll(
    const IssuerId& issuer, Source source) {
  const ledger::SubjectSecret secret = sets_.SecretOf(issuer);
  std::vector<uint64_t> digests;
  std::vector<std::string> some;
  while (true) {
    some.clear();
    ASSIGN_OR_RETURN(const bool more, source(some));
    if (digests.size() + some.size() > ledger::SubjectSet::kMost) {
      return FieldError(
          "subjects",
          absl::StrCat("more than ", ledger::SubjectSet::kMost, " of them"));
    }
    for (const std::string& subject : some) {
      if (subject.empty() || subject.size() > kLongestSubject) {
        return FieldError(absl::StrCat("subjects[", digests.size(), "]"),
                          absl::StrCat(subject.size(), " bytes; 1 to ",
                                       kLongestSubject, " are taken"));
      }
      if (!IsUtf8(subject)) {
        return FieldError(absl::StrCat("subjects[", digests.size(), "]"),
                          "is not UTF-8");
      }
      digests.push_back(secret.DigestOf(subject));
    }
    if (!more) break;
  }
  if (digests.empty()) {
    return FieldError("subjects",
                      "none came; to hold no token to its subject any more: "
                      "warder subjects remove");
  }
  return digests;
}

absl::StatusOr<SubjectSetFacts> SubjectManager::Load(const Request& request,
                                                     const IssuerId& issuer,
                                                     bool allow_fewer,
                                                     Source source) {
  RETURN_IF_ERROR(Admit(request, Permission::kWriteIssuers, issuer));
  if (loading_.exchange(true)) {
    return Error(absl::StatusCode::kResourceExhausted, Reason::kRateLimited,
                 "another load of subjects is under way; try again when it is "
                 "over");
  }
  const absl::Cleanup over = [this] { loading_ = false; };
  ASSIGN_OR_RETURN(std::vector<uint64_t> digests, ReadAll(issuer, source));
  ASSIGN_OR_RETURN(ledger::SubjectSet set,
                   ledger::SubjectSet::Build(std::move(digests), random_));
  const auto subjects = std::make_shared<const ledger::LoadedSubjects>(
      ledger::LoadedSubjects{.set = std::move(set),
                             .load_time = runner_.clock_guard().Read().trusted,
                             .loaded_by = request.caller.Principal(),
                             .secret_mark = MarkOf(sets_.SecretOf(issuer))});
  RETURN_IF_ERROR(
      CheckCount(issuer, *subjects, sets_.Find(issuer), allow_fewer));
  if (!request.validate_only) {
    RETURN_IF_ERROR(sets_.Stage(issuer, *subjects));
  }
  absl::Status installed;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        RecordCounts("subjects.loaded", issuer, subjects->set.count(),
                     sets_.Find(issuer), change);
        change.AfterCommit(
            [&] { installed = sets_.Install(issuer, subjects); });
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  RETURN_IF_ERROR(installed);
  return FactsOf(*subjects);
}

absl::StatusOr<SubjectSetFacts> SubjectManager::Get(const Request& request,
                                                    const IssuerId& issuer) {
  RETURN_IF_ERROR(Admit(request, Permission::kReadIssuers, issuer));
  const ledger::SubjectsPtr subjects = sets_.Find(issuer);
  if (subjects == nullptr) return NotFound(SubjectSetName(issuer));
  return FactsOf(*subjects);
}

absl::Status SubjectManager::Delete(const Request& request,
                                    const IssuerId& issuer) {
  RETURN_IF_ERROR(Admit(request, Permission::kWriteIssuers, issuer));
  absl::Status removed;
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) -> absl::Status {
        const ledger::SubjectsPtr before = sets_.Find(issuer);
        if (before == nullptr) return NotFound(SubjectSetName(issuer));
        RecordCounts("subjects.removed", issuer, 0, before, change);
        change.AfterCommit([&] { removed = sets_.Remove(issuer); });
        return absl::OkStatus();
      },
      [](ReadTransaction&, const std::string&) { return absl::OkStatus(); }));
  return removed;
}

absl::StatusOr<SubjectFilterPart> SubjectManager::FetchPart(
    const Request& request, const IssuerId& issuer, int32_t part,
    uint64_t held) {
  RETURN_IF_ERROR(checker_.Authorize(request, issuer));
  if (request.caller.role != Role::kGateway) {
    return runner_.Denied(
        request, SubjectSetName(issuer),
        Error(absl::StatusCode::kPermissionDenied, Reason::kPermissionDenied,
              "gateways alone fetch the filter"));
  }
  const ledger::SubjectsPtr subjects = sets_.Find(issuer);
  SubjectFilterPart fetched;
  if (subjects == nullptr) return fetched;
  const auto& parts = subjects->set.parts();
  if (part < 0 || static_cast<size_t>(part) >= parts.size()) {
    return FieldError("part", absl::StrCat(part, "; there are ", parts.size(),
                                           ", counted from 0"));
  }
  fetched.load = subjects->set.load();
  fetched.parts = parts.size();
  fetched.secret = sets_.SecretOf(issuer).bytes();
  if (part > 0 || held != fetched.load) {
    fetched.filter = parts[static_cast<size_t>(part)].Serialize();
  }
  return fetched;
}

}  // namespace warder::app
