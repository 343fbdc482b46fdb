#include "node/web/publications.h"

#include <array>

#include "base/canonical.h"
#include "node/records/payload_json.h"
#include "talent/tiers/v1/erasure.pb.h"

namespace talent::node {
namespace {

namespace tiers_pb = ::talent::tiers::v1;
using Json = nlohmann::json;

Status AddEvidence(const tiers_pb::RecordEvidence& evidence, bool steps, Publication& out) {
  const auto* const payload = evidence.has_payload() ? &evidence.payload() : nullptr;
  auto record = TRY(ledger::ParseTransaction(evidence.record(), payload));
  const RecordId id = record.id;
  out.records.push_back({id, std::move(record), evidence.state().value(), steps});
  return {};
}

template <class Message>
Publication WithSteps(const Message& message) {
  Publication out;
  out.height = message.height();
  out.steps.assign(message.steps().begin(), message.steps().end());
  return out;
}

/// Fields that hold a message's bytes, by the kind they stand in.
struct Nested {
  std::string_view kind, field, message;
};
constexpr std::array kNested = {
    Nested{"InvestmentConfirmed", "statement", "InvestmentStatement"},
    Nested{"TokenTransferred", "statement", "TransferStatement"},
    Nested{"FlowRecorded", "statement", "FlowStatement"},
};

Result<Json> Decoded(std::string_view message, const Json& hex) {
  return DecodeToJson(message, TRY(FromHex(hex.get_ref<const std::string&>())));
}

/// What the record is about: what a correction puts in the place of the other.
const Json& Innermost(const Json& payload) {
  for (const char* const field : {"content", "statement"}) {
    const auto inner = payload.find(field);
    if (inner != payload.end() && inner->is_object()) return Innermost(*inner);
  }
  return payload;
}

Result<Json> PayloadJson(const std::string& kind, BytesView payload) {
  Json out = TRY(DecodeToJson(kind, payload));
  for (const Nested& nested : kNested) {
    if (nested.kind == kind) out[nested.field] = TRY(Decoded(nested.message, out[nested.field]));
  }
  if (kind == "Corrected") {
    const auto content_kind = out["content_kind"].get<std::string>();
    // One level: a correction's content is no correction.
    if (content_kind != "Corrected") {
      const Bytes content = TRY(FromHex(out["content"].get_ref<const std::string&>()));
      out["content"] = TRY(PayloadJson(content_kind, content));
    }
  }
  return out;
}

}  // namespace

const Publication::Evidence* Publication::Find(const RecordId& id) const {
  for (const Evidence& evidence : records) {
    if (evidence.id == id) return &evidence;
  }
  return nullptr;
}

Result<std::optional<Publication>> ReadPublication(const ledger::Transaction& tx) {
  if (!tx.has_payload()) return std::nullopt;
  if (tx.kind == "RecordPublished") {
    const auto message = TRY(Decode<tiers_pb::RecordPublished>(tx.payload));
    Publication out = WithSteps(message);
    TRY(AddEvidence(message.record(), true, out));
    return out;
  }
  if (tx.kind == "CorrectionPublished") {
    const auto message = TRY(Decode<tiers_pb::CorrectionPublished>(tx.payload));
    Publication out = WithSteps(message);
    TRY(AddEvidence(message.original(), true, out));
    TRY(AddEvidence(message.correction(), false, out));
    return out;
  }
  if (tx.kind == "ErasurePublished") {
    const auto message = TRY(Decode<tiers_pb::ErasurePublished>(tx.payload));
    Publication out;
    out.height = message.height();
    out.erased.push_back(TRY(RecordId::FromBytes(message.record_id())));
    return out;
  }
  return std::nullopt;
}

Result<Content> ReadContent(const std::string& kind, BytesView payload) {
  Content out;
  out.payload = TRY(PayloadJson(kind, payload));
  const Json& inner = Innermost(out.payload);
  if (const auto subject = inner.find("subject_id");
      subject != inner.end() && subject->is_string() &&
      !subject->get_ref<const std::string&>().empty()) {
    out.subject = subject->get<std::string>();
  }
  if (const auto tags = inner.find("tags"); tags != inner.end() && tags->is_array()) {
    for (const Json& tag : *tags) {
      const auto industry = tag.find("industry");
      if (industry != tag.end()) out.tags.push_back(industry->get<std::string>());
    }
  }
  return out;
}

}  // namespace talent::node
