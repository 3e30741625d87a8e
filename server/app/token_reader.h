// What a token says, without asking whether it is true.
#ifndef WARDER_SERVER_APP_TOKEN_READER_H_
#define WARDER_SERVER_APP_TOKEN_READER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/strict_json.h"

namespace warder::app {

struct ReadToken {
  // `header.payload`: a part of the text that was read.
  absl::string_view signing_input;
  Json header;
  Json claims;
  std::string kid;  // "" where there is none, or it is no text
  absl::Time issue_time;
  std::optional<absl::Time> expire_time;
  std::vector<std::string> audiences;  // `aud`, a text or a list of texts
};

// Reads a compact JWS (RFC 7515 section 7.1) whose payload is a JWT's (RFC
// 7519), with or without its signature, up to 64 KiB.
//   INVALID_ARGUMENT  naming `field`: not of that form; or `iat` is no number,
//                     or out of range: of such a token nothing can be said
absl::StatusOr<ReadToken> ReadTokenText(absl::string_view field,
                                        absl::string_view text);

}  // namespace warder::app

#endif  // WARDER_SERVER_APP_TOKEN_READER_H_
