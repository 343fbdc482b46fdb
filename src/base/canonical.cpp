#include "base/canonical.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <limits>

namespace talent {

Bytes Encode(const google::protobuf::Message& message) {
  Bytes out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    CHECK(message.SerializeToCodedStream(&coded), "{}", message.GetTypeName());
  }
  return out;
}

Status DecodeInto(BytesView bytes, google::protobuf::Message& out) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(Code::kInvalidArgument, "{} bytes are no {}", bytes.size(), out.GetTypeName());
  }
  // Once unknown fields are dropped, one comparison finds them and every other liberty taken.
  out.DiscardUnknownFields();
  if (Encode(out) != bytes) {
    return Fail(Code::kInvalidArgument,
                "{} is not canonically encoded (unknown field, default value or field order)",
                out.GetTypeName());
  }
  return {};
}

}  // namespace talent
