// warder completion bash|zsh|fish: scripts made from the commands themselves.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/context.h"
#include "server/base/error.h"

namespace warder::cli {
namespace {

std::vector<std::string> Subcommands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> Options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options({})) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

// Every command path with the words that may follow it.
void Walk(const CLI::App& app, const std::string& path,
          const std::vector<std::string>& global,
          std::vector<std::pair<std::string, std::string>>* out) {
  std::vector<std::string> words = Subcommands(app);
  for (const auto& list : {Options(app), global}) {
    for (const std::string& word : list) {
      if (std::find(words.begin(), words.end(), word) == words.end()) {
        words.push_back(word);
      }
    }
  }
  out->emplace_back(path, absl::StrJoin(words, " "));
  for (const CLI::App* command : app.get_subcommands({})) {
    Walk(*command,
         path.empty() ? command->get_name()
                      : absl::StrCat(path, " ", command->get_name()),
         global, out);
  }
}

std::string Bash(
    const std::vector<std::pair<std::string, std::string>>& table) {
  std::string script =
      "_warder() {\n"
      "  local path=\"\" word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$word\" in -*) ;; *)\n"
      "      case \"$path\" in *' '*) ;; *) path=\"${path:+$path }$word\" ;; "
      "esac ;;\n"
      "    esac\n"
      "  done\n"
      "  local words=\"\"\n"
      "  case \"$path\" in\n";
  for (const auto& [path, words] : table) {
    absl::StrAppend(&script, "    '", path, "') words='", words, "' ;;\n");
  }
  absl::StrAppend(&script,
                  "  esac\n"
                  "  COMPREPLY=($(compgen -W \"$words\" -- "
                  "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
                  "}\n"
                  "complete -o default -F _warder warder\n");
  return script;
}

std::string Fish(
    const std::vector<std::pair<std::string, std::string>>& table) {
  std::string script = "complete -c warder -f\n";
  for (const auto& [path, words] : table) {
    const std::string when = path.empty()
                                 ? "__fish_use_subcommand"
                                 : absl::StrCat("string match -q -- 'warder ",
                                                path, "*' (commandline -cp)");
    absl::StrAppend(&script, "complete -c warder -n \"", when, "\" -a '", words,
                    "'\n");
  }
  return script;
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Context& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand(
      "completion", "print a completion script: bash, zsh or fish");
  completion->add_option("shell", *shell, "bash, zsh or fish")->required();
  completion->callback([&app, &context, shell] {
    context.run = [&app, &context, shell]() -> absl::Status {
      std::vector<std::pair<std::string, std::string>> table;
      Walk(app, "", Options(app), &table);
      if (*shell == "bash") {
        context.PrintText(Bash(table));
      } else if (*shell == "zsh") {
        context.PrintText("autoload -U +X bashcompinit && bashcompinit\n" +
                          Bash(table));
      } else if (*shell == "fish") {
        context.PrintText(Fish(table));
      } else {
        return FieldError("shell", "is not bash, zsh or fish");
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace warder::cli
