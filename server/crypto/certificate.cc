#include "server/crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/error.h"
#include "server/base/status_macros.h"
#include "server/crypto/openssl_error.h"

namespace warder::crypto {
namespace {

using OwnedExtension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using OwnedName = Owned<X509_NAME, X509_NAME_free>;

OwnedBio Reader(absl::string_view text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

absl::Status Bad(absl::string_view field, absl::string_view message) {
  ClearOpensslErrors();
  return FieldError(field, message);
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<OwnedX509> ParseCertificate(absl::string_view pem) {
  const OwnedBio bio = Reader(pem);
  OwnedX509 cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (cert == nullptr) {
    ClearOpensslErrors();
    return Error(absl::StatusCode::kInvalidArgument, Reason::kCertificate,
                 "not a PEM certificate");
  }
  return cert;
}

absl::StatusOr<std::string> ToPem(X509* cert) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), cert) != 1) {
    return OpensslError("PEM_write_bio_X509");
  }
  return Contents(bio.get());
}

absl::Status AddExtension(X509* cert, X509* issuer, int nid,
                          const std::string& value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, nullptr, nullptr, 0);
  const OwnedExtension extension(
      X509V3_EXT_conf_nid(nullptr, &ctx, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(cert, extension.get(), -1) != 1) {
    return OpensslError("X509_add_ext");
  }
  return absl::OkStatus();
}

absl::Time ToTime(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromTM(parts, absl::UTCTimeZone());
}

// Builds everything the certificate kinds have in common, unsigned.
// The URI subject alternative names.
std::vector<std::string> UrisOf(X509* certificate) {
  std::vector<std::string> uris;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<size_t>(ASN1_STRING_length(uri)));
  }
  GENERAL_NAMES_free(names);
  return uris;
}

absl::StatusOr<OwnedX509> NewCertificate(EVP_PKEY* subject_key,
                                         absl::string_view common_name,
                                         absl::Duration lifetime,
                                         absl::Time now) {
  OwnedX509 cert(X509_new());
  uint8_t serial[16];
  if (cert == nullptr || RAND_bytes(serial, sizeof(serial)) != 1) {
    return OpensslError("X509_new");
  }
  serial[0] &= 0x7f;  // positive, RFC 5280 section 4.1.2.2
  const OwnedBn number(BN_bin2bn(serial, sizeof(serial), nullptr));
  const OwnedName name(X509_NAME_new());
  // Grace for clocks that run behind: a gateway whose clock is minutes off has
  // to reach us all the same.
  const time_t from = absl::ToTimeT(now - absl::Minutes(5));
  const time_t until = absl::ToTimeT(now + lifetime);
  if (number == nullptr || name == nullptr ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert.get())) ==
          nullptr ||
      X509_set_version(cert.get(), X509_VERSION_3) != 1 ||
      X509_NAME_add_entry_by_txt(
          name.get(), "CN", MBSTRING_UTF8,
          reinterpret_cast<const uint8_t*>(common_name.data()),
          static_cast<int>(common_name.size()), -1, 0) != 1 ||
      X509_set_subject_name(cert.get(), name.get()) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(cert.get()), from) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(cert.get()), until) == nullptr ||
      X509_set_pubkey(cert.get(), subject_key) != 1) {
    return OpensslError("X509 fields");
  }
  return cert;
}

absl::StatusOr<std::string> Sign(X509* cert, X509* issuer,
                                 const PrivateKey& key) {
  if (X509_set_issuer_name(cert, X509_get_subject_name(issuer)) != 1 ||
      X509_sign(cert, key.get(), EVP_sha256()) <= 0) {
    return OpensslError("X509_sign");
  }
  return ToPem(cert);
}

bool AcceptableRequestKey(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return EVP_PKEY_get_bits(key) >= 2048;
  if (EVP_PKEY_is_a(key, "EC") == 1) return EVP_PKEY_get_bits(key) >= 256;
  return EVP_PKEY_is_a(key, "ED25519") == 1;
}

}  // namespace

absl::StatusOr<CertificateInfo> DescribeCertificate(absl::string_view pem) {
  ASSIGN_OR_RETURN(OwnedX509 cert, ParseCertificate(pem));
  CertificateInfo info;
  char cn[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(cert.get()), NID_commonName,
                            cn, sizeof(cn));
  info.subject = cn;
  info.not_before = ToTime(X509_get0_notBefore(cert.get()));
  info.not_after = ToTime(X509_get0_notAfter(cert.get()));
  const OwnedBn serial(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert.get()), nullptr));
  if (char* hex = serial ? BN_bn2hex(serial.get()) : nullptr) {
    info.serial = hex;
    OPENSSL_free(hex);
  }
  const std::vector<std::string> uris = UrisOf(cert.get());
  if (!uris.empty()) info.uri = uris.back();
  ClearOpensslErrors();
  return info;
}

absl::StatusOr<PublicKey> CertificatePublicKey(absl::string_view pem) {
  ASSIGN_OR_RETURN(OwnedX509 cert, ParseCertificate(pem));
  EVP_PKEY* key = X509_get0_pubkey(cert.get());
  char group[32] = "";
  size_t size = 0;
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key, group, sizeof(group), &size) != 1 ||
      std::string(group) != "prime256v1") {
    ClearOpensslErrors();
    return Error(absl::StatusCode::kInvalidArgument, Reason::kCertificate,
                 "the certificate's key is not P-256, as a CA of warderd's is");
  }
  return PublicKey::FromPkey(key, KeyType::kP256);
}

