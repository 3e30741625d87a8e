// Fetches a document as a gateway would.
#ifndef WARDER_CLIENT_HTTP_GET_H_
#define WARDER_CLIENT_HTTP_GET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace warder::client {

struct HttpAnswer {
  int status = 0;
  std::string etag;
  std::string cache_control;
  std::string body;
};

// GETs an http or https URL; no redirects, at most 1 MiB, at most 10 s. For
// https the server must prove itself to the system's CAs, or to those of the
// PEM file `authority`.
//
//   INVALID_ARGUMENT  `url` is no http(s) URL
//   UNAVAILABLE       UNREACHABLE: says which step failed
absl::StatusOr<HttpAnswer> HttpGet(const std::string& url,
                                   const std::string& authority = "");

}  // namespace warder::client

#endif  // WARDER_CLIENT_HTTP_GET_H_
