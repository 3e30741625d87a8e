#include "server/http/wire/tls_context.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"

namespace warder::http {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

namespace {

absl::Status Unusable(absl::string_view what,
                      const boost::system::error_code& error) {
  return Precondition(Reason::kCertificate,
                      absl::StrCat(what, " cannot be used: ", error.message()));
}

absl::StatusOr<TlsContextPtr> EmptyContext() {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  context->set_options(ssl::context::default_workarounds |
                           ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
                       error);
  if (error) return Unusable("TLS", error);
  return context;
}

}  // namespace

absl::Status TakeClientCertificates(TlsContextPtr& context,
                                    const std::string& authority_pem) {
  boost::system::error_code error;
  context->add_certificate_authority(asio::buffer(authority_pem), error);
  if (!error) context->set_verify_mode(ssl::verify_peer, error);
  // No resumption: a resumed session has no certificate to look at again.
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  if (!error) context->set_options(SSL_OP_NO_TICKET, error);
  return error ? Unusable("the private CA", error) : absl::OkStatus();
}

absl::StatusOr<TlsContextPtr> MakeTlsContext(const std::string& name,
                                             const std::string& certificate_pem,
                                             const std::string& key_pem) {
  ASSIGN_OR_RETURN(TlsContextPtr context, EmptyContext());
  boost::system::error_code error;
  context->use_certificate_chain(asio::buffer(certificate_pem), error);
  if (!error) {
    context->use_private_key(asio::buffer(key_pem), ssl::context::pem, error);
  }
  if (error) return Unusable(name, error);
  return context;
}

absl::StatusOr<TlsContextPtr> LoadTlsContext(
    const std::string& name, const std::string& certificate_file,
    const std::string& key_file) {
  ASSIGN_OR_RETURN(TlsContextPtr context, EmptyContext());
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate_file, error);
  if (error) {
    return Unusable(absl::StrCat(name, ".certificate ", certificate_file),
                    error);
  }
  context->use_private_key_file(key_file, ssl::context::pem, error);
  if (error) {
    return Precondition(Reason::kCertificate,
                        absl::StrCat(name, ".private_key ", key_file,
                                     " cannot be used with the certificate: ",
                                     error.message()));
  }
  return context;
}

}  // namespace warder::http
