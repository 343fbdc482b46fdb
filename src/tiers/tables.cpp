#include "tiers/tables.h"

namespace talent::tiers {

Bytes BigEndian(std::uint64_t value) {
  Bytes out;
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

std::uint64_t FromBigEndian(BytesView bytes) {
  CHECK(bytes.size() == 8);
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

Bytes Concat(std::initializer_list<BytesView> parts) {
  Bytes out;
  for (const BytesView part : parts) out.append(part);
  return out;
}

}  // namespace talent::tiers
