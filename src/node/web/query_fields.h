// The parameters of a request's query, read strictly: unknown, doubled and malformed ones are
// refused, every error names its parameter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace talent::node {

/// Whoever reads a query asks for every parameter it knows and then calls Finish(), which refuses
/// the rest.
class QueryFields {
 public:
  static constexpr std::size_t kMaxParameters = 16;  // no route knows half as many

  /// Undoes percent-escapes, and '+' as a space. Errors: kInvalidArgument.
  static Result<QueryFields> Parse(std::string_view query);

  /// nullopt: absent.
  std::optional<std::string> Text(const std::string& name);
  // Errors: kInvalidArgument; kTooLarge (a number over its bound).
  Result<std::optional<std::uint64_t>> Number(const std::string& name);
  Result<std::uint64_t> NumberOr(const std::string& name, std::uint64_t min, std::uint64_t max,
                                 std::uint64_t absent);
  Result<std::optional<Bytes>> Hex(const std::string& name);

  /// Errors: kInvalidArgument (names a parameter nobody asked for).
  Status Finish() const;

 private:
  std::map<std::string, std::string> left_;  // taken out as they are asked for
};

/// Undoes percent-escapes. Errors: kInvalidArgument.
Result<std::string> PercentDecode(std::string_view text);

}  // namespace talent::node
