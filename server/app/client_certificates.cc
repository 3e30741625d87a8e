#include "server/app/client_certificates.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/app/exposure_manager.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"

namespace warder::app {
namespace {

constexpr absl::Duration kDefaultLifetime = absl::Hours(24 * 90);
constexpr absl::Duration kLongestLifetime = absl::Hours(24 * 398);

absl::Status RefuseUntrusted(ReadTransaction& txn, const Caller& subject) {
  ASSIGN_OR_RETURN(const auto owner, txn.FindOwner(OwnerId(subject.name)));
  if (!owner) return absl::OkStatus();
  if (owner->suspend_time) {
    return Precondition(
        Reason::kOwnerNotActive,
        absl::StrCat(OwnerName(owner->id),
                     " is suspended and gets no certificate; where he is here, "
                     "first: warder owner confirm ",
                     owner->id.value()));
  }
  if (owner->state != domain::OwnerState::kDeparted) return absl::OkStatus();
  return Precondition(Reason::kOwnerNotActive,
                      absl::StrCat(OwnerName(owner->id),
                                   " has departed and gets no certificate"));
}

}  // namespace

absl::StatusOr<IssuedCertificate> ClientCertificates::Issue(
    const Request& request, const IssueCertificateCommand& command) {
  const std::string resource =
      absl::StrCat("certificates/", command.subject.Principal());
  RETURN_IF_ERROR(
      runner_.Authorize(request, Permission::kIssueCertificates, resource)
          .status());
  const absl::Duration lifetime = command.lifetime.value_or(kDefaultLifetime);
  if (lifetime < absl::Minutes(1) || lifetime > kLongestLifetime) {
    return FieldError("lifetime",
                      absl::StrCat(DurationText(lifetime), " is not between ",
                                   DurationText(absl::Minutes(1)), " and ",
                                   DurationText(kLongestLifetime)));
  }
  IssuedCertificate issued;
  issued.authority_pem = authority_.AuthorityPem();
  RETURN_IF_ERROR(runner_.Run(
      request, ChangeRunner::Urgency::kNormal,
      [&](Change& change) {
        RETURN_IF_ERROR(RefuseUntrusted(change.txn(), command.subject));
        issued.expire_time = change.now() + lifetime;
        ASSIGN_OR_RETURN(
            issued.certificate_pem,
            authority_.Issue(command.request_pem, command.subject.Uri(),
                             lifetime, change.now()));
        change.Record("certificate.issued", resource,
                      WriteJson({{"expires", TimeText(issued.expire_time)}}));
        // What a backup holds, who makes backups can carry away.
        if (command.subject.role == Role::kOperator) {
          RETURN_IF_ERROR(
              RecordCustody(change, {.person = command.subject.name,
                                     .kind = domain::CustodyKind::kStore,
                                     .from = change.now(),
                                     .until = issued.expire_time,
                                     .note = "certificate of role operator"}));
        }
        change.SetResult(absl::StrCat(absl::ToUnixMicros(issued.expire_time),
                                      "\n", issued.certificate_pem));
        return absl::OkStatus();
      },
      // Not signed again: the record holds the first answer.
      [&](ReadTransaction& txn, const std::string& answer) -> absl::Status {
        RETURN_IF_ERROR(RefuseUntrusted(txn, command.subject));
        const std::pair<absl::string_view, absl::string_view> parts =
            absl::StrSplit(answer, absl::MaxSplits('\n', 1));
        int64_t expires = 0;
        if (!absl::SimpleAtoi(parts.first, &expires)) {
          return Internal("a recorded certificate cannot be read");
        }
        issued.expire_time = absl::FromUnixMicros(expires);
        issued.certificate_pem = std::string(parts.second);
        return absl::OkStatus();
      }));
  return issued;
}

}  // namespace warder::app
