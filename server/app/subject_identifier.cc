#include "server/app/subject_identifier.h"

#include <algorithm>
#include <utility>

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

// Reads one identifier, and those within it where it may have some.
class Reader {
 public:
  explicit Reader(absl::string_view issuer) : issuer_(issuer) {}

  absl::Status Add(const std::string& field, const Json& object, bool nested);
  std::vector<std::string> TakeNames() { return std::move(names_); }

 private:
  absl::Status AddMember(const std::string& field, const Json& object,
                         const char* member);
  absl::Status AddAccount(const std::string& field, const Json& object);
  absl::Status AddAliases(const std::string& field, const Json& object);

  const absl::string_view issuer_;
  std::vector<std::string> names_;
};

absl::Status Reader::AddMember(const std::string& field, const Json& object,
                               const char* member) {
  ASSIGN_OR_RETURN(std::string name, Name(field, object, member));
  names_.push_back(std::move(name));
  return absl::OkStatus();
}

absl::Status Reader::AddAccount(const std::string& field, const Json& object) {
  ASSIGN_OR_RETURN(const std::string uri, Name(field, object, "uri"));
  absl::string_view account = uri;
  if (!absl::ConsumePrefix(&account, "acct:") || account.empty()) {
    return FieldError(field + ".uri", "is no acct: URI");
  }
  names_.push_back(std::string(account));
  return absl::OkStatus();
}

absl::Status Reader::AddAliases(const std::string& field, const Json& object) {
  const auto list = object.find("identifiers");
  if (list == object.end() || !list->is_array() || list->empty() ||
      list->size() > kMaxAliases) {
    return FieldError(absl::StrCat(field, ".identifiers"),
                      "a list of 1 to 20 is wanted");
  }
  for (size_t i = 0; i < list->size(); ++i) {
    RETURN_IF_ERROR(Add(absl::StrCat(field, ".identifiers[", i, "]"),
                        (*list)[i], /*nested=*/true));
  }
  return absl::OkStatus();
}

absl::Status Reader::Add(const std::string& field, const Json& object,
                         bool nested) {
  if (!object.is_object()) return FieldError(field, "an object is wanted");
  const std::string format = FormatOf(object);
  if (format == "email") return AddMember(field, object, "email");
  if (format == "opaque") return AddMember(field, object, "id");
  if (format == "account") return AddAccount(field, object);
  if (format == "iss_sub") {
    ASSIGN_OR_RETURN(const std::string iss, Name(field, object, "iss"));
    if (iss != issuer_) {
      return FieldError(
          field + ".iss",
          absl::StrCat("\"", iss.substr(0, 200),
                       "\" is not the transmitter's, which speaks "
                       "of its own accounts alone"));
    }
    return AddMember(field, object, "sub");
  }
  if (format == "aliases" && !nested) return AddAliases(field, object);
  // Of several members the person is the one a key is bound to.
  if ((format == "complex" || format.empty()) && !nested &&
      object.contains("user")) {
    return Add(field + ".user", object["user"], /*nested=*/true);
  }
  return FieldError(field,
                    absl::StrCat("format \"", format.substr(0, 40),
                                 "\" is not one of email, iss_sub, opaque, "
                                 "account, aliases, complex with a user"));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadSubject(const std::string& field,
                                                     const Json& identifier,
                                                     absl::string_view issuer) {
  Reader reader(issuer);
  RETURN_IF_ERROR(reader.Add(field, identifier, /*nested=*/false));
  return reader.TakeNames();
}

}  // namespace warder::app
