// libsodium, started. Internal to src/crypto.
#pragma once

#include <sodium.h>

#include "base/bytes.h"
#include "base/result.h"

namespace talent::crypto {

/// Must come before any other call of libsodium; cheap, thread-safe.
inline void EnsureSodium() {
  static const int kReady = sodium_init();
  CHECK(kReady >= 0, "libsodium cannot start");
}

inline const unsigned char* Raw(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* Raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

}  // namespace talent::crypto
