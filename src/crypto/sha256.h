// SHA-256 (FIPS 180-4) by OpenSSL, and its domain-separated form.
#pragma once

#include <initializer_list>

#include "base/bytes.h"
#include "crypto/domain.h"

namespace talent::crypto {

/// SHA-256 of the concatenation of `parts`. Thread-safe.
Hash Sha256(std::initializer_list<BytesView> parts);
inline Hash Sha256(BytesView bytes) { return Sha256({bytes}); }

/// SHA-256(tag, zero-padded to 32 bytes ‖ parts…): a hash made for one purpose is none for another.
Hash TaggedHash(Domain domain, std::initializer_list<BytesView> parts);

/// HMAC-SHA-256 (RFC 2104). Thread-safe.
Hash HmacSha256(BytesView key, BytesView message);

}  // namespace talent::crypto
