// warder subscription|delivery|transmitter: events out, and events in
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/context.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/event.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::EventService::Stub;

struct Flags {
  std::string id, url, issuer, audience, authorization_file, overlap, jwks_url,
      jwks_file;
  std::vector<std::string> actions;
  std::vector<int64_t> sequences;
  bool sets = false, dead_letters = false, all = false;
};

std::string SubscriptionName(const Flags& flags) {
  return absl::StrCat("subscriptions/", flags.id);
}

void PrintMade(Context& context, const v1::CreateSubscriptionResponse& made) {
  const v1::Subscription& subscription = made.subscription();
  context.Print(
      made,
      absl::StrCat(
          Fields({{"subscription", LastPart(subscription.name())},
                  {"url", subscription.url()},
                  {"told of", absl::StrJoin(subscription.actions(), ", ")},
                  {"signed by", LastPart(subscription.issuer())},
                  {"secret", made.secret()}},
                 context.terminal),
          made.secret().empty()
              ? ""
              : "\nThe secret is shown this once. Give it to the receiver, "
                "which "
                "checks webhook-signature\nwith it (Standard Webhooks).\n"));
}

absl::Status Create(Context& context, const Flags& flags) {
  v1::CreateSubscriptionRequest request;
  request.set_subscription_id(flags.id);
  v1::Subscription& wanted = *request.mutable_subscription();
  wanted.set_url(flags.url);
  wanted.set_format(flags.sets ? v1::Subscription::SECURITY_EVENT
                               : v1::Subscription::WEBHOOK);
  for (const std::string& action : flags.actions) wanted.add_actions(action);
  if (!flags.issuer.empty()) {
    wanted.set_issuer(IssuerName(IssuerId(flags.issuer)));
  }
  wanted.set_audience(flags.audience);
  if (!flags.authorization_file.empty()) {
    ASSIGN_OR_RETURN(const std::string value,
                     ReadFile(flags.authorization_file));
    request.set_authorization(
        std::string(absl::StripTrailingAsciiWhitespace(value)));
  }
  ASSIGN_OR_RETURN(const auto made,
                   context.Change(&Stub::CreateSubscription, request));
  PrintMade(context, made);
  return absl::OkStatus();
}

absl::Status ListSubscriptions(Context& context) {
  ASSIGN_OR_RETURN(
      const auto list,
      context.Read(&Stub::ListSubscriptions, v1::ListSubscriptionsRequest()));
  PrintList(context, list.subscriptions(),
            Table({"SUBSCRIPTION", "FORMAT", "URL", "BEHIND", "WAITING",
                   "DEAD LETTERS", "LAST ERROR"}),
            [](const v1::Subscription& s) -> std::vector<std::string> {
              return {LastPart(s.name()),
                      v1::Subscription::Format_Name(s.format()),
                      s.url(),
                      absl::StrCat(s.behind_count()),
                      absl::StrCat(s.waiting_count()),
                      absl::StrCat(s.dead_letter_count()),
                      s.last_error()};
            });
  return absl::OkStatus();
}

absl::Status DeleteSubscription(Context& context, const Flags& flags) {
  v1::DeleteSubscriptionRequest request;
  request.set_name(SubscriptionName(flags));
  ASSIGN_OR_RETURN(const auto done,
                   context.Change(&Stub::DeleteSubscription, request));
  context.Print(done, absl::StrCat(flags.id, " is told no more.\n"));
  return absl::OkStatus();
}

absl::Status RotateSecret(Context& context, const Flags& flags) {
  v1::RotateSubscriptionSecretRequest request;
  request.set_name(SubscriptionName(flags));
  if (!flags.overlap.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration overlap,
                     ParseDuration(flags.overlap));
    SetDuration(overlap, request.mutable_overlap());
  }
  ASSIGN_OR_RETURN(const auto made,
                   context.Change(&Stub::RotateSubscriptionSecret, request));
  PrintMade(context, made);
  return absl::OkStatus();
}

