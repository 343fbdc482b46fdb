// The one encoding of everything that is hashed or signed: canonical protobuf.
//
// Canonical means: fields in ascending order of number, no field with its default value, shortest
// varints, no unknown field, no map, no float. One message then has one byte string, in any
// language (docs/protocol.md, "Encoding"). Signed bytes are still stored and passed on as received.
#pragma once

#include <google/protobuf/message.h>

#include "base/bytes.h"
#include "base/result.h"

namespace talent {

/// The canonical bytes of `message`.
Bytes Encode(const google::protobuf::Message& message);

/// Parses `bytes` into `out`, which is cleared first.
/// Errors: kInvalidArgument (not a message of this type, unknown field, not canonical).
Status DecodeInto(BytesView bytes, google::protobuf::Message& out);

template <class M>
Result<M> Decode(BytesView bytes) {
  M message;
  TRY(DecodeInto(bytes, message));
  return message;
}

}  // namespace talent
