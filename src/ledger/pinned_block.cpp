#include "ledger/pinned_block.h"

#include <charconv>

namespace talent::ledger {

Result<PinnedBlock> PinnedBlock::Parse(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  PinnedBlock out;
  const auto read = std::from_chars(text.data(), text.data() + colon, out.height.value);
  const auto hash = Hash::FromHexString(text.substr(std::min(colon + 1, text.size())));
  if (read.ec != std::errc() || read.ptr != text.data() + colon || !hash) {
    return Fail(Code::kInvalidArgument, "'{}' is not HEIGHT:BLOCKHASH", text);
  }
  out.hash = *hash;
  return out;
}

std::string PinnedBlock::Text() const { return fmt::format("{}:{}", height, hash.Hex()); }

}  // namespace talent::ledger