std::string PeerCertificateUri(SSL* session) {
  X509* certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr || SSL_get_verify_result(session) != X509_V_OK) {
    return "";
  }
  std::vector<std::string> uris = UrisOf(certificate);
  ClearOpensslErrors();
  return uris.size() == 1 ? std::move(uris[0]) : "";
}

absl::StatusOr<std::string> PrivateKeyPem(const PrivateKey& key) {
  const OwnedBio bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0,
                                    nullptr, nullptr) != 1) {
    return OpensslError("PEM_write_bio_PKCS8PrivateKey");
  }
  return Contents(bio.get());
}

absl::StatusOr<std::string> CreateCertificateRequest(const PrivateKey& key,
                                                     absl::string_view name) {
  const OwnedX509Req request(X509_REQ_new());
  const OwnedName subject(X509_NAME_new());
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  if (request == nullptr || subject == nullptr || bio == nullptr ||
      X509_NAME_add_entry_by_txt(subject.get(), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const uint8_t*>(name.data()),
                                 static_cast<int>(name.size()), -1, 0) != 1 ||
      X509_REQ_set_subject_name(request.get(), subject.get()) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return OpensslError("X509_REQ");
  }
  return Contents(bio.get());
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(
    PrivateKey key, absl::string_view name, absl::Duration lifetime,
    absl::Time now) {
  ASSIGN_OR_RETURN(OwnedX509 cert,
                   NewCertificate(key.get(), name, lifetime, now));
  RETURN_IF_ERROR(AddExtension(cert.get(), cert.get(), NID_basic_constraints,
                               "critical,CA:TRUE,pathlen:0"));
  RETURN_IF_ERROR(AddExtension(cert.get(), cert.get(), NID_key_usage,
                               "critical,keyCertSign,cRLSign"));
  RETURN_IF_ERROR(
      AddExtension(cert.get(), cert.get(), NID_subject_key_identifier, "hash"));
  ASSIGN_OR_RETURN(std::string pem, Sign(cert.get(), cert.get(), key));
  return CertificateAuthority(std::move(key), std::move(cert), std::move(pem));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Load(
    PrivateKey key, absl::string_view certificate_pem) {
  ASSIGN_OR_RETURN(OwnedX509 cert, ParseCertificate(certificate_pem));
  if (X509_check_private_key(cert.get(), key.get()) != 1) {
    ClearOpensslErrors();
    return Error(absl::StatusCode::kInvalidArgument, Reason::kCertificate,
                 "the CA certificate does not belong to the CA key");
  }
  return CertificateAuthority(std::move(key), std::move(cert),
                              std::string(certificate_pem));
}

absl::StatusOr<std::string> CertificateAuthority::IssueClient(
    absl::string_view request_pem, absl::string_view uri,
    absl::Duration lifetime, absl::Time now) const {
  constexpr char kField[] = "certificate_request";
  if (request_pem.size() > 16 * 1024) {
    return FieldError(kField, "more than 16 KiB");
  }
  const OwnedBio bio = Reader(request_pem);
  const OwnedX509Req request(
      PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request == nullptr) {
    return Bad(kField, "not a PEM certificate request (PKCS#10)");
  }
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());  // borrowed
  if (key == nullptr || !AcceptableRequestKey(key)) {
    return Bad(kField,
               "its key is not EC P-256 or wider, Ed25519, or RSA of "
               "2048 bits or more");
  }
  if (X509_REQ_verify(request.get(), key) != 1) {
    return Bad(kField, "is not signed by its own key");
  }
  ASSIGN_OR_RETURN(OwnedX509 cert,
                   NewCertificate(key, uri.substr(0, 64), lifetime, now));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(),
                               NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(), NID_key_usage,
                               "critical,digitalSignature"));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(),
                               NID_ext_key_usage, "clientAuth"));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(),
                               NID_subject_alt_name,
                               absl::StrCat("URI:", uri)));
  return Sign(cert.get(), certificate_.get(), key_);
}

absl::StatusOr<std::string> CertificateAuthority::IssueServer(
    const PrivateKey& key, const std::vector<std::string>& hosts,
    absl::Duration lifetime, absl::Time now) const {
  if (hosts.empty()) return FieldError("hosts", "name at least one");
  std::vector<std::string> names;
  for (const std::string& host : hosts) {
    uint8_t address[16];
    const bool ip = inet_pton(AF_INET, host.c_str(), address) == 1 ||
                    inet_pton(AF_INET6, host.c_str(), address) == 1;
    for (const char c : host) {
      if (!(isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' ||
            c == ':')) {
        return FieldError("hosts", absl::StrCat("\"", host,
                                                "\" is neither a DNS name nor "
                                                "an IP address"));
      }
    }
    names.push_back(absl::StrCat(ip ? "IP:" : "DNS:", host));
  }
  ASSIGN_OR_RETURN(
      OwnedX509 cert,
      NewCertificate(key.get(), hosts[0].substr(0, 64), lifetime, now));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(),
                               NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(), NID_key_usage,
                               "critical,digitalSignature"));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(),
                               NID_ext_key_usage, "serverAuth"));
  RETURN_IF_ERROR(AddExtension(cert.get(), certificate_.get(),
                               NID_subject_alt_name,
                               absl::StrJoin(names, ",")));
  return Sign(cert.get(), certificate_.get(), key_);
}

}  // namespace warder::crypto
