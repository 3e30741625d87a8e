// The pieces that signed statements are shown with, as text and as a page.
#ifndef WARDER_CLIENT_CLI_PAGE_H_
#define WARDER_CLIENT_CLI_PAGE_H_

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"
#include "server/base/strict_json.h"

namespace warder::cli {

// Members of claims; what is missing, null or of another kind is empty. A
// member that is no string is its JSON.
std::string At(const Json& object, const char* name);
const Json& List(const Json& object, const char* name);
const Json& Object(const Json& object, const char* name);

// "2026-01-02T03:04:05Z" as people read it.
std::string Time(std::string text);
std::string Or(std::string text, const char* otherwise);

// Of an entry of `gateways`: when it refused ("..., after 240 ms"), and until
// when it may still accept.
std::string RefusedWords(const Json& gateway);
std::string UntilWords(const Json& gateway);

// HTML. Cells and texts are escaped.
std::string Escape(absl::string_view text);
std::string Row(std::initializer_list<std::string> cells);
// Empty where there are no `rows`.
std::string HtmlTable(const char* title,
                      std::initializer_list<const char*> header,
                      const std::string& rows);
// A self-contained page, printable, that needs no network and no script. It
// ends by how to check it, and carries `jws`.
std::string PageStart(const std::string& title);
std::string PageEnd(const std::string& jws);
// Returns the JWS of a page, or "".
std::string JwsOfPage(const std::string& page);

}  // namespace warder::cli

#endif  // WARDER_CLIENT_CLI_PAGE_H_
