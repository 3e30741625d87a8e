#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/error.h"
#include "server/base/strict_json.h"
#include "server/base/version.h"

namespace warder::cli {
namespace {

void PrintError(const absl::Status& status, bool json) {
  const std::string reason = ReasonOf(status);
  if (json) {
    std::cerr << WriteJson({{"error",
                             {{"code", absl::StatusCodeToString(status.code())},
                              {"reason", reason},
                              {"message", std::string(status.message())}}}})
              << "\n";
    return;
  }
  std::cerr << "warder: " << Safe(status.message());
  if (!reason.empty()) std::cerr << " [" << reason << "]";
  std::cerr << "\n";
}

// One KID in 64 begins with a hyphen, as flags do: 43 characters of base64url.
bool LooksLikeKid(absl::string_view argument) {
  if (argument.size() != 43 || argument[0] != '-') return false;
  return std::all_of(argument.begin(), argument.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_';
  });
}

// Returns the arguments in the order CLI11 takes them, last first; those that
// look like a KID stand behind "--", where nothing is taken for a flag, or, as
// the value of --key, behind its "=".
std::vector<std::string> ArgumentsOf(int argc, const char* const* argv) {
  std::vector<std::string> arguments, kids;
  for (int i = 1; i < argc; ++i) {
    if (!LooksLikeKid(argv[i])) {
      arguments.push_back(argv[i]);
    } else if (!arguments.empty() && arguments.back() == "--key") {
      absl::StrAppend(&arguments.back(), "=", argv[i]);
    } else {
      kids.push_back(argv[i]);
    }
  }
  if (!kids.empty()) arguments.push_back("--");
  arguments.insert(arguments.end(), kids.begin(), kids.end());
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

}  // namespace

int RunApp(int argc, const char* const* argv) {
  Context context;
  CLI::App app{
      "warder: issue, rotate and revoke token-signing keys.\n"
      "Exit codes: 0 done, 1 failed, 2 usage, 3 no such resource, 4 not "
      "allowed,\n5 wrong state, 6 no answer, 7 does not verify."};
  app.name("warder");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", context.json,
               "print JSON, one value a line; errors too, on standard error");
  app.add_option("--profile", context.profile_file,
                 "YAML file with address, certificate, private_key, authority, "
                 "public_url, public_authority; default $WARDER_PROFILE, then "
                 "~/.config/warder/profile.yaml");
  AddIssuerCommands(app, context);
  AddKeyCommands(app, context);
  AddOwnerCommands(app, context);
  AddExposureCommands(app, context);
  AddHrCommands(app, context);
  AddEventCommands(app, context);
  AddGatewayCommands(app, context);
  AddRevocationCommands(app, context);
  AddDrillCommands(app, context);
  AddAlarmCommands(app, context);
  AddHoneyCommands(app, context);
  AddSubjectCommands(app, context);
  AddRosterCommands(app, context);
  AddTokenCommands(app, context);
  AddJwksCommands(app, context);
  AddAuditCommands(app, context);
  AddCertCommands(app, context);
  AddStatusCommand(app, context);
  AddCompletionCommand(app, context);
  try {
    app.parse(ArgumentsOf(argc, argv));
  } catch (const CLI::ParseError& error) {
    const bool json = std::any_of(
        argv, argv + argc, [](absl::string_view a) { return a == "--json"; });
    if (json && error.get_exit_code() != 0) {
      PrintError(absl::InvalidArgumentError(error.what()), json);
      return kUsage;
    }
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  if (!context.run) return kUsage;
  const absl::Status status = context.run();
  if (status.ok()) return context.exit_code;
  PrintError(status, context.json);
  return ExitCodeOf(status);
}

}  // namespace warder::cli
