#include "crypto/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <climits>
#include <memory>

namespace talent::crypto {
namespace {

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Fetching the algorithm and making a context cost more than hashing 64 bytes, so a thread keeps
// one.
EVP_MD_CTX* ThreadContext() {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  return context.get();
}

const EVP_MD* Algorithm() {
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(kSha256 != nullptr, "OpenSSL offers no SHA-256");
  return kSha256;
}

Hash Digest(BytesView prefix, std::initializer_list<BytesView> parts) {
  EVP_MD_CTX* const context = ThreadContext();
  Hash out;
  bool ok = EVP_DigestInit_ex2(context, Algorithm(), nullptr) == 1;
  ok = ok && EVP_DigestUpdate(context, prefix.data(), prefix.size()) == 1;
  for (const BytesView part : parts) {
    ok = ok && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  }
  CHECK(ok && EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
  return out;
}

}  // namespace

Hash Sha256(std::initializer_list<BytesView> parts) { return Digest({}, parts); }

Hash TaggedHash(Domain domain, std::initializer_list<BytesView> parts) {
  return Digest(DomainTag(domain), parts);
}

Hash HmacSha256(BytesView key, BytesView message) {
  CHECK(key.size() <= INT_MAX);
  Hash out;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  CHECK(HMAC(Algorithm(), key.data(), static_cast<int>(key.size()), bytes, message.size(),
             out.data(), nullptr) != nullptr);
  return out;
}

}  // namespace talent::crypto
