// Payloads and state entries as JSON and back, for commands and operators.
//
// protobuf's JSON with original field names, but bytes are hexadecimal: ids are read and compared
// by people.
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/bytes.h"

namespace talent::node {

inline constexpr std::size_t kMaxPayloadJsonBytes = 4u << 20;

/// Canonical bytes of the message `kind` of talent.tiers.v1 from JSON. Errors: kNotFound (no such
/// kind), kTooLarge, kInvalidArgument (names the field).
Result<Bytes> PayloadFromJson(std::string_view kind, std::string_view json);

/// The message as JSON; enums by name, 64-bit numbers as text as protobuf has them.
Result<nlohmann::json> MessageToJson(const google::protobuf::Message& message);

/// Parses `bytes` as message `name` of talent.tiers.v1 or talent.ledger.v1 ("Standing"). Errors:
/// kNotFound (no such message), kInvalidArgument (the bytes are none).
Result<nlohmann::json> DecodeToJson(std::string_view name, BytesView bytes);

}  // namespace talent::node
