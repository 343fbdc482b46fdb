#include "node/ops/toml_fields.h"

#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <sstream>

namespace talent::node {
namespace {

std::string Describe(const toml::node& node) {
  std::ostringstream out;
  out << node.type() << " at line " << node.source().begin.line;
  return out.str();
}

}  // namespace

TomlFields::TomlFields(const toml::table& table, std::string source, std::string path)
    : table_(&table), source_(std::move(source)), path_(std::move(path)) {}

bool TomlFields::Has(std::string_view key) const { return table_->contains(key); }

std::vector<std::string> TomlFields::Keys() const {
  std::vector<std::string> out;
  for (const auto& [key, node] : *table_) out.emplace_back(key.str());
  return out;
}

std::string TomlFields::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

tl::unexpected<Error> TomlFields::Wrong(std::string_view key, std::string_view what) const {
  return Fail(Code::kInvalidArgument, "{}: {}: {}", source_, PathOf(key), what);
}

const toml::node* TomlFields::Find(std::string_view key) {
  asked_.emplace(key);
  return table_->get(key);
}

Result<std::string> TomlFields::Text(std::string_view key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return Wrong(key, "missing; a text is expected");
  const auto* text = node->as_string();
  if (text == nullptr) return Wrong(key, "a text is expected, not " + Describe(*node));
  if (text->get().empty()) return Wrong(key, "must not be empty");
  return text->get();
}

Result<std::string> TomlFields::TextOr(std::string_view key, std::string absent) {
  if (Find(key) == nullptr) return absent;
  return Text(key);
}

Result<bool> TomlFields::FlagOr(std::string_view key, bool absent) {
  const toml::node* node = Find(key);
  if (node == nullptr) return absent;
  const auto* flag = node->as_boolean();
  if (flag == nullptr) return Wrong(key, "true or false is expected, not " + Describe(*node));
  return flag->get();
}

Result<std::uint64_t> TomlFields::Number(std::string_view key, std::uint64_t min,
                                         std::uint64_t max) {
  const toml::node* node = Find(key);
  const auto* number = node == nullptr ? nullptr : node->as_integer();
  const std::string what = fmt::format("a whole number from {} to {} is expected", min, max);
  if (number == nullptr) {
    return Wrong(key, node == nullptr ? "missing; " + what : what + ", not " + Describe(*node));
  }
  const auto value = static_cast<std::uint64_t>(number->get());
  if (number->get() < 0 || value < min || value > max) {
    return Wrong(key, fmt::format("{}, not {}", what, number->get()));
  }
  return value;
}

Result<TomlFields> TomlFields::Table(std::string_view key) {
  static const toml::table kNone;
  const toml::node* node = Find(key);
  const toml::table* table = node == nullptr ? &kNone : node->as_table();
  if (table == nullptr) {
    return Wrong(key, fmt::format("a table, [{}], is expected, not {}", key, Describe(*node)));
  }
  return TomlFields(*table, source_, PathOf(key));
}

Result<std::vector<TomlFields>> TomlFields::Tables(std::string_view key, std::size_t max_size) {
  std::vector<TomlFields> out;
  const toml::node* node = Find(key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    return Wrong(key, fmt::format("a list of tables, [[{}]], is expected, not {}", PathOf(key),
                                  Describe(*node)));
  }
  if (array->size() > max_size) {
    return Wrong(key, fmt::format("{} entries; at most {} are possible", array->size(), max_size));
  }
  for (const toml::node& element : *array) {
    const std::string name = fmt::format("{}[{}]", key, out.size());
    const toml::table* table = element.as_table();
    if (table == nullptr) return Wrong(name, "a table is expected, not " + Describe(element));
    out.emplace_back(*table, source_, PathOf(name));
  }
  return out;
}

Status TomlFields::Finish() const {
  for (const auto& [key, node] : *table_) {
    if (asked_.contains(key.str())) continue;
    return Wrong(key.str(), fmt::format("no such key (line {}); there are {}",
                                        node.source().begin.line, fmt::join(asked_, ", ")));
  }
  return {};
}

}  // namespace talent::node
