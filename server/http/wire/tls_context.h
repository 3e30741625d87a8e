// The TLS side of a listener.
#ifndef WARDER_SERVER_HTTP_WIRE_TLS_CONTEXT_H_
#define WARDER_SERVER_HTTP_WIRE_TLS_CONTEXT_H_

#include <utility>
// <utility> first: Boost 1.74 forgets it under C++20.
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace warder::http {

using TlsContextPtr = std::shared_ptr<boost::asio::ssl::context>;

// Tells who stands behind a TLS session; implemented by `crypto`.
using PeerNamer = std::function<std::string(SSL* session)>;

// Lets clients of `context` show a certificate that `authority_pem` signed; one
// of another maker ends the handshake.
//   FAILED_PRECONDITION  CERTIFICATE
absl::Status TakeClientCertificates(TlsContextPtr& context,
                                    const std::string& authority_pem);

// As below, from PEM texts; `name` stands in messages.
absl::StatusOr<TlsContextPtr> MakeTlsContext(const std::string& name,
                                             const std::string& certificate_pem,
                                             const std::string& key_pem);

// Returns a server context of TLS 1.2 and 1.3 (old gateways fetch key sets)
// with the PEM certificate chain and key of two files; `name` is that of the
// setting above both: "public.tls".
//   FAILED_PRECONDITION  CERTIFICATE naming the file and what is wrong
absl::StatusOr<TlsContextPtr> LoadTlsContext(
    const std::string& name, const std::string& certificate_file,
    const std::string& key_file);

}  // namespace warder::http

#endif  // WARDER_SERVER_HTTP_WIRE_TLS_CONTEXT_H_
