#include "client/cli/leaver_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/base64url.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"

namespace warder::cli {
namespace {

constexpr char kJwsBegins[] = "<code id=\"jws\">";
constexpr char kJwsEnds[] = "</code>";
constexpr size_t kMaxBytes = 64 << 20;

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

std::string HowWords(const std::string& how) {
  static constexpr std::pair<const char*, const char*> kWords[] = {
      {"CREATED", "asked for it to be made"},
      {"COULD_SIGN", "could have it sign, without seeing it"},
      {"COULD_RESTORE", "could copy it, sealed"},
      {"OWNED", "answered for it"},
      {"COULD_READ", "could read it"},
      {"HELD", "had it in hand"},
      {"STORE", "had the database or a backup in hand"},
      {"KEY_ENCRYPTION_KEY", "had the key that opens the database in hand"}};
  for (const auto& [name, words] : kWords) {
    if (how == name) return words;
  }
  return how;
}

std::string SourceWords(const std::string& source) {
  static constexpr std::pair<const char*, const char*> kWords[] = {
      {"rpc", "reported by a person or program"},
      {"scim", "reported by HR's system (SCIM)"},
      {"roster", "found in the roster"},
      {"security-event", "reported by a security event"}};
  for (const auto& [name, words] : kWords) {
    if (source == name) return words;
  }
  return source;
}

std::string DoneWords(const Json& key) {
  const std::string done = At(key, "done");
  if (!At(key, "revoked").empty()) {
    return absl::StrCat("revoked at ", Time(At(key, "revoked")));
  }
  if (done == "rotated") {
    return absl::StrCat("stopped signing at ",
                        Time(At(key, "stopped_signing")));
  }
  return done == "nothing" ? "had ended before; nobody can sign with it" : done;
}

std::string TokenWords(const Json& key) {
  const std::string until = At(key, "last_token_expires");
  if (until.empty()) return "none";
  const auto more = key.find("live_tokens_may_be_more");
  return absl::StrCat(
      more != key.end() && *more == Json(true) ? "at least " : "",
      At(key, "live_tokens_counted"), " counted; none after ", Time(until));
}

std::string KeyIdOf(const std::string& name) {
  return name.substr(std::min(name.size(), name.rfind('/') + 1));
}

std::string IssuerOf(const std::string& key_name) {
  const auto parsed = ParseKeyName("key", key_name);
  return parsed.ok() ? parsed->first.value() : key_name;
}

std::string Exposures(const Json& key, const char* separator) {
  std::string text;
  for (const Json& fact : List(key, "exposures")) {
    absl::StrAppend(&text, text.empty() ? "" : separator,
                    HowWords(At(fact, "how")), " from ", Time(At(fact, "from")),
                    " to ", Or(Time(At(fact, "until")), "the end"),
                    absl::StartsWith(At(fact, "known_by"), "declared")
                        ? absl::StrCat(" (", At(fact, "known_by"),
                                       At(fact, "note").empty() ? "" : ": ",
                                       At(fact, "note"), ")")
                        : "");
  }
  return text;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs Summary(const Json& claims) {
  const Json& person = Object(claims, "person");
  const Json& departure = Object(claims, "departure");
  const std::string name = At(person, "name");
  return {
      {"Person",
       absl::StrCat(name.empty() ? "" : name + ", ", At(person, "owner"))},
      {"Contact", At(person, "contact")},
      {"Left", Time(At(departure, "instant"))},
      {"The news came", absl::StrCat(Time(At(departure, "reported")), ", ",
                                     SourceWords(At(departure, "source")), " (",
                                     At(departure, "reported_by"), ")")},
      {"Released by", At(departure, "released_by")},
      {"Took effect", Time(At(departure, "took_effect"))},
      {"Keys ever exposed", absl::StrCat(List(claims, "keys").size())},
      {"Refusals per gateway", At(Object(claims, "refusals"), "known")},
      {"Uses after refusal",
       Or(At(Object(claims, "uses_after_refusal"), "count"),
          At(Object(claims, "uses_after_refusal"), "known").c_str())},
      {"Issued by", At(claims, "iss")}};
}

// "2026-01-02 03:04:05Z, after 240 ms".
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

// Key IDs and hashes may be broken anywhere; words and names are kept whole.
constexpr size_t kLongWord = 25;

bool HasLongWord(const std::string& text) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  return std::any_of(words.begin(), words.end(),
                     [](auto word) { return word.size() > kLongWord; });
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

}  // namespace

std::string LeaverText(const Json& claims, const Terminal& terminal) {
  std::string text = Fields(Summary(claims), terminal);
  Table keys({"ISSUER", "KID", "WHAT WAS DONE", "SUCCESSOR", "LIVE TOKENS"});
  for (const Json& key : List(claims, "keys")) {
    keys.Add({IssuerOf(At(key, "key")), KeyIdOf(At(key, "key")), DoneWords(key),
              Or(KeyIdOf(At(key, "successor")), "-"), TokenWords(key)});
  }
  absl::StrAppend(&text, "\n", keys.Text(terminal));
  for (const Json& key : List(claims, "keys")) {
    absl::StrAppend(&text, "\n", KeyIdOf(At(key, "key")), "\n  ",
                    Exposures(key, "\n  "), "\n");
  }
  Table issuers({"ISSUER", "OWNED SINCE BY", "GATEWAYS REFUSE BY"});
  for (const Json& issuer : List(claims, "issuers")) {
    issuers.Add(
        {KeyIdOf(At(issuer, "issuer")),
         Or(KeyIdOf(At(issuer, "owner_since")), "NOBODY"),
         Or(Time(At(issuer, "refused_by_gateways_that_keep_the_policy")),
            "-")});
  }
  absl::StrAppend(&text, "\n", issuers.Text(terminal));
  const Json& gateways = List(Object(claims, "refusals"), "gateways");
  if (!gateways.empty()) {
    Table refusals({"GATEWAY", "KID", "STATE", "REFUSED", "HOW KNOWN",
                    "MAY ACCEPT UNTIL"});
    for (const Json& gateway : gateways) {
      refusals.Add({KeyIdOf(At(gateway, "gateway")),
                    KeyIdOf(At(gateway, "key")), At(gateway, "state"),
                    RefusedWords(gateway), At(gateway, "how_known"),
                    UntilWords(gateway)});
    }
    absl::StrAppend(&text, "\n", refusals.Text(terminal));
  }
  for (const Json& line :
       List(Object(claims, "departure"), "differs_from_plan")) {
    if (line.is_string()) {
      absl::StrAppend(&text, "not as planned: ",
                      Safe(line.get_ref<const std::string&>()), "\n");
    }
  }
  const Json& audit = Object(claims, "audit");
  absl::StrAppend(&text, "\nIt rests on ", List(audit, "events").size(),
                  " audit events; the chain's head is event ",
                  At(Object(audit, "chain_head"), "sequence"), ", hash ",
                  At(Object(audit, "chain_head"), "hash"), ".\n");
  return text;
}

std::string LeaverHtml(const Json& claims, const std::string& jws) {
  const Json& person = Object(claims, "person");
  const Json& departure = Object(claims, "departure");
  const std::string name = Or(At(person, "name"), At(person, "owner").c_str());
  std::string summary;
  for (const auto& [label, value] : Summary(claims)) {
    if (!value.empty()) summary += Row({label, value});
  }
  std::string keys, exposures, issuers, events, late, custody, changes,
      refusals;
  for (const Json& key : List(claims, "keys")) {
    const std::string id = KeyIdOf(At(key, "key"));
    keys += Row({IssuerOf(At(key, "key")), id, DoneWords(key), At(key, "why"),
                 Or(KeyIdOf(At(key, "successor")), "none was needed"),
                 TokenWords(key)});
    for (const Json& fact : List(key, "exposures")) {
      exposures += Row({id, HowWords(At(fact, "how")), Time(At(fact, "from")),
                        Or(Time(At(fact, "until")), "the end"),
                        absl::StrCat(At(fact, "known_by"),
                                     At(fact, "note").empty() ? "" : ": ",
                                     At(fact, "note"))});
    }
  }
  for (const Json& fact : List(claims, "custodies")) {
    custody +=
        Row({HowWords(At(fact, "how")), Time(At(fact, "from")),
             Or(Time(At(fact, "until")), "the end"), At(fact, "known_by")});
  }
  for (const Json& issuer : List(claims, "issuers")) {
    issuers +=
        Row({KeyIdOf(At(issuer, "issuer")),
             Or(KeyIdOf(At(issuer, "owner_since")), "nobody: it signs no more"),
             Or(Time(At(issuer, "refused_by_gateways_that_keep_the_policy")),
                "its key set did not change")});
  }
  for (const Json& gateway : List(Object(claims, "refusals"), "gateways")) {
    refusals += Row({KeyIdOf(At(gateway, "gateway")),
                     KeyIdOf(At(gateway, "key")), At(gateway, "state"),
                     RefusedWords(gateway), At(gateway, "how_known"),
                     At(gateway, "seen"), UntilWords(gateway)});
  }
  for (const Json& act : List(departure, "acts_since_instant")) {
    late += Row({At(act, "event"), Time(At(act, "time")), At(act, "action"),
                 At(act, "resource")});
  }
  for (const Json& line : List(departure, "differs_from_plan")) {
    if (line.is_string()) changes += Row({line.get<std::string>()});
  }
  const Json& audit = Object(claims, "audit");
  for (const Json& event : List(audit, "events")) {
    events +=
        Row({At(event, "sequence"), Time(At(event, "time")), At(event, "actor"),
             At(event, "action"), At(event, "resource"), At(event, "hash")});
  }
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Leaver "
      "certificate: ",
      Escape(name), "</title>\n<style>", kStyle,
      "</style></head><body>\n<h1>Leaver certificate</h1>\n<p class=\"lead\">",
      Escape(name), " left on ", Escape(Time(At(departure, "instant"))),
      ". This page says which token-signing keys this person ever had to do "
      "with, what was done to each, and who signs in their place.</p>\n",
      "<table class=\"sum\">", summary, "</table>\n",
      HtmlTable(
          "What was done to each key",
          {"Issuer", "Key", "Done", "Why", "Signs in its place", "Live tokens"},
          keys),
      HtmlTable("How this person was exposed to each key",
                {"Key", "How", "From", "To", "Known by"}, exposures),
      HtmlTable("What this person had in hand of all keys at once",
                {"What", "From", "To", "Known by"}, custody),
      HtmlTable("Who answers now",
                {"Issuer", "Owner", "Gateways that keep the policy refuse by"},
                issuers),
      HtmlTable("Which gateway refuses which key",
                {"Gateway", "Key", "State", "Refused", "How known", "Seen",
                 "May accept until"},
                refusals),
      HtmlTable("Done by this person after leaving, before the news came",
                {"Event", "Time", "Action", "On"}, late),
      HtmlTable("Not as planned", {"What changed"}, changes),
      HtmlTable("The audit events it rests on",
                {"No.", "Time", "By", "Action", "On", "Hash"}, events),
      "<footer><p>Head of the audit chain when this was made: event ",
      Escape(At(Object(audit, "chain_head"), "sequence")), ", <code>",
      Escape(At(Object(audit, "chain_head"), "hash")),
      "</code>.</p>\n<p>Check this page, offline, with <code>warder "
      "certificate "
      "verify FILE</code>. The signed statement:</p>\n",
      kJwsBegins, Escape(jws), kJwsEnds, "</footer>\n</body></html>\n");
}

absl::StatusOr<std::string> FindJws(const std::string& text) {
  const absl::string_view plain = absl::StripAsciiWhitespace(text);
  const auto claims_of = [](const std::string& jws) -> absl::StatusOr<Json> {
    const size_t first = jws.find('.'), second = jws.rfind('.');
    if (first == std::string::npos || first == second) {
      return FieldError("FILE", "carries no signed statement");
    }
    ASSIGN_OR_RETURN(
        const std::string payload,
        Base64UrlDecode(jws.substr(first + 1, second - first - 1)));
    return ParseJson(payload, {.max_bytes = kMaxBytes});
  };
  if (absl::StartsWith(plain, "{")) {
    ASSIGN_OR_RETURN(const Json file,
                     ParseJsonObject(plain, {.max_bytes = kMaxBytes}));
    ASSIGN_OR_RETURN(std::string jws, JsonString(file, "jws"));
    ASSIGN_OR_RETURN(const Json claims, claims_of(jws));
    if (file.contains("claims") && file["claims"] != claims) {
      return FieldError("FILE", "its claims are not those that were signed");
    }
    return jws;
  }
  if (!absl::StartsWith(plain, "<")) return std::string(plain);
  const size_t begin = text.find(kJwsBegins);
  if (begin == std::string::npos) {
    return FieldError("FILE", "is a page without a signed statement");
  }
  const size_t from = begin + sizeof(kJwsBegins) - 1;
  std::string jws = text.substr(from, text.find(kJwsEnds, from) - from);
  ASSIGN_OR_RETURN(const Json claims, claims_of(jws));
  // A page is what its statement makes of it, to the byte.
  if (LeaverHtml(claims, jws) != text) {
    return FieldError("FILE",
                      "the page shows something else than what was "
                      "signed");
  }
  return jws;
}

}  // namespace warder::cli
