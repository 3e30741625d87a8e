// warder gateway: who verifies our tokens
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/context.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/gateway.grpc.pb.h"
#include "warder/v1/revocation.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::GatewayService::Stub;

struct Flags {
  std::string id, key, display_name, contact, consumer, version, reach, cache,
      etag, probe_url, probe_header, probe_cookie, probe_audience;
  std::vector<std::string> issuers, sources, modes;
  std::vector<int> accepted, refused;
  bool probe_local = false, no_probe = false;
};

std::string HorizonText(bool bounded, const google::protobuf::Duration& time) {
  return bounded ? HowLong(time) : "unbounded";
}

std::string ReachOf(const v1::Gateway& gateway) {
  return v1::Gateway::Reach_Name(gateway.reach());
}

std::string Show(const v1::Gateway& gateway, const Terminal& terminal) {
  std::vector<std::pair<std::string, std::string>> fields = {
      {"gateway", LastPart(gateway.name())},
      {"display name", gateway.display_name()},
      {"contact", gateway.contact()},
      {"verifier",
       gateway.version().empty()
           ? gateway.consumer()
           : absl::StrCat(gateway.consumer(), " ", gateway.version())},
      {"reach", ReachOf(gateway)},
      {"cache", gateway.has_cache() ? HowLong(gateway.cache())
                                    : "the default of its kind"},
      {"fetches from", gateway.fetch_sources_size() == 0
                           ? "anywhere: others' fetches look like its own"
                           : absl::StrJoin(gateway.fetch_sources(), ", ")}};
  for (const auto& [issuer, mode] : gateway.issuance_modes()) {
    fields.emplace_back(absl::StrCat("ledger, for ", LastPart(issuer)),
                        v1::IssuanceMode_Name(mode));
  }
  if (gateway.has_probe()) {
    const v1::Gateway::Probe& probe = gateway.probe();
    fields.emplace_back("probe", probe.url());
    fields.emplace_back("probe token in",
                        probe.cookie().empty()
                            ? absl::StrCat("header ", probe.header())
                            : absl::StrCat("cookie ", probe.cookie()));
    fields.emplace_back("probe audience", probe.audience());
    fields.emplace_back(
        "probe answers",
        absl::StrCat(absl::StrJoin(probe.accepted(), ", "), " accepted; ",
                     absl::StrJoin(probe.refused(), ", "), " refused"));
  } else {
    fields.emplace_back("probe", "none: it cannot be asked");
  }
  fields.emplace_back("registered", absl::StrCat(When(gateway.create_time()),
                                                 " by ", gateway.created_by()));
  fields.emplace_back("etag", gateway.etag());
  std::string text = Fields(fields, terminal);
  Table table({"ISSUER", "PUBLISHED", "HOLDS", "SINCE", "HEARD", "FROM",
               "REFUSES WITHIN", "AT THE LATEST"});
  std::string advice;
  for (const v1::Gateway::Standing& standing : gateway.standings()) {
    table.Add({LastPart(standing.issuer()),
               absl::StrCat(standing.published_revision()),
               standing.revision() == 0 ? "never seen"
                                        : absl::StrCat(standing.revision()),
               When(standing.since()), When(standing.heard_time()),
               standing.source(),
               HorizonText(standing.has_expected(), standing.expected()),
               HorizonText(standing.has_latest(), standing.latest())});
    if (!standing.has_latest() && advice.empty()) {
      advice = absl::StrCat("\nUnbounded: ", standing.why(),
                            ".\nNext: ", standing.next(), "\n");
    }
  }
  absl::StrAppend(&text, "\n", table.Text(terminal), advice);
  return text;
}

