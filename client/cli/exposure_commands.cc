// warder exposure add, warder owner exposure, warder key exposure
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/cli/context.h"
#include "server/base/error.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/time_text.h"
#include "warder/v1/exposure.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::ExposureService::Stub;

struct Flags {
  std::string id, issuer, key, person, kind = "HELD", from, until, note,
                                       format = "table";
};

// All pages of one parent.
absl::StatusOr<v1::ListExposuresResponse> ListAll(Context& context,
                                                  const std::string& parent) {
  v1::ListExposuresResponse all;
  v1::ListExposuresRequest request;
  request.set_parent(parent);
  request.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(v1::ListExposuresResponse page,
                     context.Read(&Stub::ListExposures, request));
    request.set_page_token(page.next_page_token());
    all.mutable_exposures()->MergeFrom(page.exposures());
    all.mutable_custodies()->MergeFrom(page.custodies());
  } while (!request.page_token().empty());
  return all;
}

std::string HowOf(const v1::Exposure& exposure) {
  return v1::Exposure::Kind_Name(exposure.kind());
}

std::string HowOf(const v1::Custody& custody) {
  return custody.kind() == v1::Custody::STORE ? "COULD_RESTORE" : "COULD_READ";
}

// Whose word it is.
template <typename Fact>
std::string KnownBy(const Fact& fact) {
  std::string known = fact.declared_by().empty()
                          ? "seen by warderd"
                          : absl::StrCat("said by ", fact.declared_by());
  if (!fact.note().empty()) absl::StrAppend(&known, ": ", fact.note());
  return known;
}

template <typename Fact>
std::string UntilOf(const Fact& fact) {
  return fact.has_until_time() ? When(fact.until_time()) : "lasts";
}

std::string TableOf(const v1::ListExposuresResponse& graph,
                    const Terminal& terminal) {
  Table table({"PERSON", "HOW", "ISSUER", "KID", "FROM", "UNTIL", "KNOWN BY"});
  for (const v1::Custody& custody : graph.custodies()) {
    table.Add({custody.person(), HowOf(custody), "all", "all",
               When(custody.from_time()), UntilOf(custody), KnownBy(custody)});
  }
  for (const v1::Exposure& exposure : graph.exposures()) {
    const auto key = ParseKeyName("key", exposure.key());
    table.Add({exposure.person(), HowOf(exposure),
               key.ok() ? key->first.value() : "", LastPart(exposure.key()),
               When(exposure.from_time()), UntilOf(exposure),
               KnownBy(exposure)});
  }
  return table.Text(terminal);
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat(
      "\"", absl::StrReplaceAll(Safe(text), {{"\\", "\\\\"}, {"\"", "\\\""}}),
      "\"");
}

// Graphviz: people on the left, keys on the right, an edge for each fact.
std::string DotOf(const v1::ListExposuresResponse& graph) {
  std::string dot =
      "digraph exposure {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n";
  const auto edge = [&](const std::string& person, const std::string& key,
                        const std::string& how, bool lasts) {
    absl::StrAppend(&dot, "  ", Quoted(person), " -> ", Quoted(key),
                    " [label=", Quoted(how), lasts ? "" : ", style=dashed",
                    "];\n");
  };
  for (const v1::Custody& custody : graph.custodies()) {
    edge(custody.person(), "every key", HowOf(custody),
         !custody.has_until_time());
  }
  for (const v1::Exposure& exposure : graph.exposures()) {
    absl::StrAppend(&dot, "  ", Quoted(exposure.key()), " [shape=box];\n");
    edge(exposure.person(), exposure.key(), HowOf(exposure),
         !exposure.has_until_time());
  }
  return dot + "}\n";
}

absl::Status ShowGraph(Context& context, const std::string& parent,
                       const std::string& format) {
  ASSIGN_OR_RETURN(const v1::ListExposuresResponse graph,
                   ListAll(context, parent));
  if (format == "dot") {
    context.PrintText(DotOf(graph));
  } else if (context.json || format == "json") {
    context.PrintText(MessageJson(graph) + "\n");
  } else {
    context.PrintText(TableOf(graph, context.terminal));
  }
  return absl::OkStatus();
}

absl::Status SetTime(const std::string& text,
                     google::protobuf::Timestamp* out) {
  ASSIGN_OR_RETURN(const absl::Time time, ParseTime(text));
  const timespec parts = absl::ToTimespec(time);
  out->set_seconds(parts.tv_sec);
  out->set_nanos(static_cast<int32_t>(parts.tv_nsec));
  return absl::OkStatus();
}

