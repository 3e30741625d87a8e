// warder key usage: what a key signed, beside what was seen of it
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/context.h"
#include "server/base/status_macros.h"
#include "warder/v1/ledger.grpc.pb.h"

namespace warder::cli {
namespace {

using Window = v1::KeyUsage::Window;

constexpr int kBarWidth = 40;

struct Flags {
  std::string key, issuer;
};

// "██████▒▒" of a width that `most` would fill: dark for what was signed, and
// light for what was seen beyond it.
std::string Bar(const Window& window, int64_t most) {
  const auto cells = [&](int64_t count) {
    return static_cast<int>((count * kBarWidth + most - 1) /
                            std::max<int64_t>(most, 1));
  };
  std::string bar;
  for (int i = 0; i < cells(window.issued()); ++i) bar += "█";
  for (int i = cells(window.issued()); i < cells(window.observed()); ++i) {
    bar += "▒";
  }
  return bar;
}

std::string SeenText(const Window& window) {
  return absl::StrCat(window.exact() ? "" : "about ", window.observed());
}

std::string Remark(const Window& window) {
  if (!window.complete()) return "the ledger may lack some";
  return window.exact() && window.observed() > window.issued()
             ? "MORE THAN WERE SIGNED"
             : "";
}

std::string Show(const v1::KeyUsage& usage, const Terminal& terminal) {
  std::vector<Window> used;
  int64_t issued = 0, observed = 0, most = 0;
  for (const Window& window : usage.windows()) {
    if (window.issued() == 0 && window.observed() == 0) continue;
    used.push_back(window);
    issued += window.issued();
    observed += window.observed();
    most = std::max({most, window.issued(), window.observed()});
  }
  if (used.empty()) {
    return absl::StrCat("In the last day ", usage.name(),
                        " signed nothing, and nothing of it was seen.\n");
  }
  Table table({"TEN MINUTES FROM", "SIGNED", "SEEN", "", "REMARK"});
  for (const Window& window : used) {
    table.Add({When(window.start_time()), absl::StrCat(window.issued()),
               SeenText(window), Bar(window, most), Remark(window)});
  }
  std::string text =
      absl::StrCat(table.Text(terminal), "\nIn the last day: ", issued,
                   " signed, ", observed, " seen.\n");
  if (!usage.seen().empty()) {
    Table seen({"AUDIENCE", "FROM", "SEEN SINCE THE START OF WARDERD"});
    for (const v1::SeenCount& count : usage.seen()) {
      seen.Add(
          {Safe(count.audience()),
           count.source() == v1::SOURCE_CLASS_UNSPECIFIED
               ? "unknown"
               : Short(v1::SourceClass_Name(count.source()), "SOURCE_CLASS_"),
           absl::StrCat(count.tokens())});
    }
    absl::StrAppend(&text, "\n", seen.Text(terminal));
  }
  if (!usage.signers().empty()) {
    Table signers({"SIGNER", "TOKENS SINCE THE START OF WARDERD"});
    for (const auto& [signer, tokens] : usage.signers()) {
      signers.Add({signer, absl::StrCat(tokens)});
    }
    absl::StrAppend(&text, "\n", signers.Text(terminal));
  }
  return text;
}

absl::Status Run(Context& context, const Flags& flags) {
  v1::GetKeyUsageRequest request;
  ASSIGN_OR_RETURN(*request.mutable_name(), KeyNameOf(flags.key, flags.issuer));
  ASSIGN_OR_RETURN(
      const v1::KeyUsage usage,
      context.Read(&v1::LedgerService::Stub::GetKeyUsage, request));
  context.Print(usage, Show(usage, context.terminal));
  return absl::OkStatus();
}

}  // namespace

void AddUsageCommand(CLI::App& key, Context& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddVerb(
      &key, context, flags, "usage",
      "what a key signed in the last day, beside what was seen of it", Run);
  command->add_option("key", flags->key, "issuers/ISSUER/keys/KID, or KID")
      ->required();
  command->add_option("--issuer", flags->issuer, "for a bare KID");
}

}  // namespace warder::cli
