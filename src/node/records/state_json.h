// Entries of a chain's state as people read and type them.
//
// A key is written "table/rest", the rest as text where the table's keys are names, else in
// hexadecimal: "standing/acme", "rec/1f3a…".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace talent::node {

/// The state key, or prefix of keys, behind what a person typed. Errors: kInvalidArgument (the rest
/// is no hexadecimal).
Result<Bytes> StateKeyFromText(std::string_view text);
std::string StateKeyToText(BytesView key);

/// The value under `key` on a chain of `tier` ("private"…) as JSON; as hexadecimal text where the
/// table is not known here.
Result<nlohmann::json> StateValueToJson(std::string_view tier, BytesView key, BytesView value);

}  // namespace talent::node
