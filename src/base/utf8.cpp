#include "base/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace talent {
namespace {

// What may follow a first byte (RFC 3629 §4): how many more bytes, and the bounds of the next one.
struct Lead {
  std::uint8_t first, last;
  std::size_t more;
  std::uint8_t low, high;
};
constexpr Lead kLeads[] = {
    {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

bool InRange(char c, std::uint8_t low, std::uint8_t high) {
  const auto byte = static_cast<std::uint8_t>(c);
  return low <= byte && byte <= high;
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto* const lead = std::ranges::find_if(
        kLeads, [&](const Lead& l) { return InRange(text[0], l.first, l.last); });
    if (lead == std::end(kLeads) || text.size() <= lead->more) return false;
    for (std::size_t i = 1; i <= lead->more; ++i) {
      if (i == 1 ? !InRange(text[i], lead->low, lead->high) : !InRange(text[i], 0x80, 0xbf)) {
        return false;
      }
    }
    text.remove_prefix(lead->more + 1);
  }
  return true;
}

}  // namespace talent
