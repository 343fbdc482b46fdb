#include "fuzz/target.h"

#include <algorithm>
#include <limits>

namespace talent::fuzz {

std::map<std::string, Target>& Targets() {
  static std::map<std::string, Target> targets;
  return targets;
}

std::uint8_t Reader::Byte() {
  if (input_.empty()) return 0;
  const auto value = static_cast<std::uint8_t>(input_.front());
  input_.remove_prefix(1);
  return value;
}

std::uint64_t Reader::Number() {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const std::uint8_t value = Byte();
  if (value < 240) return value % 24;
  const std::uint64_t edges[] = {kMax,       kMax - 1,
                                 kMax / 2,   kMax / 2 + 1,
                                 1ull << 62, (1ull << 62) + 1,
                                 1ull << 32, (1ull << 32) - 1,
                                 1000,       256,
                                 255,        127,
                                 kMax - 24,  24,
                                 31,         33};
  return edges[value - 240];
}

BytesView Reader::Piece() {
  const std::size_t wanted = Byte() | static_cast<std::size_t>(Byte()) << 8;
  const BytesView piece = input_.substr(0, std::min(wanted, input_.size()));
  input_.remove_prefix(piece.size());
  return piece;
}

}  // namespace talent::fuzz
