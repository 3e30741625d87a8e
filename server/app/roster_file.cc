#include "server/app/roster_file.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"
#include "server/base/time_text.h"
#include "server/base/utf8.h"

namespace warder::app {
namespace {

constexpr size_t kListedBadRows = 100;
constexpr size_t kLongestField = 256;
constexpr int64_t kBadShare = 10;  // one in ten

absl::Status Refused(absl::string_view why) {
  return FieldError("roster", why);
}

// Returns the records of a CSV text. A quote that never closes runs to the end,
// and makes one row that cannot be read.
class CsvReader {
 public:
  CsvReader(absl::string_view text, char separator)
      : text_(text), separator_(separator) {}

  // Fills `fields` with the next record and `raw` with its text; false at the
  // end.
  bool Next(std::vector<std::string>* fields, absl::string_view* raw) {
    fields->clear();
    if (at_ >= text_.size()) return false;
    const size_t begin = at_;
    line_ = next_line_;
    std::string field;
    bool quoted = false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (quoted) {
        if (c != '"') {
          field.push_back(c);
          if (c == '\n') ++next_line_;
        } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          field.push_back('"');
          ++at_;
        } else {
          quoted = false;
        }
      } else if (c == '"' && field.empty()) {
        quoted = true;
      } else if (c == separator_) {
        fields->push_back(std::exchange(field, {}));
      } else if (c == '\n' || c == '\r') {
        break;
      } else {
        field.push_back(c);
      }
      ++at_;
    }
    *raw = text_.substr(begin, at_ - begin);
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    ++next_line_;
    fields->push_back(std::move(field));
    return true;
  }

  int64_t line() const { return line_; }

 private:
  const absl::string_view text_;
  const char separator_;
  size_t at_ = 0;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
};

enum class Column { kExternalId, kUserName, kEmail, kActive, kEnd, kZone };

std::optional<Column> ColumnOf(absl::string_view name) {
  static const auto& columns = *new std::map<std::string, Column>{
      {"externalid", Column::kExternalId},
      {"employeeid", Column::kExternalId},
      {"employeenumber", Column::kExternalId},
      {"id", Column::kExternalId},
      {"username", Column::kUserName},
      {"login", Column::kUserName},
      {"email", Column::kEmail},
      {"mail", Column::kEmail},
      {"active", Column::kActive},
      {"status", Column::kActive},
      {"enddate", Column::kEnd},
      {"lastday", Column::kEnd},
      {"employmentendtime", Column::kEnd},
      {"timezone", Column::kZone}};
  std::string plain;
  for (const char c : name) {
    if (absl::ascii_isalnum(c)) plain.push_back(absl::ascii_tolower(c));
  }
  const auto found = columns.find(plain);
  if (found == columns.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<bool> ActiveOf(absl::string_view text) {
  const std::string word =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  for (const char* yes : {"", "active", "true", "yes", "employed"}) {
    if (word == yes) return true;
  }
  for (const char* no : {"inactive", "false", "no", "terminated", "left"}) {
    if (word == no) return false;
  }
  return FieldError("active",
                    absl::StrCat("\"", word.substr(0, 40),
                                 "\" is neither active nor inactive"));
}

absl::StatusOr<absl::Time> EndOf(const std::string& text,
                                 const std::string& zone) {
  if (text.size() > 10) return ParseTime(text);
  if (zone.empty()) {
    return FieldError("time_zone",
                      "a day needs one, in the row or for the whole roster");
  }
  return EndOfDay(text, zone);
}

// Checks a person and fills in what depends on several columns.
absl::Status Complete(domain::MatchRule rule, const std::string& end,
                      const std::string& default_zone, domain::User* person) {
  if (domain::MatchNames(*person, rule).empty()) {
    return FieldError(domain::MatchRuleName(rule), "is empty");
  }
  if (end.empty()) return absl::OkStatus();
  if (person->time_zone.empty()) person->time_zone = default_zone;
  ASSIGN_OR_RETURN(person->leave_time, EndOf(end, person->time_zone));
  return absl::OkStatus();
}

void AddBad(int64_t line, absl::string_view why, absl::string_view raw,
            Roster* roster) {
  ++roster->bad_count;
  if (roster->bad_rows.size() < kListedBadRows) {
    roster->bad_rows.push_back({line, std::string(why)});
  }
  for (const absl::string_view word :
       absl::StrSplit(raw, absl::ByAnyChar(",;\t\"\r\n "), absl::SkipEmpty())) {
    if (word.size() <= kLongestField) {
      roster->doubtful.insert(domain::FoldName(word));
    }
  }
}

absl::StatusOr<domain::User> PersonOf(
    const std::vector<std::string>& fields,
    const std::vector<std::optional<Column>>& columns, domain::MatchRule rule,
    const std::string& default_zone) {
  if (fields.size() != columns.size()) {
    return Refused(absl::StrCat(fields.size(), " fields; the header has ",
                                columns.size()));
  }
  domain::User person;
  std::string end;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!columns[i]) continue;
    const std::string field(absl::StripAsciiWhitespace(fields[i]));
    if (field.size() > kLongestField || !IsUtf8(field)) {
      return Refused("a field is too long or not UTF-8");
    }
    switch (*columns[i]) {
      case Column::kExternalId: person.external_id = field; break;
      case Column::kUserName: person.user_name = field; break;
      case Column::kEmail:
        if (!field.empty()) person.emails.push_back(field);
        break;
      case Column::kActive: {
        ASSIGN_OR_RETURN(person.active, ActiveOf(field));
        break;
      }
      case Column::kEnd: end = field; break;
      case Column::kZone: person.time_zone = field; break;
    }
  }
  RETURN_IF_ERROR(Complete(rule, end, default_zone, &person));
  return person;
}

