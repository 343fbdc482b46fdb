// Published test vectors, read from tests/vectors (its README.md names their sources).
#pragma once

#include <sodium.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"

namespace talent::crypto {

inline nlohmann::json ReadVectors(const std::string& name) {
  std::ifstream file(std::string(TALENT_VECTORS "/") + name);
  CHECK(file.is_open(), "{}", name);
  return nlohmann::json::parse(file);
}

inline Bytes HexField(const nlohmann::json& object, const char* field) {
  return FromHex(object.at(field).get<std::string>()).value();
}

/// The bytes of base64 text; empty text for none.
inline Bytes FromBase64(const std::string& text) {
  Bytes out(text.size(), '\0');
  std::size_t size = 0;
  CHECK(sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                          text.size(), nullptr, &size, nullptr,
                          sodium_base64_VARIANT_ORIGINAL) == 0);
  out.resize(size);
  return out;
}

}  // namespace talent::crypto