// What the command line says, and into `mask` which fields that is.
absl::Status Fill(const Flags& flags, CLI::App* command, v1::Gateway* out,
                  google::protobuf::FieldMask* mask) {
  const auto given = [&](const char* flag, const char* field) {
    if (command->count(flag) == 0) return false;
    mask->add_paths(field);
    return true;
  };
  if (given("--display-name", "display_name")) {
    out->set_display_name(flags.display_name);
  }
  if (given("--contact", "contact")) out->set_contact(flags.contact);
  if (given("--kind", "consumer")) out->set_consumer(flags.consumer);
  if (given("--kind-version", "version")) out->set_version(flags.version);
  if (given("--reach", "reach")) {
    ASSIGN_OR_RETURN(const v1::Gateway::Reach reach,
                     ParseEnum<v1::Gateway::Reach>(
                         "--reach", "", flags.reach,
                         [](const std::string& n, v1::Gateway::Reach* v) {
                           return v1::Gateway::Reach_Parse(n, v);
                         }));
    out->set_reach(reach);
  }
  if (given("--issuer", "issuers")) {
    for (const std::string& issuer : flags.issuers) {
      out->add_issuers(IssuerName(IssuerId(issuer)));
    }
  }
  if (given("--cache", "cache") && !flags.cache.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration cache, ParseDuration(flags.cache));
    SetDuration(cache, out->mutable_cache());
  }
  if (given("--fetches-from", "fetch_sources")) {
    for (const std::string& source : flags.sources) {
      if (!source.empty()) out->add_fetch_sources(source);
    }
  }
  if (given("--mode", "issuance_modes")) {
    for (const std::string& text : flags.modes) {
      const std::pair<std::string, std::string> part =
          absl::StrSplit(text, absl::MaxSplits('=', 1));
      if (part.first.empty() || part.second.empty()) {
        return FieldError("--mode",
                          absl::StrCat("\"", text,
                                       "\" is not ISSUER=observe, step-up or "
                                       "enforce"));
      }
      ASSIGN_OR_RETURN(const v1::IssuanceMode mode,
                       ParseEnum<v1::IssuanceMode>(
                           "--mode", "", part.second,
                           [](const std::string& n, v1::IssuanceMode* v) {
                             return v1::IssuanceMode_Parse(n, v);
                           }));
      (*out->mutable_issuance_modes())[IssuerName(IssuerId(part.first))] = mode;
    }
  }
  if (flags.no_probe) {
    mask->add_paths("probe");
    out->clear_probe();
    return absl::OkStatus();
  }
  bool probe = false;
  for (const char* flag :
       {"--probe-url", "--probe-header", "--probe-cookie", "--probe-audience",
        "--probe-accepted", "--probe-refused", "--probe-local"}) {
    probe = probe || command->count(flag) > 0;
  }
  if (!probe) return absl::OkStatus();
  mask->add_paths("probe");
  v1::Gateway::Probe& wanted = *out->mutable_probe();
  if (!flags.probe_url.empty()) wanted.set_url(flags.probe_url);
  if (!flags.probe_header.empty()) {
    wanted.set_header(flags.probe_header);
    wanted.clear_cookie();
  }
  if (!flags.probe_cookie.empty()) {
    wanted.set_cookie(flags.probe_cookie);
    wanted.clear_header();
  }
  if (!flags.probe_audience.empty()) wanted.set_audience(flags.probe_audience);
  if (!flags.accepted.empty()) {
    *wanted.mutable_accepted() = {flags.accepted.begin(), flags.accepted.end()};
  }
  if (!flags.refused.empty()) {
    *wanted.mutable_refused() = {flags.refused.begin(), flags.refused.end()};
  }
  if (command->count("--probe-local") > 0) wanted.set_local(flags.probe_local);
  return absl::OkStatus();
}

std::string NameOf(const Flags& flags) {
  return GatewayName(GatewayId(flags.id));
}

absl::Status Create(Context& context, const Flags& flags, CLI::App* command) {
  v1::CreateGatewayRequest request;
  request.set_gateway_id(flags.id);
  google::protobuf::FieldMask given;
  RETURN_IF_ERROR(Fill(flags, command, request.mutable_gateway(), &given));
  ASSIGN_OR_RETURN(const v1::Gateway made,
                   context.Change(&Stub::CreateGateway, request));
  std::string next;
  if (made.reach() == v1::Gateway::STREAM) {
    next = absl::StrCat(
        "\nIts agent needs a certificate: warder cert issue --role gateway "
        "--name ",
        flags.id, "\n");
  } else if (made.reach() == v1::Gateway::POLL) {
    next = absl::StrCat("\nPoint it at https://HOST/gateways/", flags.id, "/",
                        LastPart(made.issuers(0)), "/jwks.json\n");
  }
  context.Print(made, Show(made, context.terminal) + next);
  return absl::OkStatus();
}

