// UTF-8 (RFC 3629).
#pragma once

#include <string_view>

namespace talent {

/// True where `text` is UTF-8: no over-long forms, no surrogates, nothing above U+10FFFF.
bool IsValidUtf8(std::string_view text);

}  // namespace talent
