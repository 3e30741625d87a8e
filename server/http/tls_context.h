// The TLS side of a listener.
#ifndef WARDER_SERVER_HTTP_TLS_CONTEXT_H_
#define WARDER_SERVER_HTTP_TLS_CONTEXT_H_

#include <utility>
// <utility> first: Boost 1.74 forgets it under C++20.
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace warder::http {

using TlsContextPtr = std::shared_ptr<boost::asio::ssl::context>;

// Returns a server context of TLS 1.2 and 1.3 (old gateways fetch key sets)
// with the PEM certificate chain and key of two files.
//   FAILED_PRECONDITION  CERTIFICATE naming the file and what is wrong
absl::StatusOr<TlsContextPtr> LoadTlsContext(
    const std::string& certificate_file, const std::string& key_file);

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_TLS_CONTEXT_H_
