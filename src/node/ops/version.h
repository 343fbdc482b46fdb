// The software's version, as GetStatus and --version say it.
#pragma once

#include <string_view>

namespace talent::node {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace talent::node
