#include "node/records/payload_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>
#include <openssl/evp.h>

#include <memory>

#include "base/canonical.h"
#include "base/json_fields.h"
#include "talent/ledger/v1/erasure.pb.h"
#include "talent/tiers/v1/common.pb.h"
#include "talent/tiers/v1/consortium.pb.h"
#include "talent/tiers/v1/erasure.pb.h"
#include "talent/tiers/v1/governance.pb.h"
#include "talent/tiers/v1/private.pb.h"
#include "talent/tiers/v1/public.pb.h"

namespace talent::node {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Json = nlohmann::json;

using Recode = Result<std::string> (*)(const std::string&);

Result<std::string> HexToBase64(const std::string& hex) {
  const Bytes bytes = TRY(FromHex(hex));
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP ends it with a zero byte
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

/// Only for what protobuf wrote: padded, standard alphabet.
Result<std::string> Base64ToHex(const std::string& text) {
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  CHECK(size >= 0, "protobuf wrote bytes that are no base64");
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  return ToHex(out);
}

/// Recodes every bytes field of `object`, a message of type `type`, in place.
Status RecodeBytes(const Descriptor& type, Json& object, Recode recode, const std::string& path);

Status RecodeField(const FieldDescriptor& field, Json& value, Recode recode,
                   const std::string& path) {
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
    return RecodeBytes(*field.message_type(), value, recode, path);
  }
  if (field.type() != FieldDescriptor::TYPE_BYTES) return {};
  if (!value.is_string()) {
    return Fail(Code::kInvalidArgument, "{}: not a text of hexadecimal digits", path);
  }
  auto text = recode(value.get_ref<const std::string&>());
  if (!text) return Within(path, std::move(text).error());
  value = std::move(*text);
  return {};
}

Status RecodeBytes(const Descriptor& type, Json& object, Recode recode, const std::string& path) {
  if (!object.is_object()) return Fail(Code::kInvalidArgument, "{}: not an object", path);
  for (auto& [name, value] : object.items()) {
    const FieldDescriptor* field = type.FindFieldByName(name);
    const std::string at = fmt::format("{}.{}", path, name);
    if (field == nullptr) {
      return Fail(Code::kInvalidArgument, "{}: no field of {}", at, type.name());
    }
    if (!field->is_repeated()) {
      TRY(RecodeField(*field, value, recode, at));
      continue;
    }
    if (!value.is_array()) return Fail(Code::kInvalidArgument, "{}: not a list", at);
    for (std::size_t i = 0; i < value.size(); ++i) {
      TRY(RecodeField(*field, value[i], recode, fmt::format("{}[{}]", at, i)));
    }
  }
  return {};
}

/// An empty message `name` of the tiers or the ledger.
Result<std::unique_ptr<Message>> MakeMessage(std::string_view name) {
  // The files are linked in: each is named by one of its messages.
  google::protobuf::LinkMessageReflection<tiers::v1::Party>();
  google::protobuf::LinkMessageReflection<tiers::v1::RecordPromoted>();
  google::protobuf::LinkMessageReflection<tiers::v1::SubjectRegistered>();
  google::protobuf::LinkMessageReflection<tiers::v1::RecordPublished>();
  google::protobuf::LinkMessageReflection<tiers::v1::Proposal>();
  google::protobuf::LinkMessageReflection<tiers::v1::Erased>();
  google::protobuf::LinkMessageReflection<ledger::v1::ErasedEntry>();
  const auto* const pool = google::protobuf::DescriptorPool::generated_pool();
  const auto* type = pool->FindMessageTypeByName(fmt::format("talent.tiers.v1.{}", name));
  if (type == nullptr) {
    type = pool->FindMessageTypeByName(fmt::format("talent.ledger.v1.{}", name));
  }
  if (type == nullptr) {
    return Fail(Code::kNotFound, "no kind of record or state entry is called '{}'", name);
  }
  const Message* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  CHECK(prototype != nullptr, "{}", type->full_name());
  return std::unique_ptr<Message>(prototype->New());
}

}  // namespace

Result<Bytes> PayloadFromJson(std::string_view kind, std::string_view text) {
  if (text.size() > kMaxPayloadJsonBytes) {
    return Fail(Code::kTooLarge, "{}: {} bytes of JSON where {} are the most", kind, text.size(),
                kMaxPayloadJsonBytes);
  }
  const auto message = TRY(MakeMessage(kind));
  Json object = TRY(ParseJson(text));
  TRY(RecodeBytes(*message->GetDescriptor(), object, HexToBase64, std::string(kind)));
  const auto status = google::protobuf::util::JsonStringToMessage(object.dump(), message.get());
  if (!status.ok()) {
    return Fail(Code::kInvalidArgument, "{}: {}", kind, std::string(status.message()));
  }
  return Encode(*message);
}

Result<Json> MessageToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) {
    return Fail(Code::kInvalidArgument, "{}: {}", message.GetTypeName(),
                std::string(status.message()));
  }
  Json object = Json::parse(text, nullptr, false);
  TRY(RecodeBytes(*message.GetDescriptor(), object, Base64ToHex, message.GetDescriptor()->name()));
  return object;
}

Result<Json> DecodeToJson(std::string_view name, BytesView bytes) {
  const auto message = TRY(MakeMessage(name));
  TRY(DecodeInto(bytes, *message));
  return MessageToJson(*message);
}

}  // namespace talent::node
