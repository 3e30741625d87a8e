// Signed statements of the service: the leaver certificate, the statement about
// a revocation, the report of a drill. Found in files, checked, shown, written.
#ifndef WARDER_CLIENT_CLI_STATEMENT_H_
#define WARDER_CLIENT_CLI_STATEMENT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/context.h"
#include "client/cli/format.h"
#include "server/base/strict_json.h"

namespace warder::cli {

struct Statement {
  std::string jws;
  std::string type;  // its `typ`
  Json claims;
};

// Returns what `jws` says, unverified. INVALID_ARGUMENT: FILE.
absl::StatusOr<Statement> ReadStatement(const std::string& jws);

// Returns the statement in a file's `text`: a bare one, the JSON of --format
// json, or the page, if the CA of certificate `pem` signed it.
//
//   INVALID_ARGUMENT  FILE: there is none, it was changed, or JSON or page say
//                     something else than the statement they carry
//   CERTIFICATE       `pem` is to blame
absl::StatusOr<Statement> VerifiedStatement(const std::string& text,
                                            const std::string& pem);

std::string StatementText(const Statement& statement, const Terminal& terminal);
std::string StatementHtml(const Statement& statement);

// Adds --format and --out, as GiveStatement takes them.
void AddStatementOptions(CLI::App* command, std::string* format,
                         std::string* out);

// Prints `jws` in `format` (text, json, html), or writes it to the file `out`
// and says how to check it.
absl::Status GiveStatement(Context& context, const std::string& jws,
                           const std::string& format, const std::string& out);

}  // namespace warder::cli

#endif  // WARDER_CLIENT_CLI_STATEMENT_H_
