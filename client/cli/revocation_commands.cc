// warder revocation: which gateway refuses which revoked key
#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/context.h"
#include "client/cli/statement.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/revocation.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::RevocationService::Stub;
using Time = google::protobuf::Timestamp;

constexpr absl::Duration kLook = absl::Milliseconds(500);

struct Flags {
  std::vector<std::string> keys;
  std::string issuer, leaver, timeout, format = "text", out;
  bool open = false;
};

absl::Time ToTime(const Time& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

// "after 0.240s", "after 10m".
std::string After(const v1::Revocation& revocation, const Time& time) {
  const absl::Duration took = ToTime(time) - ToTime(revocation.revoke_time());
  if (took < absl::Seconds(10)) {
    return absl::StrFormat("after %.3fs", absl::ToDoubleSeconds(took));
  }
  return absl::StrCat("after ",
                      DurationText(absl::Floor(took, absl::Seconds(1))));
}

std::string EvidenceText(v1::Confirmation::Evidence evidence) {
  switch (evidence) {
    case v1::Confirmation::FETCH: return "its URL was fetched";
    case v1::Confirmation::ACKNOWLEDGED: return "it acknowledged";
    case v1::Confirmation::HORIZON: return "its cache has expired";
    case v1::Confirmation::STATED: return "a person says so";
    case v1::Confirmation::PROBED: return "a probe was refused";
    default: return "";
  }
}

std::string HowKnown(const v1::Confirmation& confirmation) {
  const std::string how =
      EvidenceText(confirmation.state() == v1::Confirmation::ENFORCED
                       ? confirmation.enforced_by()
                       : confirmation.fetched_by());
  if (confirmation.detail().empty()) return how;
  if (how.empty()) return confirmation.detail();
  return absl::StrCat(how, " (", confirmation.detail(), ")");
}

std::string LatestText(const v1::Confirmation& confirmation) {
  if (confirmation.state() == v1::Confirmation::ENFORCED) return "";
  if (confirmation.state() == v1::Confirmation::UNREGISTERED) {
    return "nobody looks any more";
  }
  return confirmation.has_latest_accept_time()
             ? When(confirmation.latest_accept_time())
             : "unbounded";
}

std::string Summary(const v1::Revocation& revocation) {
  return absl::StrCat(revocation.enforced_count(), " of ",
                      revocation.confirmations_size(), " refuse");
}

std::string TableOf(const v1::Revocation& revocation,
                    const Terminal& terminal) {
  Table table({"GATEWAY", "STATE", "FETCHED", "REFUSES", "HOW KNOWN",
               "MAY ACCEPT UNTIL"});
  for (const v1::Confirmation& c : revocation.confirmations()) {
    table.Add({LastPart(c.gateway()), v1::Confirmation::State_Name(c.state()),
               c.has_fetch_time() ? After(revocation, c.fetch_time()) : "",
               c.has_enforce_time() ? After(revocation, c.enforce_time()) : "",
               HowKnown(c), LatestText(c)});
  }
  return table.Text(terminal);
}

// Sets the exit code by what is known of all.
void SetExit(Context& context, const std::vector<v1::Revocation>& all) {
  for (const v1::Revocation& revocation : all) {
    for (const v1::Confirmation& c : revocation.confirmations()) {
      if (c.state() == v1::Confirmation::OVERDUE ||
          c.state() == v1::Confirmation::UNREGISTERED) {
        context.exit_code = kOverdue;
      }
    }
  }
}

absl::StatusOr<std::vector<v1::Revocation>> Fetch(Context& context,
                                                  const Flags& flags) {
  std::vector<v1::Revocation> all;
  for (const std::string& key : flags.keys) {
    v1::GetRevocationRequest request;
    request.set_name(RevocationName(KeyId(LastPart(key))));
    ASSIGN_OR_RETURN(all.emplace_back(),
                     context.Read(&Stub::GetRevocation, request));
  }
  if (!flags.keys.empty()) return all;
  v1::ListRevocationsRequest request;
  if (!flags.issuer.empty()) {
    request.set_issuer(IssuerName(IssuerId(flags.issuer)));
  }
  if (!flags.leaver.empty()) {
    request.set_leaver(OwnerName(OwnerId(flags.leaver)));
  }
  request.set_open_only(flags.open);
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(const auto page,
                     context.Read(&Stub::ListRevocations, request));
    all.insert(all.end(), page.revocations().begin(), page.revocations().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::Status List(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const auto all, Fetch(context, flags));
  PrintList(
      context, all,
      Table({"REVOKED KEY", "ISSUER", "REASON", "REVOKED", "BECAUSE OF",
             "GATEWAYS", "OVERDUE", "CLOSED"}),
      [](const v1::Revocation& r) -> std::vector<std::string> {
        const std::string issuer = r.key().substr(0, r.key().find("/keys/"));
        return {
            LastPart(r.name()),
            LastPart(issuer),
            Short(v1::RevocationReason_Name(r.reason()), "REVOCATION_REASON_"),
            When(r.revoke_time()),
            LastPart(r.leaver()),
            Summary(r),
            r.overdue_count() == 0 ? "" : absl::StrCat(r.overdue_count()),
            r.has_close_time() ? After(r, r.close_time()) : "open"};
      });
  return absl::OkStatus();
}

absl::Status Show(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const auto all, Fetch(context, flags));
  for (const v1::Revocation& revocation : all) {
    context.Print(revocation, RevocationText(revocation, context.terminal));
  }
  SetExit(context, all);
  return absl::OkStatus();
}

bool Settled(const std::vector<v1::Revocation>& all) {
  return std::all_of(all.begin(), all.end(), [](const v1::Revocation& r) {
    return std::all_of(r.confirmations().begin(), r.confirmations().end(),
                       [](const v1::Confirmation& c) {
                         return c.state() == v1::Confirmation::ENFORCED ||
                                c.state() == v1::Confirmation::OVERDUE ||
                                c.state() == v1::Confirmation::UNREGISTERED;
                       });
  });
}

// Prints what changed since the last look: one line, or one JSON value, each.
class Progress {
 public:
  explicit Progress(Context& context) : context_(context) {}

  void Show(const std::vector<v1::Revocation>& all) {
    if (!context_.json && context_.terminal.columns > 0) return Redraw(all);
    for (const v1::Revocation& revocation : all) {
      for (const v1::Confirmation& c : revocation.confirmations()) {
        const std::string place =
            absl::StrCat(revocation.name(), " ", c.gateway());
        if (seen_[place] == c.state()) continue;
        seen_[place] = c.state();
        Line(revocation, c);
      }
    }
  }

 private:
  void Line(const v1::Revocation& revocation, const v1::Confirmation& c) {
    if (context_.json) {
      v1::Revocation one = revocation;
      one.clear_confirmations();
      *one.add_confirmations() = c;
      return context_.PrintText(MessageJson(one) + "\n");
    }
    std::string when;
    if (c.state() == v1::Confirmation::ENFORCED) {
      when = After(revocation, c.enforce_time());
    } else if (c.state() == v1::Confirmation::FETCHED) {
      when = After(revocation, c.fetch_time());
    } else if (c.state() == v1::Confirmation::UNREGISTERED) {
      when = LatestText(c);
    } else {
      when = absl::StrCat("may accept until ", LatestText(c));
    }
    context_.PrintText(
        absl::StrCat(LastPart(revocation.name()), "  ", LastPart(c.gateway()),
                     "  ", v1::Confirmation::State_Name(c.state()), "  ", when,
                     HowKnown(c).empty() ? "" : "  " + HowKnown(c), "\n"));
  }

  // Writes over what stood there before.
  void Redraw(const std::vector<v1::Revocation>& all) {
    std::string text;
    for (const v1::Revocation& revocation : all) {
      absl::StrAppend(&text, LastPart(revocation.name()), ": ",
                      Summary(revocation), "\n",
                      TableOf(revocation, context_.terminal), "\n");
    }
    if (lines_ > 0) text = absl::StrFormat("\x1b[%dA\x1b[J", lines_) + text;
    lines_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    context_.PrintText(text);
    std::cout.flush();
  }

  Context& context_;
  std::map<std::string, v1::Confirmation::State> seen_;
  int lines_ = 0;
};

absl::Status Watch(Context& context, const Flags& flags) {
  Flags wanted = flags;
  wanted.open = flags.leaver.empty();
  ASSIGN_OR_RETURN(const auto all, Fetch(context, wanted));
  if (all.empty()) {
    if (!context.json) {
      context.PrintText("No revocation waits for a gateway.\n");
    }
    return absl::OkStatus();
  }
  // What was found is followed to its end, also where it is no longer open.
  std::vector<std::string> names;
  for (const auto& revocation : all) names.push_back(revocation.name());
  return WatchRevocations(context, names, flags.timeout);
}

absl::Status GetStatement(Context& context, const Flags& flags) {
  ASSIGN_OR_RETURN(const auto all, Fetch(context, flags));
  const v1::Revocation& revocation = all.at(0);
  if (revocation.statement().empty() && revocation.has_close_time()) {
    return RemoteError(
        absl::StatusCode::kFailedPrecondition, ReasonName(Reason::kWrongState),
        "",
        absl::StrCat(revocation.name(),
                     " is closed; its statement is not signed yet, or is not "
                     "for gateways to read. Try again in a moment"));
  }
  if (revocation.statement().empty()) {
    return RemoteError(absl::StatusCode::kFailedPrecondition,
                       ReasonName(Reason::kWrongState), "",
                       absl::StrCat(revocation.name(),
                                    " is not closed yet: ", Summary(revocation),
                                    ". See: warder revocation show ",
                                    LastPart(revocation.name())));
  }
  return GiveStatement(context, revocation.statement(), flags.format,
                       flags.out);
}

}  // namespace

absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text) {
  if (text.empty()) return absl::InfiniteDuration();
  auto parsed = ParseDuration(text);
  if (parsed.ok()) return parsed;
  return FieldError("--timeout", parsed.status().message());
}

absl::Status WatchRevocations(Context& context,
                              const std::vector<std::string>& names,
                              const std::string& timeout) {
  ASSIGN_OR_RETURN(const absl::Duration patience, ParseTimeout(timeout));
  const absl::Duration end = context.clock().Uptime() + patience;
  Progress progress(context);
  Flags same;
  same.keys = names;
  while (true) {
    ASSIGN_OR_RETURN(const auto all, Fetch(context, same));
    progress.Show(all);
    if (Settled(all)) {
      SetExit(context, all);
      return absl::OkStatus();
    }
    if (context.clock().Uptime() >= end) {
      return RemoteError(absl::StatusCode::kDeadlineExceeded, "", "",
                         absl::StrCat("not every gateway was known to refuse "
                                      "within ",
                                      timeout));
    }
    context.Sleep(kLook);
  }
}

std::string RevocationText(const v1::Revocation& revocation,
                           const Terminal& terminal) {
  std::string text =
      Fields({{"revoked key", revocation.key()},
              {"reason", Short(v1::RevocationReason_Name(revocation.reason()),
                               "REVOCATION_REASON_")},
              {"revoked", When(revocation.revoke_time())},
              {"because of", LastPart(revocation.leaver())},
              {"gone since revision", absl::StrCat(revocation.revision())},
              {"gateways", Summary(revocation)},
              {"closed", revocation.has_close_time()
                             ? After(revocation, revocation.close_time())
                             : "no"}},
             terminal);
  absl::StrAppend(&text, "\n", TableOf(revocation, terminal));
  for (const v1::Confirmation& c : revocation.confirmations()) {
    if (c.unbounded_why().empty()) continue;
    absl::StrAppend(&text, "\n", LastPart(c.gateway()), ": ", c.unbounded_why(),
                    ".\n  Next: ", c.next(), "\n");
  }
  return text;
}

