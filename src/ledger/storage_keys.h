// Integers as keys: big endian, so that RocksDB's order is theirs.
#pragma once

#include "base/bytes.h"

namespace talent::ledger {

inline Bytes BigEndian(std::uint64_t value) {
  Bytes out(8, '\0');
  for (std::size_t i = 8; i-- > 0; value >>= 8) out[i] = static_cast<char>(value & 0xff);
  return out;
}

/// Requires 8 bytes.
inline std::uint64_t ReadBigEndian(BytesView bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

}  // namespace talent::ledger