absl::StatusOr<v1::Gateway> Get(Context& context, const Flags& flags) {
  v1::GetGatewayRequest request;
  request.set_name(NameOf(flags));
  return context.Read(&Stub::GetGateway, request);
}

absl::Status Update(Context& context, const Flags& flags, CLI::App* command) {
  ASSIGN_OR_RETURN(const v1::Gateway current, Get(context, flags));
  v1::UpdateGatewayRequest request;
  v1::Gateway& gateway = *request.mutable_gateway();
  gateway.set_name(current.name());
  // What was read is what is changed, unless the caller says otherwise.
  gateway.set_etag(flags.etag.empty() ? current.etag() : flags.etag);
  if (current.has_probe()) *gateway.mutable_probe() = current.probe();
  *gateway.mutable_issuance_modes() = current.issuance_modes();
  RETURN_IF_ERROR(
      Fill(flags, command, &gateway, request.mutable_update_mask()));
  ASSIGN_OR_RETURN(const v1::Gateway updated,
                   context.Change(&Stub::UpdateGateway, request));
  context.Print(updated, Show(updated, context.terminal));
  return absl::OkStatus();
}

absl::Status ShowOne(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const v1::Gateway gateway, Get(context, flags));
  context.Print(gateway, Show(gateway, context.terminal));
  return absl::OkStatus();
}

// "2 of 3 current".
std::string Currency(const v1::Gateway& gateway) {
  int current = 0;
  for (const v1::Gateway::Standing& standing : gateway.standings()) {
    current += standing.revision() >= standing.published_revision() ? 1 : 0;
  }
  return absl::StrCat(current, " of ", gateway.standings_size());
}

absl::Status List(Context& context, const Flags&) {
  Table table({"GATEWAY", "VERIFIER", "REACH", "ISSUERS", "CURRENT", "PROBE",
               "REFUSES AT THE LATEST"});
  v1::ListGatewaysRequest request;
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(const auto page,
                     context.Read(&Stub::ListGateways, request));
    for (const v1::Gateway& gateway : page.gateways()) {
      if (context.json) {
        context.PrintText(MessageJson(gateway) + "\n");
        continue;
      }
      std::vector<std::string> issuers;
      for (const auto& issuer : gateway.issuers()) {
        issuers.push_back(LastPart(issuer));
      }
      // Of all its issuers the worst.
      const v1::Gateway::Standing* worst = nullptr;
      for (const auto& standing : gateway.standings()) {
        if (worst == nullptr || !standing.has_latest() ||
            (worst->has_latest() &&
             standing.latest().seconds() > worst->latest().seconds())) {
          worst = &standing;
        }
      }
      const bool bounded = worst != nullptr && worst->has_latest();
      table.Add({LastPart(gateway.name()), gateway.consumer(), ReachOf(gateway),
                 absl::StrJoin(issuers, ","), Currency(gateway),
                 gateway.has_probe() ? "yes" : "no",
                 bounded ? HowLong(worst->latest()) : "unbounded"});
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (!context.json) context.PrintText(table.Text(context.terminal));
  return absl::OkStatus();
}

absl::Status Delete(Context& context, const Flags& flags) {
  v1::DeleteGatewayRequest request;
  request.set_name(NameOf(flags));
  ASSIGN_OR_RETURN(const auto done,
                   context.Change(&Stub::DeleteGateway, request));
  context.Print(done, absl::StrCat(flags.id,
                                   " is registered no more; no "
                                   "revocation waits for it.\n"));
  return absl::OkStatus();
}

absl::Status Kinds(Context& context, const Flags&) {
  ASSIGN_OR_RETURN(const auto table, context.Read(&Stub::ListConsumers,
                                                  v1::ListConsumersRequest()));
  PrintList(context, table.consumers(),
            Table({"KIND", "VERIFIER", "VERSIONS", "CACHES", "SETTING",
                   "REACHES US: WITHIN", "CUT OFF: WITHIN"}),
            [](const v1::Consumer& row) -> std::vector<std::string> {
              return {row.id(),
                      row.display_name(),
                      row.versions(),
                      HowLong(row.default_cache()),
                      row.cache_setting(),
                      row.reaches_us(),
                      row.cut_off()};
            });
  return absl::OkStatus();
}

absl::Status Confirm(Context& context, const Flags& flags) {
  v1::ConfirmRevocationRequest request;
  request.set_name(RevocationName(KeyId(flags.key)));
  request.set_gateway(NameOf(flags));
  ASSIGN_OR_RETURN(
      const v1::Revocation revocation,
      context.Change(&v1::RevocationService::Stub::ConfirmRevocation, request));
  context.Print(revocation, RevocationText(revocation, context.terminal));
  return absl::OkStatus();
}

void AddFields(CLI::App* command, Flags& flags) {
  command->add_option("--kind", flags.consumer,
                      "its row in the table of verifiers: warder gateway "
                      "kinds");
  command->add_option("--kind-version", flags.version,
                      "which version runs there");
  command->add_option("--reach", flags.reach,
                      "stream (an agent or libwarder), poll (default) or "
                      "manual");
  command->add_option("--issuer", flags.issuers,
                      "whose tokens it verifies; repeat");
  command->add_option("--cache", flags.cache,
                      "how long its configuration lets it cache: 5m; \"\" "
                      "for its kind's default");
  command->add_option("--fetches-from", flags.sources,
                      "addresses its fetches come from: 192.0.2.0/24; repeat");
  command->add_option("--mode", flags.modes,
                      "ISSUER=observe, step-up or enforce: what it asks of the "
                      "ledger before it accepts a token; repeat");
  command->add_option("--contact", flags.contact, "whom to call");
  command->add_option("--display-name", flags.display_name, "for people");
  command->add_option("--probe-url", flags.probe_url,
                      "where it can be asked whether it accepts a token");
  command->add_option("--probe-header", flags.probe_header,
                      "the header that carries the token (Authorization)");
  command->add_option("--probe-cookie", flags.probe_cookie,
                      "the cookie that carries it, instead");
  command->add_option("--probe-audience", flags.probe_audience,
                      "urn:warder:probe, or that and more after a colon: it "
                      "accepts it on that URL and nowhere else");
  command->add_option("--probe-accepted", flags.accepted,
                      "statuses that mean accepted (200, 204); repeat");
  command->add_option("--probe-refused", flags.refused,
                      "statuses that mean refused (401, 403); repeat");
  command->add_flag("--probe-local", flags.probe_local,
                    "the probe may be http and lead to loopback");
}

}  // namespace

void AddGatewayCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("gateway", "who verifies our tokens");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  const auto verb = [&](const char* name, const char* help,
                        absl::Status (*run)(Context&, const Flags&)) {
    return AddVerb(noun, context, flags, name, help, run);
  };
  const auto writes =
      [&](const char* name, const char* help,
          absl::Status (*run)(Context&, const Flags&, CLI::App*)) {
        CLI::App* command = noun->add_subcommand(name, help);
        command->add_option("id", flags->id, "its ID")->required();
        AddFields(command, *flags);
        AddPlan(command, context);
        command->callback([&context, flags, run, command] {
          context.run = [&context, flags, run, command] {
            return run(context, *flags, command);
          };
        });
        return command;
      };
  CLI::App* create = writes("create", "register a gateway", Create);
  create->get_option("--kind")->required();
  create->get_option("--issuer")->required();
  verb("list", "list gateways", List);
  verb("show", "show one: what it holds, how long it may accept a revoked key",
       ShowOne)
      ->add_option("id", flags->id, "its ID")
      ->required();
  CLI::App* update = writes("update", "change what is known of one", Update);
  update->add_option("--etag", flags->etag, "refuse if it changed since");
  update->add_flag("--no-probe", flags->no_probe, "it cannot be asked");
  CLI::App* remove =
      verb("delete", "it is gone: no revocation waits for it", Delete);
  remove->add_option("id", flags->id, "its ID")->required();
  AddPlan(remove, context);
  verb("kinds", "the table of verifiers", Kinds);
  CLI::App* confirm =
      verb("confirm", "say that it refuses a revoked key", Confirm);
  confirm->add_option("id", flags->id, "its ID")->required();
  confirm->add_option("key", flags->key, "the KID")->required();
  AddPlan(confirm, context);
}

}  // namespace warder::cli
