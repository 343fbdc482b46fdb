// Strict reading of JSON: unknown, missing and doubled fields are refused, every error names its
// field by its path ("validators[1].vote_key").
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace talent {

/// Parses `text`. Errors: kInvalidArgument (no JSON, a field twice in one object, nested deeper
/// than kMaxJsonDepth; says at which byte or field).
Result<nlohmann::json> ParseJson(BytesView text);
inline constexpr int kMaxJsonDepth = 16;  // what our formats need, with room

/// One JSON object, read field by field. Whoever reads it asks for every field it knows and then
/// calls Finish(), which refuses the rest. Refers to the JSON it was made from.
class JsonFields {
 public:
  /// `path` is how errors call the object; empty at the top.
  static Result<JsonFields> Of(const nlohmann::json& object, std::string path);

  /// Errors of all of them: kInvalidArgument (missing, another type, out of bounds).
  Result<const nlohmann::json*> Any(const std::string& name);
  Result<std::string> Text(const std::string& name, std::size_t max_length);
  Result<std::uint64_t> Number(const std::string& name, std::uint64_t min, std::uint64_t max);
  Result<JsonFields> Object(const std::string& name);
  /// Of objects.
  Result<std::vector<JsonFields>> Array(const std::string& name, std::size_t max_size);
  /// Hexadecimal text of exactly T's size.
  template <class T>
  Result<T> Hex(const std::string& name) {
    auto value = T::FromHexString(TRY(Text(name, 2 * T::kSize)));
    if (!value) return Within(PathOf(name), std::move(value).error());
    return value;
  }

  bool Has(const std::string& name) const { return object_->contains(name); }
  /// Errors: kInvalidArgument (names a field nobody asked for).
  Status Finish() const;
  /// "path.name".
  std::string PathOf(const std::string& name) const;

 private:
  JsonFields(const nlohmann::json& object, std::string path)
      : object_(&object), path_(std::move(path)) {}

  const nlohmann::json* object_;
  std::string path_;
  std::set<std::string> asked_;
};

}  // namespace talent
