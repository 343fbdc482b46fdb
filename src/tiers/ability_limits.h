// Bounds of assessments and trainings; whoever makes such records checks the same ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace talent::tiers {

inline constexpr int kMaxScores = 64;
inline constexpr int kMaxTags = 32;
inline constexpr int kMaxAttributes = 64;
inline constexpr std::uint32_t kFullScore = 10000;  // hundredths of a percent
inline constexpr std::size_t kMaxName = 64;
inline constexpr std::size_t kMaxText = 256;
inline constexpr std::uint32_t kMaxHours = 10000;  // five working years

}  // namespace talent::tiers
