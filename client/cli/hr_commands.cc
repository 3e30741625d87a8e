// warder hr-token create|list|revoke, warder hr feeds,
// warder departure held|release|reject
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/context.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/hr.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::HrService::Stub;

struct Flags {
  std::string feed, token, lifetime, overlap;
  std::vector<std::string> owners;
  bool all = false;
};

std::string EndOf(const v1::FeedToken& token) {
  return token.has_revoke_time()
             ? absl::StrCat("REVOKED ", When(token.revoke_time()))
             : When(token.expire_time());
}

absl::Status CreateToken(Context& context, const Flags& flags) {
  v1::CreateFeedTokenRequest request;
  request.set_feed(flags.feed);
  if (!flags.lifetime.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration lifetime,
                     ParseDuration(flags.lifetime));
    SetDuration(lifetime, request.mutable_lifetime());
  }
  if (!flags.overlap.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration overlap,
                     ParseDuration(flags.overlap));
    SetDuration(overlap, request.mutable_overlap());
  }
  ASSIGN_OR_RETURN(const v1::CreateFeedTokenResponse made,
                   context.Change(&Stub::CreateFeedToken, request));
  context.Print(
      made,
      absl::StrCat(
          Fields({{"token", LastPart(made.token().name())},
                  {"feed", made.token().feed()},
                  {"ends", When(made.token().expire_time())},
                  {"secret", made.secret()}},
                 context.terminal),
          made.secret().empty()
              ? ""
              : "\nThe secret is shown this once. Give it to the identity "
                "provider as its bearer token,\nwith the base URL "
                "https://HOST:7481/scim/v2\n"));
  return absl::OkStatus();
}

absl::Status ListTokens(Context& context) {
  ASSIGN_OR_RETURN(const auto list, context.Read(&Stub::ListFeedTokens,
                                                 v1::ListFeedTokensRequest()));
  PrintList(
      context, list.tokens(), Table({"TOKEN", "FEED", "MADE", "BY", "ENDS"}),
      [](const v1::FeedToken& token) -> std::vector<std::string> {
        return {LastPart(token.name()), token.feed(), When(token.create_time()),
                token.created_by(), EndOf(token)};
      });
  return absl::OkStatus();
}

absl::Status RevokeToken(Context& context, const Flags& flags) {
  v1::RevokeFeedTokenRequest request;
  request.set_name(absl::StartsWith(flags.token, "feedTokens/")
                       ? flags.token
                       : absl::StrCat("feedTokens/", flags.token));
  ASSIGN_OR_RETURN(const v1::FeedToken token,
                   context.Change(&Stub::RevokeFeedToken, request));
  context.Print(token, absl::StrCat(LastPart(token.name()), " of feed ",
                                    token.feed(), " ", EndOf(token), "\n"));
  return absl::OkStatus();
}

absl::Status ListFeeds(Context& context) {
  ASSIGN_OR_RETURN(const auto list,
                   context.Read(&Stub::ListFeeds, v1::ListFeedsRequest()));
  PrintList(context, list.feeds(),
            Table({"FEED", "FIRST HEARD", "LAST HEARD", "SILENT SINCE"}),
            [](const v1::Feed& feed) -> std::vector<std::string> {
              return {std::string(absl::StripPrefix(feed.name(), "feeds/")),
                      When(feed.first_seen_time()), When(feed.last_seen_time()),
                      When(feed.silent_since_time())};
            });
  return absl::OkStatus();
}

std::vector<std::string> HeldRow(const v1::HeldDeparture& held) {
  return {LastPart(held.owner()), When(held.instant()),
          When(held.report_time()), held.reported_by(), held.source()};
}

Table HeldTable() {
  return Table({"OWNER", "LEAVES", "REPORTED", "BY", "SOURCE"});
}

absl::Status ListHeld(Context& context) {
  ASSIGN_OR_RETURN(
      const auto list,
      context.Read(&Stub::ListHeldDepartures, v1::ListHeldDeparturesRequest()));
  PrintList(context, list.departures(), HeldTable(), HeldRow);
  return absl::OkStatus();
}

template <typename Request>
Request OwnersRequest(const Flags& flags) {
  Request request;
  for (const std::string& owner : flags.owners) {
    request.add_owners(OwnerName(OwnerId(owner)));
  }
  return request;
}

absl::Status Release(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(
      const auto released,
      context.Change(&Stub::ReleaseHeldDepartures,
                     OwnersRequest<v1::ReleaseHeldDeparturesRequest>(flags)));
  PrintList(context, released.departures(),
            Table({"OWNER", "LEAVES", "CARRIED OUT", "ISSUERS"}),
            [](const v1::Departure& departure) -> std::vector<std::string> {
              return {LastPart(departure.owner()), When(departure.instant()),
                      When(departure.effect_time()),
                      absl::StrCat(departure.issuers_size())};
            });
  return absl::OkStatus();
}

absl::Status Reject(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(
      const auto rejected,
      context.Change(&Stub::RejectHeldDepartures,
                     OwnersRequest<v1::RejectHeldDeparturesRequest>(flags)));
  PrintList(context, rejected.departures(), HeldTable(), HeldRow);
  return absl::OkStatus();
}

void AddTokenVerbs(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("hr-token", "bearer tokens of HR's feeds");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* create = noun->add_subcommand("create", "make a token for a feed");
  create->add_option("--feed", flags->feed, "the feed's name: okta")
      ->required();
  create->add_option("--lifetime", flags->lifetime, "default 365d");
  create->add_option("--overlap", flags->overlap,
                     "end the feed's former tokens after this: 24h, 0s");
  AddPlan(create, context);
  create->callback([&context, flags] {
    context.run = [&context, flags] { return CreateToken(context, *flags); };
  });
  noun->add_subcommand("list", "list tokens, without their secrets")
      ->callback([&context] {
        context.run = [&context] { return ListTokens(context); };
      });
  CLI::App* revoke = noun->add_subcommand("revoke", "end a token at once");
  revoke->add_option("token", flags->token, "its ID")->required();
  AddPlan(revoke, context);
  revoke->callback([&context, flags] {
    context.run = [&context, flags] { return RevokeToken(context, *flags); };
  });
}

void AddHeldVerbs(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand(
      "departure", "departures that wait because too many came at once");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  noun->add_subcommand("held", "list what waits")->callback([&context] {
    context.run = [&context] { return ListHeld(context); };
  });
  const auto verb = [&](const char* name, const char* help,
                        absl::Status (*run)(Context&, const Flags&)) {
    CLI::App* command = noun->add_subcommand(name, help);
    CLI::Option* owners =
        command->add_option("owners", flags->owners, "IDs of owners");
    command->add_flag("--all", flags->all, "all that waits")->excludes(owners);
    AddPlan(command, context);
    command->callback([&context, flags, run] {
      if (flags->owners.empty() && !flags->all) {
        throw CLI::RequiredError("IDs of owners, or --all,");
      }
      context.run = [&context, flags, run] { return run(context, *flags); };
    });
  };
  verb("release", "carry out what waits", Release);
  verb("reject", "say that it is wrong: the owners stay", Reject);
}

}  // namespace

void AddHrCommands(CLI::App& app, Context& context) {
  AddTokenVerbs(app, context);
  AddHeldVerbs(app, context);
  CLI::App* noun = app.add_subcommand("hr", "HR's feeds");
  noun->require_subcommand(1);
  noun->add_subcommand("feeds", "list feeds and when they were last heard of")
      ->callback([&context] {
        context.run = [&context] { return ListFeeds(context); };
      });
}

}  // namespace warder::cli
