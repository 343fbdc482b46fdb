// Whether JSON is what an OpenAPI description says, as far as this project's description goes.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

namespace talent::node {

class JsonSchema {
 public:
  explicit JsonSchema(const nlohmann::json& document) : document_(document) {}

  /// What is wrong with `value`, empty where it is as `schema` says; fields it does not name are
  /// wrong too.
  std::string Check(const nlohmann::json& schema, const nlohmann::json& value,
                    const std::string& path = "$") const {
    std::set<std::string> known;
    const std::string wrong = CheckPart(schema, value, path, known);
    if (!wrong.empty() || !value.is_object() || known.empty()) return wrong;
    for (const auto& [name, unused] : value.items()) {
      if (!known.contains(name)) return path + "." + name + " is not described";
    }
    return "";
  }

 private:
  const nlohmann::json& Resolve(const nlohmann::json& schema) const {
    if (!schema.contains("$ref")) return schema;
    return document_.at(nlohmann::json::json_pointer(schema["$ref"].get<std::string>().substr(1)));
  }

  static bool IsOfType(const std::string& type, const nlohmann::json& value) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "null" && value.is_null()) ||
           (type == "boolean" && value.is_boolean()) ||
           (type == "integer" && value.is_number_integer());
  }

  std::string CheckPart(const nlohmann::json& reference, const nlohmann::json& value,
                        const std::string& path, std::set<std::string>& known) const {
    const nlohmann::json& schema = Resolve(reference);
    if (schema.contains("allOf")) {
      for (const auto& part : schema["allOf"]) {
        if (auto wrong = CheckPart(part, value, path, known); !wrong.empty()) return wrong;
      }
      return "";
    }
    if (schema.contains("anyOf")) {
      std::string wrong;
      for (const auto& part : schema["anyOf"]) {
        const std::string here = Check(part, value, path);
        if (here.empty()) return "";
        wrong += here + "; ";
      }
      return wrong;
    }
    if (!IsOfType(schema.at("type"), value)) return path + " is no " + schema.at("type").dump();
    if (value.is_string()) return CheckText(schema, value.get<std::string>(), path);
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string at = path + "[" + std::to_string(i) + "]";
        if (auto wrong = Check(schema.at("items"), value[i], at); !wrong.empty()) return wrong;
      }
    }
    for (const auto& name : schema.value("required", nlohmann::json::array())) {
      if (!value.contains(name)) return path + " has no " + name.dump();
    }
    const auto properties = schema.value("properties", nlohmann::json::object());
    for (const auto& [name, field] : properties.items()) {
      known.insert(name);
      if (!value.contains(name)) continue;
      if (auto wrong = Check(field, value[name], path + "." + name); !wrong.empty()) return wrong;
    }
    return "";
  }

  static std::string CheckText(const nlohmann::json& schema, const std::string& text,
                               const std::string& path) {
    if (schema.contains("pattern") &&
        !std::regex_match(text, std::regex(schema["pattern"].get<std::string>()))) {
      return path + " is '" + text + "'";
    }
    if (!schema.contains("enum")) return "";
    for (const auto& one : schema["enum"]) {
      if (one == text) return "";
    }
    return path + " is '" + text + "', which is not listed";
  }

  const nlohmann::json& document_;
};

}  // namespace talent::node
