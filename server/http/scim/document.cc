#include "server/http/scim/document.h"

#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "server/http/scim/error.h"

namespace warder::http::scim {
namespace {

constexpr absl::string_view kCoreNames[] = {
    "schemas",         "id",           "externalId",   "meta",
    "userName",        "name",         "displayName",  "nickName",
    "profileUrl",      "title",        "userType",     "preferredLanguage",
    "locale",          "timezone",     "active",       "password",
    "emails",          "phoneNumbers", "ims",          "photos",
    "addresses",       "groups",       "entitlements", "roles",
    "x509Certificates"};
constexpr absl::string_view kEnterpriseNames[] = {
    "employeeNumber", "costCenter", "organization",
    "division",       "department", "manager"};
constexpr absl::string_view kEmploymentNames[] = {"employmentEndTime"};
// What a feed does not set.
constexpr absl::string_view kDropped[] = {"schemas", "id", "meta", "groups",
                                          "password"};
constexpr size_t kLongestText = 256;
constexpr size_t kLargestDocument = 32 * 1024;
constexpr size_t kMostEmails = 50;

template <typename Names>
const absl::string_view* Find(const Names& names, absl::string_view name) {
  for (const absl::string_view& known : names) {
    if (absl::EqualsIgnoreCase(known, name)) return &known;
  }
  return nullptr;
}

absl::Status Invalid(absl::string_view attribute, const Json& value,
                     absl::string_view wanted) {
  return ScimError(ScimType::kInvalidValue,
                   absl::StrCat(attribute, ": ", WriteJson(value).substr(0, 80),
                                " is not ", wanted));
}

// Returns the string attribute, "" where it is absent.
absl::StatusOr<std::string> TextOf(const Json& document, const char* name) {
  const auto it = document.find(name);
  if (it == document.end()) return "";
  if (!it->is_string()) return Invalid(name, *it, "a string");
  std::string text = it->get<std::string>();
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return Invalid(name, *it, "free of control characters");
    }
  }
  if (text.size() > kLongestText) {
    return ScimError(ScimType::kInvalidValue,
                     absl::StrCat(name, ": ", text.size(), " bytes; at most ",
                                  kLongestText));
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> EmailsOf(const Json& document) {
  std::vector<std::string> emails;
  const auto it = document.find("emails");
  if (it == document.end()) return emails;
  if (!it->is_array()) return Invalid("emails", *it, "a list");
  if (it->size() > kMostEmails) {
    return ScimError(ScimType::kInvalidValue,
                     absl::StrCat("emails: ", it->size(), " of them; at most ",
                                  kMostEmails));
  }
  for (const Json& email : *it) {
    const Json* value = email.is_object() ? FindMember(email, "value") : &email;
    if (value == nullptr) continue;  // a type without an address
    if (!value->is_string() ||
        value->get_ref<const std::string&>().size() > kLongestText) {
      return Invalid("emails.value", *value, "an address");
    }
    if (!value->get_ref<const std::string&>().empty()) {
      emails.push_back(value->get<std::string>());
    }
  }
  return emails;
}

absl::StatusOr<std::optional<absl::Time>> LeaveTimeOf(const Json& document,
                                                      const std::string& zone) {
  const auto extension = document.find(kEmploymentUser);
  if (extension == document.end()) return std::nullopt;
  if (!extension->is_object()) {
    return Invalid(kEmploymentUser, *extension, "an object");
  }
  const Json* end = FindMember(*extension, "employmentEndTime");
  if (end == nullptr || end->is_null() || *end == "") return std::nullopt;
  if (!end->is_string()) {
    return Invalid("employmentEndTime", *end, "an instant or a day");
  }
  const std::string text = end->get<std::string>();
  if (text.size() > 10) {
    const auto instant = ParseTime(text);
    // As it will be stored: a replay says the same.
    if (instant.ok()) {
      return absl::FromUnixMicros(absl::ToUnixMicros(*instant));
    }
    return Invalid("employmentEndTime", *end,
                   "an instant with an offset (2026-12-31T17:00:00+01:00) or "
                   "a day (2026-12-31)");
  }
  if (zone.empty()) {
    return Invalid("employmentEndTime", *end,
                   "an instant; a day needs the core attribute timezone, such "
                   "as Europe/Berlin");
  }
  const auto day_end = EndOfDay(text, zone);
  if (day_end.ok()) return *day_end;
  return ScimError(
      ScimType::kInvalidValue,
      absl::StrCat("employmentEndTime: ", day_end.status().message()));
}

// Puts a value at its canonical name; a name that stands there twice in
// different case is refused, since nobody can tell which is meant.
absl::Status Put(absl::string_view schema, absl::string_view name,
                 const Json& value, Json* object) {
  const std::string canonical = CanonicalName(schema, name);
  if (!object->is_object() && !object->is_null()) {
    return ScimError(
        ScimType::kInvalidSyntax,
        absl::StrCat("\"", schema, "\" is both a value and a schema"));
  }
  if (object->contains(canonical)) {
    return ScimError(
        ScimType::kInvalidSyntax,
        absl::StrCat("\"", canonical, "\" is named twice, in different case"));
  }
  (*object)[canonical] = value;
  return absl::OkStatus();
}

}  // namespace

Urn SplitUrn(absl::string_view text) {
  for (const absl::string_view known :
       {absl::string_view(kCoreUser), absl::string_view(kEnterpriseUser),
        absl::string_view(kEmploymentUser)}) {
    if (!absl::StartsWithIgnoreCase(text, known)) continue;
    const absl::string_view rest = text.substr(known.size());
    if (!rest.empty() && rest[0] != ':') continue;
    return {known == kCoreUser ? "" : std::string(known),
            rest.empty() ? rest : rest.substr(1)};
  }
  if (absl::EndsWithIgnoreCase(text, ":User")) return {std::string(text), ""};
  const size_t colon = text.rfind(':');
  return {std::string(text.substr(0, colon)), text.substr(colon + 1)};
}

std::string CanonicalName(absl::string_view schema, absl::string_view name) {
  const absl::string_view* known =
      schema.empty()              ? Find(kCoreNames, name)
      : schema == kEnterpriseUser ? Find(kEnterpriseNames, name)
      : schema == kEmploymentUser ? Find(kEmploymentNames, name)
                                  : nullptr;
  return std::string(known == nullptr ? name : *known);
}

const Json* FindMember(const Json& object, absl::string_view name) {
  if (!object.is_object()) return nullptr;
  for (const auto& [key, value] : object.items()) {
    if (absl::EqualsIgnoreCase(key, name)) return &value;
  }
  return nullptr;
}

Json* FindMember(Json& object, absl::string_view name) {
  return const_cast<Json*>(FindMember(std::as_const(object), name));
}

absl::StatusOr<bool> ParseActive(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (absl::EqualsIgnoreCase(text, "true")) return true;
    if (absl::EqualsIgnoreCase(text, "false")) return false;
  }
  const Json* wrapped =
      value.is_array() && value.size() == 1 ? &value[0] : &value;
  if (const Json* inner = FindMember(*wrapped, "value");
      inner != nullptr && wrapped->size() == 1 && !inner->is_structured()) {
    return ParseActive(*inner);
  }
  return Invalid("active", value, "true or false");
}

