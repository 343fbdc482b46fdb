// Integers that mean one thing: a Height does not pass for a View.
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstdint>
#include <functional>

namespace talent {

template <class Tag, class Rep>
struct Strong {
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}

  constexpr auto operator<=>(const Strong&) const = default;
  constexpr Strong& operator++() {
    ++value;
    return *this;
  }
  constexpr Strong operator+(Rep n) const { return Strong(value + n); }
  constexpr Strong operator-(Rep n) const { return Strong(value - n); }
  constexpr Rep operator-(Strong other) const { return value - other.value; }
};

/// Position of a block in its chain; the genesis is 0, the first block 1.
/// It is also the PBFT sequence number: sequence number n becomes the block at height n.
using Height = Strong<struct HeightTag, std::uint64_t>;
/// PBFT view within an epoch; its primary is validator view mod n.
using View = Strong<struct ViewTag, std::uint64_t>;
/// Term of one validator set; the first is 0.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
/// Place of a validator in its epoch's set.
using ValidatorIndex = Strong<struct ValidatorIndexTag, std::uint32_t>;
/// Milliseconds since the Unix epoch, UTC.
using Timestamp = Strong<struct TimestampTag, std::uint64_t>;
/// A length of time in milliseconds.
using Millis = Strong<struct MillisTag, std::uint64_t>;
inline constexpr std::uint64_t kDayMs = 86'400'000;

constexpr Timestamp operator+(Timestamp t, Millis d) { return Timestamp(t.value + d.value); }

}  // namespace talent

template <class Tag, class Rep>
struct std::hash<talent::Strong<Tag, Rep>> {
  std::size_t operator()(talent::Strong<Tag, Rep> v) const { return std::hash<Rep>()(v.value); }
};

template <class Tag, class Rep>
struct fmt::formatter<talent::Strong<Tag, Rep>> : fmt::formatter<Rep> {
  auto format(talent::Strong<Tag, Rep> v, fmt::format_context& ctx) const {
    return fmt::formatter<Rep>::format(v.value, ctx);
  }
};
