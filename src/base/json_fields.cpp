#include "base/json_fields.h"

#include <optional>

namespace talent {

using Json = nlohmann::json;

Result<Json> ParseJson(BytesView text) {
  std::vector<std::set<std::string>> open;  // names seen in each open object
  std::optional<std::string> wrong;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxJsonDepth && !wrong) wrong = "nested too deeply";
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !wrong) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!open.back().insert(name).second) {
        wrong = fmt::format("field '{}' stands twice in one object", name);
      }
    }
    return true;
  };
  try {
    Json value = Json::parse(text, watch);
    if (wrong) return Fail(Code::kInvalidArgument, "{}", *wrong);
    return value;
  } catch (const Json::exception& e) {
    return Fail(Code::kInvalidArgument, "no JSON: {}", e.what());
  }
}

Result<JsonFields> JsonFields::Of(const Json& object, std::string path) {
  if (!object.is_object()) {
    return Fail(Code::kInvalidArgument, "{}: an object is expected, not {}",
                path.empty() ? "top level" : path, object.type_name());
  }
  return JsonFields(object, std::move(path));
}

std::string JsonFields::PathOf(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

Result<const Json*> JsonFields::Any(const std::string& name) {
  const auto found = object_->find(name);
  if (found == object_->end()) {
    return Fail(Code::kInvalidArgument, "{}: missing", PathOf(name));
  }
  asked_.insert(name);
  return &*found;
}

Result<std::string> JsonFields::Text(const std::string& name, std::size_t max_length) {
  const Json& value = *TRY(Any(name));
  if (!value.is_string()) {
    return Fail(Code::kInvalidArgument, "{}: text is expected, not {}", PathOf(name),
                value.type_name());
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty() || text.size() > max_length) {
    return Fail(Code::kInvalidArgument, "{}: {} bytes of text where 1 to {} are expected",
                PathOf(name), text.size(), max_length);
  }
  return text;
}

Result<std::uint64_t> JsonFields::Number(const std::string& name, std::uint64_t min,
                                         std::uint64_t max) {
  const Json& value = *TRY(Any(name));
  if (!value.is_number_unsigned()) {
    return Fail(Code::kInvalidArgument, "{}: a whole number from {} to {} is expected",
                PathOf(name), min, max);
  }
  const auto number = value.get<std::uint64_t>();
  if (number < min || number > max) {
    return Fail(Code::kInvalidArgument, "{}: {} is not from {} to {}", PathOf(name), number, min,
                max);
  }
  return number;
}

Result<JsonFields> JsonFields::Object(const std::string& name) {
  return Of(*TRY(Any(name)), PathOf(name));
}

Result<std::vector<JsonFields>> JsonFields::Array(const std::string& name, std::size_t max_size) {
  const Json& value = *TRY(Any(name));
  if (!value.is_array() || value.size() > max_size) {
    return Fail(Code::kInvalidArgument, "{}: a list of at most {} objects is expected",
                PathOf(name), max_size);
  }
  std::vector<JsonFields> items;
  items.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    items.push_back(TRY(Of(value[i], fmt::format("{}[{}]", PathOf(name), i))));
  }
  return items;
}

Status JsonFields::Finish() const {
  for (const auto& [name, value] : object_->items()) {
    if (!asked_.contains(name)) {
      return Fail(Code::kInvalidArgument, "{}: unknown field", PathOf(name));
    }
  }
  return {};
}

}  // namespace talent
