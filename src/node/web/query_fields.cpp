#include "node/web/query_fields.h"

#include <algorithm>
#include <charconv>

namespace talent::node {
namespace {

Result<std::string> DecodeParameter(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return PercentDecode(spaced);
}

}  // namespace

Result<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = FromHex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) {
      return Fail(Code::kInvalidArgument, "a '%' without two hexadecimal digits");
    }
    out += *byte;
    i += 2;
  }
  return out;
}

Result<QueryFields> QueryFields::Parse(std::string_view query) {
  QueryFields out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (out.left_.size() == kMaxParameters) {
      return Fail(Code::kTooLarge, "query: more than {} parameters", kMaxParameters);
    }
    const auto equals = pair.find('=');
    auto name = DecodeParameter(pair.substr(0, equals));
    if (!name) return Within("query", name.error());
    auto value = DecodeParameter(equals == pair.npos ? "" : pair.substr(equals + 1));
    if (!value) return Within("query", value.error());
    if (!out.left_.emplace(*name, *std::move(value)).second) {
      return Fail(Code::kInvalidArgument, "query: '{}' stands there twice", *name);
    }
  }
  return out;
}

std::optional<std::string> QueryFields::Text(const std::string& name) {
  auto found = left_.extract(name);
  if (found.empty()) return std::nullopt;
  return std::move(found.mapped());
}

Result<std::optional<std::uint64_t>> QueryFields::Number(const std::string& name) {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [read_to, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || read_to != end) {
    return Fail(Code::kInvalidArgument, "{}: '{}' is no number from 0 to 2^64 - 1", name, *text);
  }
  return number;
}

Result<std::uint64_t> QueryFields::NumberOr(const std::string& name, std::uint64_t min,
                                            std::uint64_t max, std::uint64_t absent) {
  const auto number = TRY(Number(name));
  if (!number) return absent;
  if (*number < min || *number > max) {
    return Fail(Code::kInvalidArgument, "{}: {} where {} to {} are allowed", name, *number, min,
                max);
  }
  return *number;
}

Result<std::optional<Bytes>> QueryFields::Hex(const std::string& name) {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  auto bytes = FromHex(*text);
  if (!bytes) return Within(name, bytes.error());
  return *std::move(bytes);
}

Status QueryFields::Finish() const {
  if (left_.empty()) return {};
  return Fail(Code::kInvalidArgument, "query: no parameter is called '{}' here",
              left_.begin()->first);
}

}  // namespace talent::node
