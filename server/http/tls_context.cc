#include "server/http/tls_context.h"

#include "absl/strings/str_cat.h"
#include "server/base/error.h"

namespace warder::http {

namespace ssl = boost::asio::ssl;

absl::StatusOr<TlsContextPtr> LoadTlsContext(
    const std::string& certificate_file, const std::string& key_file) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  context->set_options(ssl::context::default_workarounds |
                           ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                           ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1,
                       error);
  if (!error) context->use_certificate_chain_file(certificate_file, error);
  if (error) {
    return Precondition(
        Reason::kCertificate,
        absl::StrCat("public.tls.certificate ", certificate_file,
                     " cannot be used: ", error.message()));
  }
  context->use_private_key_file(key_file, ssl::context::pem, error);
  if (error) {
    return Precondition(Reason::kCertificate,
                        absl::StrCat("public.tls.private_key ", key_file,
                                     " cannot be used with the certificate: ",
                                     error.message()));
  }
  return context;
}

}  // namespace warder::http
