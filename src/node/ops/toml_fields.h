// Strict reading of TOML: unknown, missing and mistyped keys are refused, every error names the
// file and the key ("node.toml: p2p.listen: …").
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// toml++ is a large header: readers of this one need not parse it.
namespace toml {
inline namespace v3 {
class table;
class node;
}  // namespace v3
}  // namespace toml

namespace talent::node {

/// One TOML table, read key by key. Whoever reads it asks for every key it knows and then calls
/// Finish(), which refuses the rest. Refers to the table it was made from.
class TomlFields {
 public:
  /// `source` is the file's name in errors, `path` how they call this table; empty at the top.
  TomlFields(const toml::table& table, std::string source, std::string path = "");

  bool Has(std::string_view key) const;
  /// Of a table whose keys are data.
  std::vector<std::string> Keys() const;

  // Errors of all of them: kInvalidArgument (missing, another type, out of bounds).
  Result<std::string> Text(std::string_view key);  // not empty
  Result<std::string> TextOr(std::string_view key, std::string absent);
  Result<bool> FlagOr(std::string_view key, bool absent);
  Result<std::uint64_t> Number(std::string_view key, std::uint64_t min, std::uint64_t max);
  Result<TomlFields> Table(std::string_view key);
  /// Of tables; empty where the key is absent.
  Result<std::vector<TomlFields>> Tables(std::string_view key, std::size_t max_size);

  /// Errors: kInvalidArgument (names a key nobody asked for, and those there are).
  Status Finish() const;

  /// "node.toml: chains[0].role: " and what is wrong.
  tl::unexpected<Error> Wrong(std::string_view key, std::string_view what) const;
  /// As Wrong, with the message of an error found in the key's value.
  tl::unexpected<Error> Wrong(std::string_view key, const Error& error) const {
    return Wrong(key, error.message);
  }

 private:
  std::string PathOf(std::string_view key) const;
  const toml::node* Find(std::string_view key);

  const toml::table* table_;
  std::string source_, path_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace talent::node
