#include "client/cli/page.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/cli/format.h"

namespace warder::cli {
namespace {

constexpr char kJwsBegins[] = "<code id=\"jws\">";
constexpr char kJwsEnds[] = "</code>";

constexpr char kStyle[] =
    "body{font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;max-width:60em;"
    "margin:2em auto;padding:0 1.5em}h1{font-size:1.6em;margin-bottom:.2em}"
    "h2{font-size:1.15em;margin:1.8em 0 .4em}table{border-collapse:collapse;"
    "width:100%}td,th{text-align:left;vertical-align:top;padding:.35em .7em;"
    "border-bottom:1px solid #ddd}.id{overflow-wrap:anywhere;min-width:9em}"
    "th{background:#f3f3f0;"
    "font-weight:600;white-space:nowrap}.lead{font-size:1.05em}.sum "
    "td:first-child{width:13em;"
    "color:#555}code{font:11px/1.4 "
    "ui-monospace,monospace;overflow-wrap:anywhere}"
    "footer{margin-top:2.5em;color:#555;font-size:.9em}"
    "@media print{body{margin:0;max-width:none}tr{break-inside:avoid}}";

// Key IDs and hashes may be broken anywhere; words and names are kept whole.
constexpr size_t kLongWord = 25;

bool HasLongWord(const std::string& text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  return std::any_of(words.begin(), words.end(),
                     [](auto word) { return word.size() > kLongWord; });
}

}  // namespace

std::string At(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return "";
  return it->is_string() ? it->get<std::string>() : WriteJson(*it);
}

const Json& List(const Json& object, const char* name) {
  static const Json& empty = *new Json(Json::array());
  if (!object.is_object()) return empty;
  const auto it = object.find(name);
  return it != object.end() && it->is_array() ? *it : empty;
}

const Json& Object(const Json& object, const char* name) {
  static const Json& empty = *new Json(Json::object());
  if (!object.is_object()) return empty;
  const auto it = object.find(name);
  return it != object.end() && it->is_object() ? *it : empty;
}

// "2026-01-02T03:04:05Z" as people read it.
std::string Time(std::string text) {
  return absl::StrReplaceAll(text, {{"T", " "}, {"Z", " UTC"}});
}

std::string Or(std::string text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

// "2026-01-02 03:04:05 UTC, after 240 ms".
std::string RefusedWords(const Json& gateway) {
  const std::string when = Time(At(gateway, "refused"));
  if (when.empty()) return "not known to refuse";
  return absl::StrCat(when, ", after ", At(gateway, "after_ms"), " ms");
}

std::string UntilWords(const Json& gateway) {
  const std::string until = At(gateway, "may_accept_until");
  return until == "unbounded" ? until : Time(until);
}

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(
      Safe(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string Row(std::initializer_list<std::string> cells) {
  std::string row = "<tr>";
  for (const std::string& cell : cells) {
    absl::StrAppend(&row, HasLongWord(cell) ? "<td class=\"id\">" : "<td>",
                    Escape(cell), "</td>");
  }
  return row + "</tr>\n";
}

std::string HtmlTable(const char* title,
                      std::initializer_list<const char*> header,
                      const std::string& rows) {
  if (rows.empty()) return "";
  std::string table = absl::StrCat("<h2>", title, "</h2>\n<table><tr>");
  for (const char* name : header) {
    absl::StrAppend(&table, "<th>", name, "</th>");
  }
  return absl::StrCat(table, "</tr>\n", rows, "</table>\n");
}

std::string PageStart(const std::string& title) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
      Escape(title), "</title>\n<style>", kStyle, "</style></head><body>\n");
}

std::string PageEnd(const std::string& jws) {
  return absl::StrCat(
      "<footer><p>Check this page, offline, with <code>warder certificate "
      "verify FILE --authority authority.pem</code>, the service's CA. The "
      "signed "
      "statement:</p>\n",
      kJwsBegins, Escape(jws), kJwsEnds, "</footer>\n</body></html>\n");
}

std::string JwsOfPage(const std::string& page) {
  const size_t begin = page.find(kJwsBegins);
  if (begin == std::string::npos) return "";
  const size_t from = begin + sizeof(kJwsBegins) - 1;
  return page.substr(from, page.find(kJwsEnds, from) - from);
}

}  // namespace warder::cli
