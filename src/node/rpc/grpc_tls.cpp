#include "node/rpc/grpc_tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <memory>

#include "base/file.h"

namespace talent::node {
namespace {

constexpr std::size_t kMaxPemBytes = 64 * 1024;
constexpr long kDay = 24L * 60 * 60;
constexpr long kValidDays = 3650;  // pinned and replaced by the operator, never renewed by a CA
constexpr int kSerialBits = 127;  // positive and unguessable (RFC 5280, 4.1.2.2: 20 octets at most)

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Deleter<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using NumberPtr = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

bool AddExtension(X509& cert, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &cert, &cert, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(&cert, extension.get(), -1) == 1;
}

std::string AlternativeNames(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name, no_address);
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", no_address ? "DNS" : "IP", name);
  }
  return out;
}

bool SetRandomSerial(X509& cert) {
  const NumberPtr number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&cert)) != nullptr;
}

bool Fill(X509& cert, EVP_PKEY& key, const std::vector<std::string>& names) {
  X509_NAME* subject = X509_get_subject_name(&cert);
  const auto* common_name = reinterpret_cast<const unsigned char*>("talentd");
  return X509_set_version(&cert, X509_VERSION_3) == 1 && SetRandomSerial(cert) &&
         X509_gmtime_adj(X509_getm_notBefore(&cert), -kDay) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(&cert), kValidDays * kDay) != nullptr &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(&cert, subject) == 1 && X509_set_pubkey(&cert, &key) == 1 &&
         AddExtension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
         AddExtension(cert, NID_key_usage, "critical,digitalSignature") &&
         AddExtension(cert, NID_ext_key_usage, "serverAuth") &&
         AddExtension(cert, NID_subject_alt_name, AlternativeNames(names)) &&
         X509_sign(&cert, &key, EVP_sha256()) > 0;
}

std::string Contents(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Result<ServerCertificate> MakeServerCertificate(const std::vector<std::string>& names) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertPtr cert(X509_new());
  const BioPtr cert_pem(BIO_new(BIO_s_mem()));
  const BioPtr key_pem(BIO_new(BIO_s_mem()));
  if (!key || !cert || !cert_pem || !key_pem || !Fill(*cert, *key, names) ||
      PEM_write_bio_X509(cert_pem.get(), cert.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return Fail(Code::kInternal, "OpenSSL could not make a certificate for '{}'",
                AlternativeNames(names));
  }
  return ServerCertificate{Contents(*cert_pem), Contents(*key_pem)};
}

Result<ServerCertificate> LoadOrMakeServerCertificate(const std::filesystem::path& directory,
                                                      const std::vector<std::string>& names) {
  const auto cert_path = directory / "grpc.crt";
  const auto key_path = directory / "grpc.key";
  std::error_code ignored;
  const bool has_cert = std::filesystem::exists(cert_path, ignored);
  const bool has_key = std::filesystem::exists(key_path, ignored);
  if (has_cert != has_key) {
    return Fail(Code::kPrecondition, "{} is there but {} is not: restore it, or remove the other",
                (has_cert ? cert_path : key_path).string(),
                (has_cert ? key_path : cert_path).string());
  }
  if (has_cert) {
    ServerCertificate kept;
    kept.certificate = TRY(ReadFile(cert_path, kMaxPemBytes));
    kept.private_key = TRY(ReadFile(key_path, kMaxPemBytes));
    return kept;
  }
  auto made = TRY(MakeServerCertificate(names));
  TRY(WriteFile(key_path, made.private_key, 0600, IfExists::kFail));
  TRY(WriteFile(cert_path, made.certificate, 0644, IfExists::kFail));
  return made;
}

}  // namespace talent::node