std::string RevocationPlanText(const v1::RevocationPlan& plan,
                               const Terminal& terminal) {
  std::string tokens = "none is alive";
  if (plan.has_tokens_until()) {
    tokens = absl::StrCat(plan.more_live_tokens() ? "at least " : "",
                          plan.live_tokens(), " die with it (all would have ",
                          "expired by ", When(plan.tokens_until()), ")");
  }
  std::string text =
      Fields({{"key", plan.key()},
              {"state", Short(v1::KeyState_Name(plan.state()), "KEY_STATE_")},
              {"its tokens", tokens},
              {"signs instead",
               plan.successor().empty()
                   ? "nothing"
                   : absl::StrCat(LastPart(plan.successor()),
                                  plan.successor_published()
                                      ? ", published already"
                                      : ", which no gateway has seen yet")}},
             terminal);
  Table table({"GATEWAY", "VERIFIER", "TAKES THE SUCCESSOR'S TOKENS",
               "MAY ACCEPT THE DEAD KEY FOR"});
  std::string unbounded;
  for (const auto& on : plan.gateways()) {
    const std::string fetched =
        on.has_expected() ? HowLong(on.expected()) : "nobody knows when";
    table.Add({LastPart(on.gateway()), on.consumer(),
               on.holds_successor()
                   ? "at once"
                   : absl::StrCat("once it fetches: ", fetched),
               on.has_latest() ? HowLong(on.latest()) : "unbounded"});
    if (!on.has_latest()) {
      absl::StrAppend(&unbounded, "\n", LastPart(on.gateway()), ": ",
                      on.unbounded_why(), ".\n");
    }
  }
  if (plan.gateways_size() == 0) {
    return absl::StrCat(text,
                        "\nNo gateway is registered for the issuer: who would "
                        "notice is not known. See: warder gateway create\n");
  }
  return absl::StrCat(text, "\n", table.Text(terminal), unbounded);
}

void AddRevocationCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand(
      "revocation", "which gateway refuses which revoked key");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  const auto verb = [&](const char* name, const char* help,
                        absl::Status (*run)(Context&, const Flags&)) {
    return AddVerb(noun, context, flags, name, help, run);
  };
  const auto filters = [&](CLI::App* command) {
    command->add_option("--issuer", flags->issuer, "only of this issuer");
    command->add_option("--leaver", flags->leaver,
                        "only of this person's departure");
  };
  CLI::App* list = verb("list", "list revocations, the latest first", List);
  filters(list);
  list->add_flag("--open", flags->open,
                 "only those that a gateway is not known to refuse yet");
  verb("show", "show one, gateway by gateway", Show)
      ->add_option("key", flags->keys, "the KID")
      ->required()
      ->expected(1);
  CLI::App* statement =
      verb("statement", "what the service states of one that is closed, signed",
           GetStatement);
  statement->add_option("key", flags->keys, "the KID")->required()->expected(1);
  AddStatementOptions(statement, &flags->format, &flags->out);
  CLI::App* watch =
      verb("watch",
           "follow revocations until every gateway refuses: exit 0; 3 when "
           "one is overdue, or left the registry before it did",
           Watch);
  watch->add_option("key", flags->keys, "KIDs; all open ones without any");
  filters(watch);
  watch->add_option("--timeout", flags->timeout, "give up after: 10m");
}

}  // namespace warder::cli
