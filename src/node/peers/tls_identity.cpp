#include "node/peers/tls_identity.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace talent::node {
namespace {

namespace ssl = boost::asio::ssl;

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* p) const { Free(p); }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509, X509_free>>;

// A self-signed Ed25519 certificate has some 300 bytes; this is what a stranger may make us hold.
constexpr long kMaxCertificateBytes = 4096;

tl::unexpected<Error> OpenSslError(std::string_view doing) {
  char text[256] = "unknown error";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof(text));
  return Fail(Code::kInternal, "TLS: {}: {}", doing, text);
}

Result<PkeyPtr> PrivateKey(const crypto::KeyPair& key) {
  crypto::Seed seed = key.seed();
  PkeyPtr out(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), crypto::Seed::kSize));
  OPENSSL_cleanse(seed.data(), crypto::Seed::kSize);
  if (!out) return OpenSslError("cannot use the node key");
  return out;
}

Result<X509Ptr> SelfSigned(EVP_PKEY* key) {
  X509Ptr cert(X509_new());
  if (!cert) return OpenSslError("cannot make a certificate");
  X509_NAME* name = X509_get_subject_name(cert.get());
  // Valid for ever (RFC 5280 §4.1.2.5): keys end by being revoked on chain.
  const bool ok = X509_set_version(cert.get(), X509_VERSION_3) == 1 &&
                  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1) == 1 &&
                  ASN1_TIME_set_string(X509_getm_notBefore(cert.get()), "19700101000000Z") == 1 &&
                  ASN1_TIME_set_string(X509_getm_notAfter(cert.get()), "99991231235959Z") == 1 &&
                  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                             reinterpret_cast<const unsigned char*>("talent-node"),
                                             -1, -1, 0) == 1 &&
                  X509_set_issuer_name(cert.get(), name) == 1 &&
                  X509_set_pubkey(cert.get(), key) == 1 && X509_sign(cert.get(), key, nullptr) > 0;
  if (!ok) return OpenSslError("cannot sign the node's certificate");
  return cert;
}

// ALPN's form of kP2pProtocol: its length in one byte, then its text.
std::string AlpnList() {
  return std::string(1, static_cast<char>(kP2pProtocol.size())).append(kP2pProtocol);
}

int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  static const std::string kOurs = AlpnList();
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(kOurs.data()),
                            static_cast<unsigned>(kOurs.size()), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Status Configure(SSL_CTX* ctx, EVP_PKEY* key, X509* certificate) {
  const std::string alpn = AlpnList();
  const bool ok =
      SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set1_sigalgs_list(ctx, "ed25519") == 1 &&
      SSL_CTX_set1_client_sigalgs_list(ctx, "ed25519") == 1 &&
      SSL_CTX_set1_groups_list(ctx, "X25519") == 1 && SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
      SSL_CTX_use_certificate(ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
      // Returns 0 for success, unlike its neighbours.
      SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(alpn.data()),
                              static_cast<unsigned>(alpn.size())) == 0;
  if (!ok) return OpenSslError("cannot set up TLS 1.3");
  SSL_CTX_set_alpn_select_cb(ctx, SelectProtocol, nullptr);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_max_cert_list(ctx, kMaxCertificateBytes);
  return {};
}

}  // namespace

Result<ssl::context> MakeTlsContext(const crypto::KeyPair& key) {
  const PkeyPtr private_key = TRY(PrivateKey(key));
  const X509Ptr certificate = TRY(SelfSigned(private_key.get()));
  try {
    ssl::context context(ssl::context::tls);
    TRY(Configure(context.native_handle(), private_key.get(), certificate.get()));
    context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    return context;
  } catch (const std::exception& e) {
    return Fail(Code::kInternal, "TLS: cannot start: {}", e.what());
  }
}

std::optional<crypto::PublicKey> KeyOfCertificate(const X509* certificate) {
  const EVP_PKEY* key = certificate == nullptr ? nullptr : X509_get0_pubkey(certificate);
  if (key == nullptr || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) return std::nullopt;
  crypto::PublicKey out;
  std::size_t size = crypto::PublicKey::kSize;
  if (EVP_PKEY_get_raw_public_key(key, out.data(), &size) != 1 ||
      size != crypto::PublicKey::kSize) {
    return std::nullopt;
  }
  return out;
}

bool SpeaksP2p(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return name != nullptr &&
         std::string_view(reinterpret_cast<const char*>(name), size) == kP2pProtocol;
}

}  // namespace talent::node
