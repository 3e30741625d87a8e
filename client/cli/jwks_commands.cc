// warder jwks get
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "client/http_get.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/base/strict_json.h"

namespace warder::cli {
namespace {

absl::Status Get(Context& context, const std::string& issuer) {
  ASSIGN_OR_RETURN(const client::Profile profile, context.Profile());
  const std::string url = issuer.empty()
                              ? profile.public_url + "/.well-known/jwks.json"
                              : absl::StrCat(profile.public_url, "/issuers/",
                                             issuer, "/.well-known/jwks.json");
  ASSIGN_OR_RETURN(const client::HttpAnswer answer,
                   client::HttpGet(url, profile.public_authority));
  if (answer.status == 404) return NotFound(url);
  if (answer.status != 200) {
    return Error(absl::StatusCode::kUnavailable, Reason::kUnreachable,
                 absl::StrCat(url, " answers ", answer.status));
  }
  if (context.json) {
    context.PrintText(answer.body + "\n");
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Json set, ParseJsonObject(answer.body));
  Table table({"KID", "KTY", "ALG", "USE"});
  for (const Json& key : set.value("keys", Json::array())) {
    table.Add({key.value("kid", ""), key.value("kty", ""), key.value("alg", ""),
               key.value("use", "")});
  }
  context.PrintText(absl::StrCat(url, "\nETag ", answer.etag, ", ",
                                 answer.cache_control, "\n\n",
                                 table.Text(context.terminal)));
  return absl::OkStatus();
}

}  // namespace

void AddJwksCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("jwks", "key sets as gateways see them");
  noun->require_subcommand(1);
  auto issuer = std::make_shared<std::string>();
  CLI::App* get = noun->add_subcommand("get", "fetch a key set");
  get->add_option("issuer", *issuer, "the issuer; default the default issuer");
  get->callback([&context, issuer] {
    context.run = [&context, issuer] { return Get(context, *issuer); };
  });
}

}  // namespace warder::cli