absl::Status ListDeliveries(Context& context, const Flags& flags) {
  v1::ListDeliveriesRequest request;
  request.set_parent(SubscriptionName(flags));
  request.set_dead_letters(flags.dead_letters);
  ASSIGN_OR_RETURN(const auto list,
                   context.Read(&Stub::ListDeliveries, request));
  PrintList(context, list.deliveries(),
            Table({"EVENT", "ABOUT", "ATTEMPTS", "SINCE", "NEXT", "ERROR"}),
            [](const v1::Delivery& d) -> std::vector<std::string> {
              return {absl::StrCat(d.sequence()),
                      d.ordering_key(),
                      absl::StrCat(d.attempt_count()),
                      When(d.create_time()),
                      When(d.next_time()),
                      d.error()};
            });
  return absl::OkStatus();
}

// Tries dead letters again, or drops them.
template <typename Request, typename Method>
absl::Status ChangeDead(Context& context, const Flags& flags, Method method,
                        absl::string_view done) {
  Request request;
  request.set_parent(SubscriptionName(flags));
  for (const int64_t sequence : flags.sequences) {
    request.add_sequences(sequence);
  }
  ASSIGN_OR_RETURN(const auto changed, context.Change(method, request));
  context.Print(changed, absl::StrCat(done, ": ", changed.count(), "\n"));
  return absl::OkStatus();
}

absl::Status CreateTransmitter(Context& context, const Flags& flags) {
  v1::CreateTransmitterRequest request;
  request.set_transmitter_id(flags.id);
  v1::Transmitter& wanted = *request.mutable_transmitter();
  wanted.set_issuer(flags.issuer);
  wanted.set_audience(flags.audience);
  wanted.set_jwks_url(flags.jwks_url);
  if (!flags.jwks_file.empty()) {
    ASSIGN_OR_RETURN(*wanted.mutable_jwks(), ReadFile(flags.jwks_file));
  }
  ASSIGN_OR_RETURN(const auto made,
                   context.Change(&Stub::CreateTransmitter, request));
  context.Print(
      made,
      absl::StrCat(Fields({{"transmitter", LastPart(made.name())},
                           {"issuer", made.issuer()},
                           {"audience", made.audience()},
                           {"keys", made.jwks_url().empty() ? "pinned"
                                                            : made.jwks_url()}},
                          context.terminal),
                   "\nLet it push (RFC 8935) to https://HOST:7481/feeds/",
                   LastPart(made.name()), "/events\n"));
  return absl::OkStatus();
}

absl::Status ListTransmitters(Context& context) {
  ASSIGN_OR_RETURN(
      const auto list,
      context.Read(&Stub::ListTransmitters, v1::ListTransmittersRequest()));
  PrintList(context, list.transmitters(),
            Table({"TRANSMITTER", "ISSUER", "AUDIENCE", "KEYS", "FETCHED"}),
            [](const v1::Transmitter& t) -> std::vector<std::string> {
              return {LastPart(t.name()), t.issuer(), t.audience(),
                      t.jwks_url().empty() ? "pinned" : t.jwks_url(),
                      When(t.fetch_time())};
            });
  return absl::OkStatus();
}

absl::Status DeleteTransmitter(Context& context, const Flags& flags) {
  v1::DeleteTransmitterRequest request;
  request.set_name(absl::StrCat("transmitters/", flags.id));
  ASSIGN_OR_RETURN(const auto done,
                   context.Change(&Stub::DeleteTransmitter, request));
  context.Print(done, absl::StrCat(flags.id, " is believed no more.\n"));
  return absl::OkStatus();
}

using Run = absl::Status (*)(Context&, const Flags&);

CLI::App* AddVerb(CLI::App* noun, const char* name, const char* help,
                  Context& context, const std::shared_ptr<Flags>& flags,
                  Run run) {
  CLI::App* verb = noun->add_subcommand(name, help);
  verb->callback([&context, flags, run] {
    context.run = [&context, flags, run] { return run(context, *flags); };
  });
  return verb;
}