// Fills what an exposure and a custody have in common.
template <typename Fact>
absl::Status Describe(const Flags& flags, Fact* fact) {
  fact->set_person(flags.person);
  fact->set_note(flags.note);
  RETURN_IF_ERROR(SetTime(flags.from, fact->mutable_from_time()));
  if (flags.until.empty()) return absl::OkStatus();
  return SetTime(flags.until, fact->mutable_until_time());
}

absl::Status Add(Context& context, const Flags& flags) {
  const std::string kind = absl::AsciiStrToUpper(flags.kind);
  v1::ListExposuresResponse shown;
  if (v1::Custody::Kind custody;
      v1::Custody::Kind_Parse(kind, &custody) && custody != 0) {
    if (!flags.key.empty()) {
      return FieldError("--key", absl::StrCat("a ", kind,
                                              " in hand is every key; leave it "
                                              "out"));
    }
    v1::DeclareCustodyRequest request;
    request.mutable_custody()->set_kind(custody);
    RETURN_IF_ERROR(Describe(flags, request.mutable_custody()));
    ASSIGN_OR_RETURN(*shown.add_custodies(),
                     context.Change(&Stub::DeclareCustody, request));
    context.Print(shown.custodies(0), TableOf(shown, context.terminal));
    return absl::OkStatus();
  }
  v1::Exposure::Kind exposure;
  if (!v1::Exposure::Kind_Parse(kind, &exposure) || exposure == 0) {
    return FieldError("--kind",
                      absl::StrCat("\"", flags.kind,
                                   "\" is not HELD, COULD_READ, COULD_RESTORE, "
                                   "OWNED, COULD_SIGN, CREATED, STORE or "
                                   "KEY_ENCRYPTION_KEY"));
  }
  v1::DeclareExposureRequest request;
  ASSIGN_OR_RETURN(const std::string key, KeyNameOf(flags.key, flags.issuer));
  request.mutable_exposure()->set_key(key);
  request.mutable_exposure()->set_kind(exposure);
  RETURN_IF_ERROR(Describe(flags, request.mutable_exposure()));
  ASSIGN_OR_RETURN(*shown.add_exposures(),
                   context.Change(&Stub::DeclareExposure, request));
  context.Print(shown.exposures(0), TableOf(shown, context.terminal));
  return absl::OkStatus();
}

void AddFormat(CLI::App* command, std::string& format) {
  command
      ->add_option("--format", format,
                   "table, json or dot (for Graphviz: dot -Tsvg)")
      ->check(CLI::IsMember({"table", "json", "dot"}));
}

}  // namespace

void AddExposureCommand(CLI::App& noun, bool of_key, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = noun.add_subcommand(
      "exposure", "who had to do with which key: how, from when, until when");
  if (of_key) {
    command->add_option("key", flags->id, "issuers/ISSUER/keys/KID, or KID")
        ->required();
    command->add_option("--issuer", flags->issuer, "for a bare KID");
  } else {
    command
        ->add_option("id", flags->id,
                     "the person's ID, known as an owner or not")
        ->required();
  }
  AddFormat(command, flags->format);
  command->callback([&context, flags, of_key] {
    context.run = [&context, flags, of_key]() -> absl::Status {
      std::string parent = OwnerName(OwnerId(flags->id));
      if (of_key) {
        ASSIGN_OR_RETURN(parent, KeyNameOf(flags->id, flags->issuer));
      }
      return ShowGraph(context, parent, flags->format);
    };
  });
}

void AddExposureCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand(
      "exposure", "what people say of keys and the service could not see");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* add =
      noun->add_subcommand("add",
                           "say that somebody had a key, the store or the "
                           "key-encryption key in hand");
  add->add_option("--person", flags->person, "an owner's ID, or another name")
      ->required();
  add->add_option("--kind", flags->kind,
                  "HELD (default), COULD_READ, COULD_RESTORE, OWNED, "
                  "COULD_SIGN or CREATED of one key; STORE or "
                  "KEY_ENCRYPTION_KEY of all");
  add->add_option("--key", flags->key, "KID, or issuers/ISSUER/keys/KID");
  add->add_option("--issuer", flags->issuer, "the key's issuer");
  add->add_option("--from", flags->from, "RFC 3339 instant")->required();
  add->add_option("--until", flags->until, "RFC 3339 instant; default: lasts");
  add->add_option("--note", flags->note, "what is to be remembered");
  AddPlan(add, context);
  add->callback([&context, flags] {
    context.run = [&context, flags] { return Add(context, *flags); };
  });
}

}  // namespace warder::cli
