// What every command has in common.
#ifndef WARDER_CLIENT_CLI_CONTEXT_H_
#define WARDER_CLIENT_CLI_CONTEXT_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/format.h"
#include "client/client.h"
#include "client/profile.h"
#include "server/base/clock.h"
#include "server/base/error.h"
#include "server/crypto/private_key.h"
#include "server/crypto/system_random.h"
#include "warder/v1/resources.pb.h"
#include "warder/v1/revocation.pb.h"

namespace warder::cli {

// Documented in README.md of this folder; scripts rely on them.
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kNoSuchResource = 3,
  // Of `revocation` and `drill run`: a gateway should refuse and is not known
  // to.
  kOverdue = 3,
  kNotAllowed = 4,
  kWrongState = 5,
  kDoesNotAnswer = 6,
  kDoesNotVerify = 7,
};

// The exit code of a failure.
ExitCode ExitCodeOf(const absl::Status& status);

// Global flags, the connection, and the command to run.
class Context {
 public:
  bool json = false;
  bool plan = false;
  std::string profile_file;
  Terminal terminal = StandardOutput();

  // What a command that succeeded exits with.
  int exit_code = kDone;
  // Set by the subcommand that was parsed; run by main.
  std::function<absl::Status()> run;

  SystemClock& clock() { return clock_; }
  Random& random() { return random_; }
  absl::StatusOr<client::Profile> Profile() const;

  // Connects at the first use.
  absl::StatusOr<client::Client*> Connect();

  // Waits.
  void Sleep(absl::Duration duration);

  // Prints `message` as JSON, or `text` for people. After --plan says that
  // nothing was changed.
  void Print(const google::protobuf::Message& message, const std::string& text);
  // Prints as it is.
  void PrintText(const std::string& text);

  // Calls a method that only reads.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Read(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    auto connected = Connect();
    if (!connected.ok()) return connected.status();
    return (*connected)->Call(method, request, /*reads_only=*/true);
  }

  // Calls a method that changes something, honouring --plan.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Change(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      Request request) {
    auto connected = Connect();
    if (!connected.ok()) return connected.status();
    if constexpr (requires { request.set_validate_only(true); }) {
      request.set_validate_only(plan);
    }
    return (*connected)->Call(method, std::move(request));
  }

 private:
  SystemClock clock_;
  crypto::SystemRandom random_;
  std::unique_ptr<client::Client> client_;
};

// Adds --plan, for commands that change something.
void AddPlan(CLI::App* command, Context& context);

// Adds a verb that runs `run` with the noun's flags.
template <typename Flags>
CLI::App* AddVerb(CLI::App* noun, Context& context,
                  const std::shared_ptr<Flags>& flags, const char* name,
                  const char* help,
                  absl::Status (*run)(Context&, const Flags&)) {
  CLI::App* command = noun->add_subcommand(name, help);
  command->callback([&context, flags, run] {
    context.run = [&context, flags, run] { return run(context, *flags); };
  });
  return command;
}

// Returns the contents of a file, or of standard input for "-".
// INVALID_ARGUMENT when it cannot be read.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes a file that is not there yet. FAILED_PRECONDITION CONFIGURATION: it
// is, or it cannot be written; part of it may be there then.
absl::Status WriteNewFile(const std::string& path, const std::string& text,
                          mode_t mode);

// Prints a list: one JSON value a line, or a table.
template <typename List, typename Row>
void PrintList(Context& context, const List& list, Table table, Row row) {
  for (const auto& item : list) {
    if (context.json) {
      context.PrintText(MessageJson(item) + "\n");
    } else {
      table.Add(row(item));
    }
  }
  if (!context.json) context.PrintText(table.Text(context.terminal));
}

template <typename Enum, typename Parse>
absl::StatusOr<Enum> ParseEnum(absl::string_view flag, absl::string_view prefix,
                               const std::string& text, Parse parse) {
  Enum value{};
  if (text.empty()) return value;
  std::string name = absl::AsciiStrToUpper(text);
  std::replace(name.begin(), name.end(), '-', '_');
  if (parse(absl::StrCat(prefix, name), &value)) return value;
  return FieldError(flag, absl::StrCat("\"", text,
                                       "\" is not one of its "
                                       "values; see --help"));
}

// Each adds one noun and its verbs.
void AddIssuerCommands(CLI::App& app, Context& context);
void AddKeyCommands(CLI::App& app, Context& context);
void AddOwnerCommands(CLI::App& app, Context& context);
void AddExposureCommands(CLI::App& app, Context& context);
void AddHrCommands(CLI::App& app, Context& context);
void AddEventCommands(CLI::App& app, Context& context);
void AddGatewayCommands(CLI::App& app, Context& context);
void AddRevocationCommands(CLI::App& app, Context& context);
void AddDrillCommands(CLI::App& app, Context& context);
void AddAlarmCommands(CLI::App& app, Context& context);
void AddHoneyCommands(CLI::App& app, Context& context);
void AddSubjectCommands(CLI::App& app, Context& context);
void AddRosterCommands(CLI::App& app, Context& context);
void AddTokenCommands(CLI::App& app, Context& context);
void AddJwksCommands(CLI::App& app, Context& context);
void AddAuditCommands(CLI::App& app, Context& context);
void AddCertCommands(CLI::App& app, Context& context);
void AddStatusCommand(CLI::App& app, Context& context);
void AddCompletionCommand(CLI::App& app, Context& context);

// Returns a revocation with its gateways as a table, for people.
std::string RevocationText(const v1::Revocation& revocation,
                           const Terminal& terminal);

// Returns a duration ("10m"), infinite for "". INVALID_ARGUMENT: --timeout.
absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text);

// Shows how gateways come to refuse, until every one does or is overdue. Gives
// up after `timeout` ("10m"), which may be empty. Sets the exit code. Polls;
// blocks until then.
//
//   DEADLINE_EXCEEDED  not within `timeout`
absl::Status WatchRevocations(Context& context,
                              const std::vector<std::string>& names,
                              const std::string& timeout);

// Returns what revoking a key would do, for people.
std::string RevocationPlanText(const v1::RevocationPlan& plan,
                               const Terminal& terminal);

// Calls `visit` with every owner, in order of name.
absl::Status ForEachOwner(Context& context,
                          absl::FunctionRef<void(const v1::Owner&)> visit);

// Verbs of a noun that have a file of their own.
void AddAttestationCommands(CLI::App& owner, Context& context);
void AddDepartureCommands(CLI::App& owner, Context& context);
void AddLeaverCommands(CLI::App& owner, CLI::App& app, Context& context);
void AddExposureCommand(CLI::App& noun, bool of_key, Context& context);
void AddUsageCommand(CLI::App& key, Context& context);
// Adds `key register` and `key renew`.
void AddExternalKeyCommands(CLI::App& key, Context& context);
// Says what a key is, for people.
std::string KeyText(const v1::Key& key, const Terminal& terminal);
// Returns the private key in the file. INVALID_ARGUMENT naming --key-file.
absl::StatusOr<crypto::PrivateKey> ReadKeyFile(const std::string& path);

// Returns the resource name of a key typed as KID with --issuer, or as a whole
// name.
absl::StatusOr<std::string> KeyNameOf(const std::string& key,
                                      const std::string& issuer);

// Runs the command line; returns the exit code.
int RunApp(int argc, const char* const* argv);

}  // namespace warder::cli

#endif  // WARDER_CLIENT_CLI_CONTEXT_H_