void AddSubscriptionVerbs(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("subscription", "who outside is told of events");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* create =
      AddVerb(noun, "create", "tell a webhook, or a receiver of SETs", context,
              flags, Create);
  create->add_option("id", flags->id, "an ID")->required();
  create->add_option("--url", flags->url, "where to POST to")->required();
  create->add_option("--action", flags->actions,
                     "an audit action or a pattern, key.revoked or owner.*; of "
                     "SETs key.revoked, alarm.raised or alarm.paged; repeat");
  CLI::Option* sets =
      create->add_flag("--sets", flags->sets,
                       "send Security Event Tokens: CAEP credential-change for "
                       "revoked keys, RISC credential-compromise for alarms");
  CLI::Option* issuer = create->add_option(
      "--issuer", flags->issuer, "ID of the issuer that signs them by RS256");
  CLI::Option* audience =
      create->add_option("--audience", flags->audience, "their aud");
  sets->needs(issuer)->needs(audience);
  issuer->needs(sets);
  audience->needs(sets);
  create->add_option("--authorization-file", flags->authorization_file,
                     "file with the value of an Authorization header; - for "
                     "standard input");
  AddPlan(create, context);
  AddVerb(noun, "list", "list subscriptions and how far each has come", context,
          flags, [](Context& c, const Flags&) { return ListSubscriptions(c); });
  CLI::App* remove = AddVerb(noun, "delete", "tell it no more", context, flags,
                             DeleteSubscription);
  remove->add_option("id", flags->id, "the ID")->required();
  AddPlan(remove, context);
  CLI::App* rotate =
      AddVerb(noun, "rotate-secret", "make a new secret for a webhook", context,
              flags, RotateSecret);
  rotate->add_option("id", flags->id, "the ID")->required();
  rotate->add_option("--overlap", flags->overlap,
                     "the former one signs as well for this: 24h");
  AddPlan(rotate, context);
}

void AddDeliveryVerbs(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand(
      "delivery", "events that a subscription has not taken yet");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* list =
      AddVerb(noun, "list", "list what waits", context, flags, ListDeliveries);
  list->add_option("subscription", flags->id, "its ID")->required();
  list->add_flag("--dead-letters", flags->dead_letters,
                 "list what was given up");
  const auto dead = [&](const char* name, const char* help, Run run) {
    CLI::App* verb = noun->add_subcommand(name, help);
    verb->add_option("subscription", flags->id, "its ID")->required();
    CLI::Option* events = verb->add_option(
        "events", flags->sequences, "numbers of events (EVENT in the list)");
    verb->add_flag("--all", flags->all, "every dead letter")->excludes(events);
    AddPlan(verb, context);
    verb->callback([&context, flags, run] {
      if (flags->sequences.empty() && !flags->all) {
        throw CLI::RequiredError("numbers of events, or --all,");
      }
      context.run = [&context, flags, run] { return run(context, *flags); };
    });
  };
  dead("retry", "try dead letters again", [](Context& c, const Flags& f) {
    return ChangeDead<v1::RetryDeliveriesRequest>(c, f, &Stub::RetryDeliveries,
                                                  "tried again");
  });
  dead("drop", "forget dead letters", [](Context& c, const Flags& f) {
    return ChangeDead<v1::DropDeliveriesRequest>(c, f, &Stub::DropDeliveries,
                                                 "forgotten");
  });
}

void AddTransmitterVerbs(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand(
      "transmitter", "identity providers whose security events are believed");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* create =
      AddVerb(noun, "create", "believe an identity provider's security events",
              context, flags, CreateTransmitter);
  create->add_option("feed", flags->id, "the feed's name: okta")->required();
  create->add_option("--issuer", flags->issuer, "iss of its tokens")
      ->required();
  create->add_option("--audience", flags->audience, "aud they must name")
      ->required();
  CLI::Option* url = create->add_option("--jwks-url", flags->jwks_url,
                                        "where its key set is fetched");
  CLI::Option* file =
      create
          ->add_option("--jwks", flags->jwks_file,
                       "file with its key set, which then never changes")
          ->excludes(url);
  url->excludes(file);
  AddPlan(create, context);
  AddVerb(noun, "list", "list transmitters", context, flags,
          [](Context& c, const Flags&) { return ListTransmitters(c); });
  CLI::App* remove = AddVerb(noun, "delete", "believe it no more", context,
                             flags, DeleteTransmitter);
  remove->add_option("feed", flags->id, "the feed's name")->required();
  AddPlan(remove, context);
}

}  // namespace

void AddEventCommands(CLI::App& app, Context& context) {
  AddSubscriptionVerbs(app, context);
  AddDeliveryVerbs(app, context);
  AddTransmitterVerbs(app, context);
}

}  // namespace warder::cli