absl::StatusOr<Json> DocumentOf(absl::string_view body) {
  auto object = ParseJsonObject(body, kBodyLimits);
  if (!object.ok()) {
    return ScimError(ScimType::kInvalidSyntax, object.status().message());
  }
  return Normalize(*object);
}

absl::StatusOr<Json> Normalize(const Json& object) {
  Json document = Json::object();
  for (const auto& [key, value] : object.items()) {
    if (value.is_null()) continue;  // unassigned (RFC 7643 section 2.5)
    if (absl::StartsWithIgnoreCase(key, "urn:")) {
      Urn urn = SplitUrn(key);
      const bool known = urn.schema.empty() || urn.schema == kEnterpriseUser ||
                         urn.schema == kEmploymentUser;
      // What an unknown schema holds stays where it is.
      if (!known && value.is_object()) urn = {key, ""};
      if (!urn.rest.empty()) {
        RETURN_IF_ERROR(
            Put(urn.schema, urn.rest, value,
                urn.schema.empty() ? &document : &document[urn.schema]));
      } else if (urn.schema.empty()) {
        return ScimError(
            ScimType::kInvalidSyntax,
            absl::StrCat("\"", kCoreUser, "\" is the resource itself"));
      } else if (value.is_object()) {
        for (const auto& [name, inner] : value.items()) {
          if (inner.is_null()) continue;
          RETURN_IF_ERROR(Put(urn.schema, name, inner, &document[urn.schema]));
        }
      } else {
        return Invalid(key, value, "an object");
      }
      continue;
    }
    if (Find(kDropped, key) != nullptr) continue;
    RETURN_IF_ERROR(Put("", key, value, &document));
  }
  if (const auto active = document.find("active"); active != document.end()) {
    ASSIGN_OR_RETURN(const bool value, ParseActive(*active));
    *active = value;
  }
  const std::string text = WriteJson(document);
  if (text.size() > kLargestDocument) {
    return ScimError(ScimType::kInvalidValue,
                     absl::StrCat("the user is ", text.size(),
                                  " bytes; at most ", kLargestDocument));
  }
  // What is stored must be read again, with meta and all around it.
  if (!ParseJson(text, {.max_bytes = kLargestDocument,
                        .max_depth = kBodyLimits.max_depth - 1})
           .ok()) {
    return ScimError(ScimType::kInvalidValue, "the user is nested too deeply");
  }
  return document;
}

