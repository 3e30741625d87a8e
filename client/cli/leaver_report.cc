#include "client/cli/leaver_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/page.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"

namespace warder::cli {
namespace {

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

}  // namespace

std::string LeaverText(const Json& claims, const Terminal& terminal) {
  std::string text = Fields(Summary(claims), terminal);
  Table keys({"ISSUER", "KID", "WHAT WAS DONE", "SUCCESSOR", "LIVE TOKENS"});
  for (const Json& key : List(claims, "keys")) {
    keys.Add({IssuerOf(At(key, "key")), LastPart(At(key, "key")),
              DoneWords(key), Or(LastPart(At(key, "successor")), "-"),
              TokenWords(key)});
  }
  absl::StrAppend(&text, "\n", keys.Text(terminal));
  for (const Json& key : List(claims, "keys")) {
    absl::StrAppend(&text, "\n", LastPart(At(key, "key")), "\n  ",
                    Exposures(key, "\n  "), "\n");
  }
  Table issuers({"ISSUER", "OWNED SINCE BY", "GATEWAYS REFUSE BY"});
  for (const Json& issuer : List(claims, "issuers")) {
    issuers.Add(
        {LastPart(At(issuer, "issuer")),
         Or(LastPart(At(issuer, "owner_since")), "NOBODY"),
         Or(Time(At(issuer, "refused_by_gateways_that_keep_the_policy")),
            "-")});
  }
  absl::StrAppend(&text, "\n", issuers.Text(terminal));
  const Json& gateways = List(Object(claims, "refusals"), "gateways");
  if (!gateways.empty()) {
    Table refusals({"GATEWAY", "KID", "STATE", "REFUSED", "HOW KNOWN",
                    "MAY ACCEPT UNTIL"});
    for (const Json& gateway : gateways) {
      refusals.Add({LastPart(At(gateway, "gateway")),
                    LastPart(At(gateway, "key")), At(gateway, "state"),
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
    const std::string id = LastPart(At(key, "key"));
    keys += Row({IssuerOf(At(key, "key")), id, DoneWords(key), At(key, "why"),
                 Or(LastPart(At(key, "successor")), "none was needed"),
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
    issuers += Row(
        {LastPart(At(issuer, "issuer")),
         Or(LastPart(At(issuer, "owner_since")), "nobody: it signs no more"),
         Or(Time(At(issuer, "refused_by_gateways_that_keep_the_policy")),
            "its key set did not change")});
  }
  for (const Json& gateway : List(Object(claims, "refusals"), "gateways")) {
    refusals += Row({LastPart(At(gateway, "gateway")),
                     LastPart(At(gateway, "key")), At(gateway, "state"),
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
      PageStart(absl::StrCat("Leaver certificate: ", name)),
      "<h1>Leaver certificate</h1>\n<p class=\"lead\">", Escape(name),
      " left on ", Escape(Time(At(departure, "instant"))),
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
      "<p>Head of the audit chain when this was made: event ",
      Escape(At(Object(audit, "chain_head"), "sequence")), ", <code>",
      Escape(At(Object(audit, "chain_head"), "hash")), "</code>.</p>\n",
      PageEnd(jws));
}

}  // namespace warder::cli