absl::StatusOr<Roster> ReadCsv(absl::string_view text, domain::MatchRule rule,
                               const std::string& default_zone) {
  const absl::string_view header = text.substr(0, text.find_first_of("\r\n"));
  char separator = ',';
  for (const char c : {';', '\t'}) {
    if (std::count(header.begin(), header.end(), c) >
        std::count(header.begin(), header.end(), separator)) {
      separator = c;
    }
  }
  CsvReader reader(text, separator);
  std::vector<std::string> fields;
  absl::string_view raw;
  reader.Next(&fields, &raw);
  std::vector<std::optional<Column>> columns;
  const Column needed =
      rule == domain::MatchRule::kExternalId ? Column::kExternalId
      : rule == domain::MatchRule::kUserName ? Column::kUserName
                                             : Column::kEmail;
  bool has_names = false;
  for (const std::string& name : fields) {
    columns.push_back(ColumnOf(name));
    has_names = has_names || columns.back() == needed;
  }
  if (!has_names) {
    return Refused(absl::StrCat(
        "its header \"", header.substr(0, 200), "\" has no column ",
        domain::MatchRuleName(rule), ", which hr.match compares"));
  }
  Roster roster;
  while (reader.Next(&fields, &raw)) {
    if (absl::StripAsciiWhitespace(raw).empty()) continue;
    auto person = PersonOf(fields, columns, rule, default_zone);
    if (person.ok()) {
      roster.people.push_back(*std::move(person));
    } else {
      AddBad(reader.line(), person.status().message(), raw, &roster);
    }
  }
  return roster;
}

// A member that is a string; "" where it is absent or null.
absl::StatusOr<std::string> Text(const Json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return "";
  if (!it->is_string() ||
      it->get_ref<const std::string&>().size() > kLongestField) {
    return FieldError(name, "is not a short string");
  }
  return it->get<std::string>();
}

absl::StatusOr<domain::User> PersonOf(const Json& resource,
                                      domain::MatchRule rule,
                                      const std::string& default_zone) {
  if (!resource.is_object()) return Refused("is not an object");
  domain::User person;
  ASSIGN_OR_RETURN(person.external_id, Text(resource, "externalId"));
  ASSIGN_OR_RETURN(person.user_name, Text(resource, "userName"));
  ASSIGN_OR_RETURN(person.time_zone, Text(resource, "timezone"));
  if (const auto emails = resource.find("emails");
      emails != resource.end() && emails->is_array()) {
    for (const Json& email : *emails) {
      if (!email.is_object()) continue;
      ASSIGN_OR_RETURN(std::string value, Text(email, "value"));
      if (!value.empty()) person.emails.push_back(std::move(value));
    }
  }
  if (const auto active = resource.find("active"); active != resource.end()) {
    if (active->is_boolean()) {
      person.active = active->get<bool>();
    } else {
      ASSIGN_OR_RETURN(const std::string word, Text(resource, "active"));
      ASSIGN_OR_RETURN(person.active, ActiveOf(word.empty() ? "?" : word));
    }
  }
  std::string end;
  constexpr char kEmployment[] =
      "urn:warder:params:scim:schemas:extension:employment:2.0:User";
  if (const auto extension = resource.find(kEmployment);
      extension != resource.end() && extension->is_object()) {
    ASSIGN_OR_RETURN(end, Text(*extension, "employmentEndTime"));
  }
  RETURN_IF_ERROR(Complete(rule, end, default_zone, &person));
  return person;
}

absl::StatusOr<Roster> ReadList(absl::string_view text, domain::MatchRule rule,
                                const std::string& default_zone) {
  const auto list = ParseJson(text, {.max_bytes = kMaxRosterBytes});
  if (!list.ok()) return Refused(list.status().message());
  const Json* resources = &*list;
  if (list->is_object()) {
    const auto member = list->find("Resources");
    if (member == list->end()) return Refused("has no member Resources");
    resources = &*member;
  }
  if (!resources->is_array()) return Refused("Resources is not a list");
  Roster roster;
  int64_t element = 0;
  for (const Json& resource : *resources) {
    ++element;
    auto person = PersonOf(resource, rule, default_zone);
    if (person.ok()) {
      roster.people.push_back(*std::move(person));
    } else {
      AddBad(element, person.status().message(), WriteJson(resource), &roster);
    }
  }
  return roster;
}

}  // namespace

absl::StatusOr<Roster> ReadRoster(absl::string_view text,
                                  domain::MatchRule rule,
                                  const std::string& default_zone) {
  if (text.size() > kMaxRosterBytes) {
    return Refused(
        absl::StrCat(text.size(), " bytes; at most ", kMaxRosterBytes));
  }
  if (absl::StartsWith(text, "\xFF\xFE") ||
      absl::StartsWith(text, "\xFE\xFF") ||
      absl::StrContains(text.substr(0, 1000), '\0')) {
    return Refused("is UTF-16 or binary; save it as UTF-8");
  }
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(text);
  if (start.empty()) return Refused("is empty");
  const bool json = start[0] == '{' || start[0] == '[';
  ASSIGN_OR_RETURN(Roster roster, json ? ReadList(start, rule, default_zone)
                                       : ReadCsv(text, rule, default_zone));
  const int64_t rows =
      static_cast<int64_t>(roster.people.size()) + roster.bad_count;
  if (roster.bad_count * kBadShare > rows) {
    return Precondition(
        Reason::kWrongState,
        absl::StrCat("roster: ", roster.bad_count, " of ", rows,
                     " rows cannot be read, more than one in ten; the first is "
                     "row ",
                     roster.bad_rows[0].line, ": ", roster.bad_rows[0].why,
                     ". Is it the right file? Nothing was changed"));
  }
  return roster;
}

}  // namespace warder::app
