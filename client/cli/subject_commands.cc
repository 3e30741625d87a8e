// warder subjects load|show|remove
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/context.h"
#include "client/status_convert.h"
#include "server/base/ids.h"
#include "server/base/status_macros.h"
#include "server/base/utf8.h"
#include "warder/v1/subject.grpc.pb.h"

namespace warder::cli {
namespace {

using Stub = v1::SubjectService::Stub;

constexpr size_t kMessageBytes = 256 * 1024;
constexpr size_t kLongestSubject = 255;
constexpr absl::Duration kDeadline = absl::Hours(1);

struct Flags {
  std::string issuer, file;
  bool allow_fewer = false;
};

std::string NameOf(const Flags& flags) {
  return absl::StrCat(IssuerName(IssuerId(flags.issuer)), "/subjectSet");
}

std::string Show(const v1::SubjectSet& set, const Terminal& terminal) {
  return Fields({{"name", set.name()},
                 {"subjects", absl::StrCat(set.count())},
                 {"loaded", When(set.load_time())},
                 {"by", Safe(set.loaded_by())},
                 {"filter", absl::StrCat((set.size_bytes() + 1023) / 1024,
                                         " KiB at each gateway")}},
                terminal);
}

// Reads lines into messages, one subject each, and sends them as they come.
class Sender {
 public:
  Sender(std::istream& in, grpc::ClientWriter<v1::LoadSubjectsRequest>& writer)
      : in_(in), writer_(writer), progress_(StandardError().columns > 0) {}

  // Sends all. An error is the file's; what the server has against it is said
  // by Finish.
  absl::Status Run(const Flags& flags, bool validate_only) {
    message_.set_parent(IssuerName(IssuerId(flags.issuer)));
    message_.set_validate_only(validate_only);
    message_.set_allow_fewer(flags.allow_fewer);
    std::string line;
    size_t bytes = 0;
    while (std::getline(in_, line)) {
      ++lines_;
      absl::string_view subject = line;
      absl::ConsumeSuffix(&subject, "\r");
      if (subject.empty() || subject.size() > kLongestSubject) {
        return Bad(flags, absl::StrCat("has ", subject.size(), " bytes; 1 to ",
                                       kLongestSubject, " are a subject"));
      }
      if (!IsUtf8(subject)) return Bad(flags, "is not UTF-8");
      message_.add_subjects(std::string(subject));
      bytes += subject.size() + 3;
      if (bytes < kMessageBytes) continue;
      bytes = 0;
      if (!Send()) return absl::OkStatus();
    }
    if (in_.bad()) return Bad(flags, "is the last that can be read");
    if (lines_ == 0) {
      return FieldError("file", absl::StrCat("\"", flags.file,
                                             "\" holds no subject; nothing "
                                             "was changed"));
    }
    message_.set_count(lines_);
    Send();
    return absl::OkStatus();
  }
  void ClearProgress() const {
    if (progress_) std::cerr << "\r\033[K" << std::flush;
  }

 private:
  absl::Status Bad(const Flags& flags, absl::string_view why) const {
    return FieldError(
        "file", absl::StrCat("line ", lines_, " of \"", flags.file, "\" ", why,
                             "; nothing was changed"));
  }
  bool Send() {
    const bool sent = writer_.Write(message_);
    message_.Clear();
    if (progress_) {
      std::cerr << "\rsent " << lines_ << " subjects" << std::flush;
    }
    return sent;
  }

  std::istream& in_;
  grpc::ClientWriter<v1::LoadSubjectsRequest>& writer_;
  const bool progress_;
  v1::LoadSubjectsRequest message_;
  int64_t lines_ = 0;
};

absl::Status Load(Context& context, const Flags& flags) {
  std::ifstream file;
  if (flags.file != "-") {
    file.open(flags.file);
    if (!file) {
      return FieldError("file",
                        absl::StrCat("\"", flags.file, "\" cannot be read"));
    }
  }
  ASSIGN_OR_RETURN(client::Client* const connected, context.Connect());
  Stub stub(connected->channel());
  grpc::ClientContext call;
  call.set_deadline(absl::ToChronoTime(context.clock().TimeNow() + kDeadline));
  v1::SubjectSet set;
  const auto writer = stub.LoadSubjects(&call, &set);
  Sender sender(flags.file == "-" ? std::cin : file, *writer);
  const absl::Status sent = sender.Run(flags, context.plan);
  if (!sent.ok()) call.TryCancel();  // what came of it is no set
  writer->WritesDone();
  const absl::Status status = client::FromGrpc(writer->Finish());
  sender.ClearProgress();
  RETURN_IF_ERROR(sent);
  RETURN_IF_ERROR(status);
  context.Print(set, Show(set, context.terminal));
  return absl::OkStatus();
}

absl::Status ShowSet(Context& context, const Flags& flags) {
  v1::GetSubjectSetRequest request;
  request.set_name(NameOf(flags));
  ASSIGN_OR_RETURN(const v1::SubjectSet set,
                   context.Read(&Stub::GetSubjectSet, request));
  context.Print(set, Show(set, context.terminal));
  return absl::OkStatus();
}

absl::Status Remove(Context& context, const Flags& flags) {
  v1::DeleteSubjectSetRequest request;
  request.set_name(NameOf(flags));
  ASSIGN_OR_RETURN(const auto answer,
                   context.Change(&Stub::DeleteSubjectSet, request));
  context.Print(answer,
                absl::StrCat("tokens of ", IssuerName(IssuerId(flags.issuer)),
                             " may name anybody\n"));
  return absl::OkStatus();
}

}  // namespace

void AddSubjectCommands(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("subjects", "whom an issuer's tokens may name");
  noun->require_subcommand(1);
  auto flags = std::make_shared<Flags>();
  CLI::App* load = AddVerb(noun, context, flags, "load",
                           "replace the subjects by those of a file", Load);
  load->add_option("file", flags->file,
                   "one value of sub a line; - for standard input")
      ->required();
  load->add_flag("--allow-fewer", flags->allow_fewer,
                 "also where fewer than nine in ten of those loaded come");
  AddPlan(load, context);
  CLI::App* show = AddVerb(noun, context, flags, "show",
                           "how many were loaded, when and by whom", ShowSet);
  CLI::App* remove = AddVerb(noun, context, flags, "remove",
                             "hold no token to its subject", Remove);
  AddPlan(remove, context);
  for (CLI::App* command : {load, show, remove}) {
    command->add_option("--issuer", flags->issuer, "whose tokens")->required();
  }
}

}  // namespace warder::cli
