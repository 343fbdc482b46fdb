#include "base/canonical.h"

#include <google/protobuf/descriptor.h>

#include <limits>

namespace talent {
namespace {

namespace proto = google::protobuf;

// Wire types of https://protobuf.dev/programming-guides/encoding; the others belong to types that
// no format of ours uses.
constexpr std::uint64_t kVarint = 0;
constexpr std::uint64_t kDelimited = 2;

/// Reads `bytes`, which protobuf has parsed as a `type`, and finds every liberty that an encoding
/// may take. Cheaper than encoding the message again and comparing, which this is equal to.
class CanonicalReader {
 public:
  CanonicalReader(BytesView bytes, const proto::Descriptor& type) : left_(bytes), type_(type) {}

  bool Accept() {
    while (!left_.empty()) {
      if (!AcceptField()) return false;
    }
    return true;
  }

 private:
  bool AcceptField() {
    std::uint64_t tag = 0;
    if (!ReadVarint(tag) || tag >> 3 > proto::FieldDescriptor::kMaxNumber) return false;
    const int number = static_cast<int>(tag >> 3);
    const auto* const field = type_.FindFieldByNumber(number);
    if (field == nullptr) return false;
    const bool list = field->is_repeated() && !field->is_packed();
    if (number < last_number_ || (number == last_number_ && !list)) return false;
    last_number_ = number;
    return AcceptOneof(*field) && AcceptValue(*field, tag & 7);
  }

  /// One alternative at most.
  bool AcceptOneof(const proto::FieldDescriptor& field) {
    const auto* const oneof = field.containing_oneof();
    if (oneof == nullptr) return true;
    if (oneof->index() >= std::numeric_limits<std::uint64_t>::digits) return false;
    const std::uint64_t bit = std::uint64_t{1} << oneof->index();
    if ((oneofs_ & bit) != 0) return false;
    oneofs_ |= bit;
    return true;
  }

  bool AcceptValue(const proto::FieldDescriptor& field, std::uint64_t wire_type) {
    using Type = proto::FieldDescriptor::CppType;
    const bool may_be_default = field.has_presence() || field.is_repeated();
    BytesView value;
    switch (field.cpp_type()) {
      case Type::CPPTYPE_MESSAGE:
        return wire_type == kDelimited && ReadDelimited(value) &&
               CanonicalReader(value, *field.message_type()).Accept();
      case Type::CPPTYPE_STRING:
        return wire_type == kDelimited && ReadDelimited(value) &&
               (may_be_default || !value.empty());
      default:
        if (!field.is_packed()) {
          std::uint64_t number = 0;
          return wire_type == kVarint && ReadVarint(number) && InRange(field, number) &&
                 (may_be_default || number != 0);
        }
        return wire_type == kDelimited && ReadDelimited(value) && AcceptPacked(field, value);
    }
  }

  static bool AcceptPacked(const proto::FieldDescriptor& field, BytesView values) {
    if (values.empty()) return false;
    CanonicalReader numbers(values, *field.containing_type());
    while (!numbers.left_.empty()) {
      std::uint64_t number = 0;
      if (!numbers.ReadVarint(number) || !InRange(field, number)) return false;
    }
    return true;
  }

  /// Whether the parser kept all of the varint.
  static bool InRange(const proto::FieldDescriptor& field, std::uint64_t number) {
    const auto sign_extended =
        static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(number)));
    switch (field.type()) {
      case proto::FieldDescriptor::TYPE_BOOL:
        return number <= 1;
      case proto::FieldDescriptor::TYPE_UINT32:
      case proto::FieldDescriptor::TYPE_SINT32:
        return number <= std::numeric_limits<std::uint32_t>::max();
      case proto::FieldDescriptor::TYPE_INT32:
      case proto::FieldDescriptor::TYPE_ENUM:
        return number == sign_extended;
      case proto::FieldDescriptor::TYPE_UINT64:
      case proto::FieldDescriptor::TYPE_INT64:
      case proto::FieldDescriptor::TYPE_SINT64:
        return true;
      default:
        return false;  // fixed width: in no format of ours
    }
  }

  /// False where it is not the shortest.
  bool ReadVarint(std::uint64_t& value) {
    constexpr std::size_t kMaxSize = 10;
    value = 0;
    for (std::size_t i = 0; i < left_.size() && i < kMaxSize; ++i) {
      const auto byte = static_cast<std::uint8_t>(left_[i]);
      if (i + 1 == kMaxSize && byte > 1) return false;  // beyond 64 bits
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        left_.remove_prefix(i + 1);
        return byte != 0 || i == 0;
      }
    }
    return false;
  }

  bool ReadDelimited(BytesView& value) {
    std::uint64_t size = 0;
    if (!ReadVarint(size) || size > left_.size()) return false;
    value = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }

  BytesView left_;
  const proto::Descriptor& type_;
  int last_number_ = 0;
  std::uint64_t oneofs_ = 0;  // met so far, by index
};

}  // namespace

Bytes Encode(const proto::Message& message) {
  // Fields come out in ascending order, and there are no maps, whose order would be arbitrary.
  const std::size_t size = message.ByteSizeLong();
  CHECK(size <= static_cast<std::size_t>(std::numeric_limits<int>::max()), "{}",
        message.GetTypeName());
  Bytes out(size, '\0');
  auto* const begin = reinterpret_cast<std::uint8_t*>(out.data());
  CHECK(message.SerializeWithCachedSizesToArray(begin) == begin + size, "{}",
        message.GetTypeName());
  return out;
}

Status DecodeInto(BytesView bytes, proto::Message& out) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(Code::kInvalidArgument, "{} bytes are no {}", bytes.size(), out.GetTypeName());
  }
  if (!CanonicalReader(bytes, *out.GetDescriptor()).Accept()) {
    return Fail(Code::kInvalidArgument,
                "{} is not canonically encoded (unknown field, default value or field order)",
                out.GetTypeName());
  }
  return {};
}

}  // namespace talent
