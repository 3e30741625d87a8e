#include "server/app/subject_identifier.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::app {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxAliases = 20;

absl::StatusOr<std::string> Name(const std::string& field, const Json& object,
                                 const char* member) {
  auto text = JsonString(object, member);
  if (!text.ok() || text->empty() || text->size() > kMaxNameBytes) {
    return FieldError(absl::StrCat(field, ".", member),
                      "1 to 256 bytes of text are wanted");
  }
  return text;
}

std::string FormatOf(const Json& object) {
  for (const char* member : {"format", "subject_type"}) {
    auto text = JsonString(object, member);
    if (!text.ok()) continue;
    std::replace(text->begin(), text->end(), '-', '_');
    return *text;
  }
  return "";
}

absl::Status Add(const std::string& field, const Json& object, bool nested,
                 EventSubject& subject);

absl::Status AddAliases(const std::string& field, const Json& object,
                        EventSubject& subject) {
  const auto list = object.find("identifiers");
  if (list == object.end() || !list->is_array() || list->empty() ||
      list->size() > kMaxAliases) {
    return FieldError(absl::StrCat(field, ".identifiers"),
                      "a list of 1 to 20 is wanted");
  }
  for (size_t i = 0; i < list->size(); ++i) {
    RETURN_IF_ERROR(Add(absl::StrCat(field, ".identifiers[", i, "]"),
                        (*list)[i], /*nested=*/true, subject));
  }
  return absl::OkStatus();
}

absl::Status Add(const std::string& field, const Json& object, bool nested,
                 EventSubject& subject) {
  if (!object.is_object()) return FieldError(field, "an object is wanted");
  const std::string format = FormatOf(object);
  const auto set_id = [&](std::string id) {
    if (subject.id.empty()) subject.id = std::move(id);
    return absl::OkStatus();
  };
  if (format == "email") {
    ASSIGN_OR_RETURN(std::string email, Name(field, object, "email"));
    subject.emails.push_back(std::move(email));
    return absl::OkStatus();
  }
  if (format == "iss_sub") {
    ASSIGN_OR_RETURN(std::string sub, Name(field, object, "sub"));
    return set_id(std::move(sub));
  }
  if (format == "opaque") {
    ASSIGN_OR_RETURN(std::string id, Name(field, object, "id"));
    return set_id(std::move(id));
  }
  if (format == "account") {
    ASSIGN_OR_RETURN(const std::string uri, Name(field, object, "uri"));
    absl::string_view account = uri;
    if (!absl::ConsumePrefix(&account, "acct:") || account.empty()) {
      return FieldError(field + ".uri", "is no acct: URI");
    }
    if (account.find('@') != absl::string_view::npos) {
      subject.emails.push_back(std::string(account));
      return absl::OkStatus();
    }
    return set_id(std::string(account));
  }
  if (format == "aliases" && !nested) {
    return AddAliases(field, object, subject);
  }
  // Of several members the person is the one a key is bound to.
  if ((format == "complex" || format.empty()) && !nested &&
      object.contains("user")) {
    return Add(field + ".user", object["user"], /*nested=*/true, subject);
  }
  return FieldError(field,
                    absl::StrCat("format \"", format.substr(0, 40),
                                 "\" is not one of email, iss_sub, opaque, "
                                 "account, aliases, complex with a user"));
}

}  // namespace

absl::StatusOr<EventSubject> ReadSubject(const std::string& field,
                                         const Json& identifier) {
  EventSubject subject;
  RETURN_IF_ERROR(Add(field, identifier, /*nested=*/false, subject));
  return subject;
}

}  // namespace warder::app
