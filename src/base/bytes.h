// Byte strings, the 32-byte hash type and their text form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"

namespace talent {

/// Raw bytes. std::string because protobuf, RocksDB and gRPC all speak it: no copies at the seams.
using Bytes = std::string;
using BytesView = std::string_view;

/// Lower-case hexadecimal.
std::string ToHex(BytesView bytes);
/// Accepts upper and lower case. Errors: kInvalidArgument (odd length, a character that is no hex
/// digit).
Result<Bytes> FromHex(std::string_view hex);

/// `N` bytes that mean one thing: a `Tag` apart, two such types do not mix.
template <class Tag, std::size_t N>
class FixedBytes {
 public:
  static constexpr std::size_t kSize = N;

  constexpr FixedBytes() = default;
  explicit FixedBytes(const std::array<std::uint8_t, N>& bytes) : bytes_(bytes) {}

  /// Errors: kInvalidArgument (not exactly N bytes).
  static Result<FixedBytes> FromBytes(BytesView bytes) {
    if (bytes.size() != N) {
      return Fail(Code::kInvalidArgument, "{} bytes where {} are expected", bytes.size(), N);
    }
    FixedBytes out;
    std::memcpy(out.bytes_.data(), bytes.data(), N);
    return out;
  }
  static Result<FixedBytes> FromHexString(std::string_view hex) {
    return FromBytes(TRY(FromHex(hex)));
  }

  BytesView View() const { return {reinterpret_cast<const char*>(bytes_.data()), N}; }
  Bytes ToBytes() const { return Bytes(View()); }
  std::string Hex() const { return ToHex(View()); }
  std::uint8_t* data() { return bytes_.data(); }
  const std::uint8_t* data() const { return bytes_.data(); }
  bool IsZero() const { return bytes_ == std::array<std::uint8_t, N>{}; }

  auto operator<=>(const FixedBytes&) const = default;

 private:
  std::array<std::uint8_t, N> bytes_{};
};

/// A SHA-256 output.
using Hash = FixedBytes<struct HashTag, 32>;
/// Hash of a chain's genesis file: the chain's name everywhere.
using ChainId = FixedBytes<struct ChainIdTag, 32>;
/// Hash of a transaction's envelope; of a record, its id on every tier for ever.
using TxId = FixedBytes<struct TxIdTag, 32>;
using RecordId = TxId;

}  // namespace talent

template <class Tag, std::size_t N>
struct std::hash<talent::FixedBytes<Tag, N>> {
  std::size_t operator()(const talent::FixedBytes<Tag, N>& v) const {
    std::size_t out;  // the bytes are hashes or keys: their first ones are spread well enough
    static_assert(N >= sizeof(out));
    std::memcpy(&out, v.data(), sizeof(out));
    return out;
  }
};