absl::StatusOr<domain::User> UserOf(const Json& document, domain::User user) {
  ASSIGN_OR_RETURN(user.user_name, TextOf(document, "userName"));
  if (user.user_name.empty()) {
    return ScimError(ScimType::kInvalidValue, "userName: is missing or empty");
  }
  ASSIGN_OR_RETURN(user.external_id, TextOf(document, "externalId"));
  ASSIGN_OR_RETURN(user.emails, EmailsOf(document));
  ASSIGN_OR_RETURN(user.time_zone, TextOf(document, "timezone"));
  ASSIGN_OR_RETURN(user.leave_time, LeaveTimeOf(document, user.time_zone));
  if (const auto active = document.find("active"); active != document.end()) {
    ASSIGN_OR_RETURN(user.active, ParseActive(*active));
  }
  Json kept = document;
  kept["active"] = user.active;
  user.document = WriteJson(kept);
  return user;
}

Json StoredDocument(const domain::User& user) {
  auto document = ParseJsonObject(user.document, kBodyLimits);
  if (document.ok()) return *std::move(document);
  // Whatever is wrong with the rest, he can still be set inactive.
  return {{"userName", user.user_name}, {"active", user.active}};
}

Json ResourceOf(const domain::User& user, const std::string& location) {
  Json resource = StoredDocument(user);
  Json schemas = Json::array({kCoreUser});
  for (const auto& [key, value] : resource.items()) {
    if (absl::StartsWith(key, "urn:")) schemas.push_back(key);
  }
  resource["schemas"] = std::move(schemas);
  resource["id"] = user.id;
  resource["active"] = user.active;
  resource["groups"] = Json::array();
  resource["meta"] = {{"resourceType", "User"},
                      {"created", TimeText(user.create_time)},
                      {"lastModified", TimeText(user.update_time)},
                      {"location", location},
                      {"version", VersionOf(user)}};
  return resource;
}

std::string VersionOf(const domain::User& user) {
  return absl::StrCat("W/\"", user.rev, "\"");
}

}  // namespace warder::http::scim
